//! What a job's life looks like from outside.

use cos_batch_model::{
    BatchApi as _, DeleteJobRequest, DescribeJobRequest, ErrorCode, JobStatus, ListJobsRequest, MaxResults, Priority,
    RequestedJobStatus, UpdateJobPriorityRequest,
};

use super::world::{SOURCE, TARGET, World};

#[tokio::test]
async fn a_job_runs_to_its_end_and_reports_every_row() {
    let world = World::new().await;
    let mut rows = world.fill(250).await;
    rows.push_str(&format!("{SOURCE},missing\nother-999,secret\n"));
    let id = world.create(world.copy_request(&rows).await).await;
    let job = world.until_status(&id, JobStatus::Complete).await;
    let progress = job.progress_summary;
    assert_eq!(
        (progress.total_number_of_tasks, progress.number_of_tasks_succeeded, progress.number_of_tasks_failed),
        (252, 250, 2)
    );
    assert_eq!(job.status_update_reason.unwrap().as_str(), "Job complete");
    assert!(job.termination_date.is_some() && job.failure_reasons.is_empty());
    let report = world.report(&id).await;
    assert_eq!(report.len(), 252);
    let failed: Vec<_> = report.iter().filter(|row| !row.1).collect();
    assert_eq!(failed[0], &("missing".to_owned(), false, "NoSuchKey".to_owned()));
    assert_eq!(failed[1], &("secret".to_owned(), false, "AccessDenied".to_owned()));
    for number in 0..250 {
        let key = format!("in/{number}");
        assert_eq!(world.get(TARGET, &key).await, world.get(SOURCE, &key).await, "{key}");
    }
    let events = world.jobs.events(uuid::Uuid::parse_str(id.as_str()).unwrap()).await.unwrap();
    let statuses: Vec<_> = events.iter().map(|event| event.status.as_str()).collect();
    assert_eq!(statuses, ["New", "Preparing", "Ready", "Active", "Completing", "Complete"]);
}

#[tokio::test]
async fn an_empty_manifest_is_complete_at_once() {
    let world = World::new().await;
    let id = world.create(world.copy_request("").await).await;
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(job.progress_summary, cos_batch_model::ProgressSummary::default());
    assert_eq!(world.report(&id).await, []);
}

#[tokio::test]
async fn confirmation_is_waited_for() {
    let world = World::new().await;
    let rows = world.fill(3).await;
    let mut request = world.copy_request(&rows).await;
    request.confirmation_required = true;
    let id = world.create(request).await;
    let job = world.until_status(&id, JobStatus::Suspended).await;
    let cause = job.suspended_cause.unwrap();
    let what = format!("copy 3 objects from {SOURCE} to {TARGET}");
    let expected = format!("waiting for confirmation: {what} (at least 3 requests, about 27 bytes)");
    assert_eq!(cause.as_str(), expected);
    assert!(job.suspended_date.is_some());
    assert_eq!(job.progress_summary.total_number_of_tasks, 3);
    assert_eq!(world.get(TARGET, "in/0").await, None);
    world.set_status(&id, RequestedJobStatus::Ready).await.unwrap();
    world.until_status(&id, JobStatus::Complete).await;
    assert!(world.get(TARGET, "in/0").await.is_some());
}

#[tokio::test]
async fn a_finished_job_cannot_be_changed_but_deleted() {
    let world = World::new().await;
    let rows = world.fill(1).await;
    let id = world.create(world.copy_request(&rows).await).await;
    world.until_status(&id, JobStatus::Complete).await;
    for status in [RequestedJobStatus::Cancelled, RequestedJobStatus::Ready] {
        let error = world.set_status(&id, status).await.unwrap_err();
        assert_eq!((error.code, error.status.as_u16()), (ErrorCode::InvalidRequest, 400));
    }
    let context = world.context();
    let priority = UpdateJobPriorityRequest { job_id: id.clone(), priority: Priority::new(9).unwrap() };
    assert_eq!(world.engine.update_job_priority(&context, priority).await.unwrap_err().code, ErrorCode::NoSuchJob);
    world.engine.delete_job(&context, DeleteJobRequest { job_id: id.clone() }).await.unwrap();
    let gone = world.engine.describe_job(&context, DescribeJobRequest { job_id: id.clone() }).await.unwrap_err();
    assert_eq!(gone.code, ErrorCode::NoSuchJob);
    assert!(world.engine.list_jobs(&context, ListJobsRequest::default()).await.unwrap().jobs.is_empty());
    let again = world.engine.delete_job(&context, DeleteJobRequest { job_id: id }).await.unwrap_err();
    assert_eq!(again, gone);
}

#[tokio::test]
async fn a_token_makes_one_job() {
    let world = World::new().await;
    let rows = world.fill(1).await;
    let request = world.copy_request(&rows).await;
    let id = world.create(request.clone()).await;
    let error = world.engine.create_job(&world.context(), request).await.unwrap_err();
    assert_eq!((error.code, error.status.as_u16()), (ErrorCode::InvalidRequest, 400));
    assert!(error.message.contains(id.as_str()), "{}", error.message);
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let world = World::new().await;
    let rows = world.fill(1).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut request = world.copy_request(&rows).await;
        request.confirmation_required = number % 2 == 0;
        ids.push(world.create(request).await);
    }
    for (number, id) in ids.iter().enumerate() {
        world.until_status(id, if number % 2 == 0 { JobStatus::Suspended } else { JobStatus::Complete }).await;
    }
    let context = world.context();
    let mut request = ListJobsRequest { max_results: Some(MaxResults::new(2).unwrap()), ..ListJobsRequest::default() };
    let mut seen = Vec::new();
    loop {
        let page = world.engine.list_jobs(&context, request.clone()).await.unwrap();
        seen.extend(page.jobs.into_iter().map(|job| job.job_id));
        match page.next_token {
            Some(token) => {
                assert_eq!(token.as_str(), seen.last().unwrap().as_str());
                request.next_token = Some(token);
            }
            None => break,
        }
    }
    assert_eq!(seen, ids);
    let request = ListJobsRequest { job_statuses: vec![JobStatus::Complete], ..ListJobsRequest::default() };
    let page = world.engine.list_jobs(&context, request).await.unwrap();
    assert_eq!(page.jobs.iter().map(|job| &job.job_id).collect::<Vec<_>>(), [&ids[1], &ids[3]]);
}

#[tokio::test]
async fn a_foreign_job_is_as_unknown_as_any() {
    let world = World::new().await;
    let rows = world.fill(1).await;
    let id = world.create(world.copy_request(&rows).await).await;
    let mut stranger = world.context();
    stranger.appid = cos_batch_model::AppId::new("7").unwrap();
    let foreign = world.engine.describe_job(&stranger, DescribeJobRequest { job_id: id }).await.unwrap_err();
    for unknown in ["0193a1b2-c3d4-7e5f-8a6b-0c1d2e3f4a5b", "nonsense"] {
        let request = DescribeJobRequest { job_id: unknown.parse().unwrap() };
        assert_eq!(world.engine.describe_job(&stranger, request).await.unwrap_err(), foreign);
    }
}
