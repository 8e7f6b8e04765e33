//! One job for one token, however many ask at once.

use std::{
    collections::BTreeSet,
    env,
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
    let mut tasks = tokio::task::JoinSet::new();
    for asker in 0..askers {
        let team = team.clone();
        tasks.spawn(async move { ask(&team, asker).await });
    }
    let mut told = BTreeSet::new();
    while let Some(answered) = tasks.join_next().await {
        told.insert(answered.unwrap());
    }
    let listed = team.client(0).list_jobs(ListJobsRequest::default()).await.unwrap();
    let listed: BTreeSet<String> = listed.jobs.iter().map(|member| member.job_id.as_str().to_owned()).collect();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(told, listed, "all are told which job it is");
}

/// The job that this one was told to have made, or that somebody else has.
async fn ask(team: &Team, asker: u64) -> String {
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < PATIENCE, "asker {asker} is not answered");
        match team.client(asker).create_job(team.request.clone()).await {
            Ok(job) => return job.job_id.as_str().to_owned(),
            Err(error) => {
                // Of very many some find no connection in time, and ask again.
                let Some(error) = error.api() else { continue };
                assert_eq!(error.code, ErrorCode::InvalidRequest, "{error}");
                return error.message.rsplit(' ').next().unwrap().to_owned();
            }
        }
    }
}
