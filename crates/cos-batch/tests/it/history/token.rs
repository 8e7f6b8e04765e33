//! One job for one token, however many ask at once.

use std::{collections::BTreeSet, env};

use cos_batch_model::{ErrorCode, ListJobsRequest};

use super::act::Team;

/// Who asks, in place of those of the test.
const ASKERS_VARIABLE: &str = "COS_BATCH_TORTURE_ASKERS";
const ASKERS: u64 = 200;

/// Many ask for the same job with the same token at the same time. One is answered that it was made, the others are told
/// which it is, and there is one.
pub(crate) async fn one_token_makes_one_job(team: &Team) {
    let askers = env::var(ASKERS_VARIABLE).map_or(ASKERS, |text| text.parse().unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for asker in 0..askers {
        let team = team.clone();
        tasks.spawn(async move { team.client(asker).create_job(team.request.clone()).await });
    }
    let (mut made, mut named) = (Vec::new(), BTreeSet::new());
    while let Some(answered) = tasks.join_next().await {
        match answered.unwrap() {
            Ok(job) => made.push(job.job_id),
            Err(error) => {
                let error = error.api().unwrap_or_else(|| panic!("{error}")).clone();
                assert_eq!(error.code, ErrorCode::InvalidRequest, "{error}");
                named.insert(error.message.rsplit(' ').next().unwrap().to_owned());
            }
        }
    }
    let [job] = &made[..] else { panic!("{} of {askers} made a job", made.len()) };
    assert_eq!(named, BTreeSet::from([job.as_str().to_owned()]), "all others are told which job it is");
    let listed = team.client(0).list_jobs(ListJobsRequest::default()).await.unwrap();
    assert_eq!(listed.jobs.iter().map(|member| &member.job_id).collect::<Vec<_>>(), [job]);
}
