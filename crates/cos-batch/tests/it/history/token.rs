//! One job for one token, however many ask at once.

use std::{
    collections::BTreeSet,
    env,
    io::Write as _,
    time::{Duration, Instant},
};

use cos_batch_model::{ErrorCode, ListJobsRequest};

use super::act::Team;

/// Who asks, in place of those of the test.
const ASKERS_VARIABLE: &str = "COS_BATCH_TORTURE_ASKERS";
const ASKERS: u64 = 200;

/// Longest that anybody waits for an answer: far more than it takes.
const PATIENCE: Duration = Duration::from_secs(600);

/// Many ask for the same job with the same token at the same time: there is one, and everybody is told which. A client whose
/// answer was lost finds the job by its token, and says that it was made.
pub(crate) async fn one_token_makes_one_job(team: &Team) {
    let askers = env::var(ASKERS_VARIABLE).map_or(ASKERS, |text| text.parse().unwrap());
    let begin = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for asker in 0..askers {
        let team = team.clone();
        tasks.spawn(async move { ask(&team, asker).await });
    }
    let (mut told, mut makers, mut again) = (BTreeSet::new(), 0, 0);
    while let Some(answered) = tasks.join_next().await {
        let Told { job, made, unanswered } = answered.unwrap();
        told.insert(job);
        makers += u64::from(made);
        again += unanswered;
    }
    let listed = team.client(0).list_jobs(ListJobsRequest::default()).await.unwrap();
    let listed: BTreeSet<String> = listed.jobs.iter().map(|member| member.job_id.as_str().to_owned()).collect();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(told, listed, "all are told which job it is");
    assert!(makers >= 1, "somebody made it");
    // For whoever looks at a long run; nobody may be there to read it.
    let took = begin.elapsed();
    let said =
        format!("{askers} ask for one job within {took:?}: {makers} are told that they made it, {again} found nobody");
    let _ = writeln!(std::io::stderr(), "{said} at first");
}

/// What an asker was told.
struct Told {
    job: String,
    /// It made the job, as far as its client knows: after an answer that was lost it may have been another one.
    made: bool,
    /// How often nobody answered it in time: a server takes no more than so many connections at a time.
    unanswered: u64,
}

async fn ask(team: &Team, asker: u64) -> Told {
    let begin = Instant::now();
    let mut unanswered = 0;
    loop {
        assert!(begin.elapsed() < PATIENCE, "asker {asker} is not answered");
        match team.client(asker).create_job(team.request.clone()).await {
            Ok(job) => return Told { job: job.job_id.as_str().to_owned(), made: true, unanswered },
            Err(error) => {
                // Of very many some find no connection in time, and ask again.
                let Some(error) = error.api() else {
                    unanswered += 1;
                    continue;
                };
                assert_eq!(error.code, ErrorCode::InvalidRequest, "{error}");
                let job = error.message.rsplit(' ').next().unwrap().to_owned();
                return Told { job, made: false, unanswered };
            }
        }
    }
}
