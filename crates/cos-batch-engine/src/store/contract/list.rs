//! Finding jobs.

use cos_batch_model::JobStatus;
use uuid::Uuid;

use super::kit::{Fixture, TTL, active, briefs, claim, create, listed, new_job, set_status, step};
use crate::{
    job::{JobState, ShardTally},
    store::{BriefFilter, BriefPage, JobBrief, JobChange, JobStore, ListFilter},
};

const TENANT: &str = "1250000000";

async fn page(store: &dyn JobStore, statuses: &[JobStatus], after: Option<Uuid>, limit: usize) -> (Vec<Uuid>, bool) {
    let (jobs, more) =
        store.list(ListFilter { tenant: TENANT, statuses, after, limit, newest_first: false }).await.unwrap();
    (jobs.iter().map(|job| job.id).collect(), more)
}

async fn delete(store: &dyn JobStore, id: Uuid) {
    let version = store.get(id).await.unwrap().unwrap().version;
    store.transition(id, version, JobChange { delete: true, ..JobChange::default() }).await.unwrap();
}

/// Pages follow each other without gap or overlap, and only the last says that there is no more.
pub async fn a_list_is_paged_in_order_of_ids(fixture: Fixture) {
    let store = &*fixture.store;
    assert_eq!(page(store, &[], None, 10).await, (vec![], false));
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(create(store, TENANT, &number.to_string()).await.id);
        create(store, "1259999999", &number.to_string()).await;
    }
    assert_eq!(page(store, &[], None, 2).await, (ids[..2].to_vec(), true));
    assert_eq!(page(store, &[], Some(ids[1]), 2).await, (ids[2..4].to_vec(), true));
    assert_eq!(page(store, &[], Some(ids[3]), 2).await, (ids[4..].to_vec(), false));
    assert_eq!(page(store, &[], Some(ids[4]), 2).await, (vec![], false));
    assert_eq!(page(store, &[], Some(ids[2]), 2).await, (ids[3..].to_vec(), false), "a full last page");
    assert_eq!(page(store, &[], None, 0).await, (vec![], true));

    // A page begins after an id, whether its job is still there or not.
    set_status(store, ids[1], JobStatus::Complete).await.unwrap();
    store.purge(ids[1]).await.unwrap();
    assert_eq!(page(store, &[], Some(ids[1]), 2).await, (ids[2..4].to_vec(), true));
    delete(store, ids[4]).await;
    assert_eq!(page(store, &[], Some(ids[1]), 2).await, (ids[2..4].to_vec(), false));

    let backwards = async |statuses: &[JobStatus], after, limit| {
        let filter = ListFilter { tenant: TENANT, statuses, after, limit, newest_first: true };
        let (jobs, more) = store.list(filter).await.unwrap();
        (jobs.iter().map(|job| job.id).collect::<Vec<_>>(), more)
    };
    assert_eq!(backwards(&[], None, 2).await, (vec![ids[3], ids[2]], true));
    assert_eq!(backwards(&[], Some(ids[2]), 2).await, (vec![ids[0]], false));
    assert_eq!(backwards(&[], Some(ids[0]), 2).await, (vec![], false));
    assert_eq!(backwards(&[JobStatus::New, JobStatus::Active], None, 2).await, (vec![ids[3], ids[2]], true));
    assert_eq!(backwards(&[JobStatus::New, JobStatus::Active], Some(ids[3]), 2).await, (vec![ids[2], ids[0]], false));
    assert_eq!(backwards(&[], Some(ids[4]), 9).await, (vec![ids[3], ids[2], ids[0]], false));

    let filter = ListFilter { tenant: TENANT, statuses: &[], after: None, limit: 1, newest_first: false };
    let (jobs, _) = store.list(filter).await.unwrap();
    assert_eq!(Some(&jobs[0]), store.get(ids[0]).await.unwrap().as_ref(), "whole records are listed");
}

/// A filter names one or several statuses, and pages as a list without one.
pub async fn a_list_is_filtered_by_status(fixture: Fixture) {
    let store = &*fixture.store;
    let mut ids = Vec::new();
    for (number, status) in
        [JobStatus::Active, JobStatus::Paused, JobStatus::Complete].repeat(3).into_iter().enumerate()
    {
        let id = create(store, TENANT, &number.to_string()).await.id;
        set_status(store, id, status).await.unwrap();
        ids.push(id);
    }
    let both = &[JobStatus::Complete, JobStatus::Active, JobStatus::Active, JobStatus::New];
    assert_eq!(page(store, &[JobStatus::Paused], None, 10).await, (vec![ids[1], ids[4], ids[7]], false));
    assert_eq!(page(store, both, None, 3).await, (vec![ids[0], ids[2], ids[3]], true));
    assert_eq!(page(store, both, Some(ids[3]), 3).await, (vec![ids[5], ids[6], ids[8]], false));
    assert_eq!(page(store, JobStatus::ALL, None, 10).await, (ids.clone(), false));
    assert_eq!(page(store, &[JobStatus::New, JobStatus::Failed], None, 10).await, (vec![], false));

    delete(store, ids[4]).await;
    set_status(store, ids[7], JobStatus::Active).await.unwrap();
    assert_eq!(page(store, &[JobStatus::Paused], None, 10).await, (vec![ids[1]], false));
}

/// A list never shows jobs of another tenant, not even with an id of that tenant.
pub async fn tenants_do_not_see_each_other(fixture: Fixture) {
    let store = &*fixture.store;
    let mine = create(store, TENANT, "1").await.id;
    let theirs = create(store, "12500000001", "1").await.id;
    let mine_too = create(store, TENANT, "2").await.id;
    assert_eq!(listed(store, TENANT).await, [mine, mine_too]);
    assert_eq!(listed(store, "12500000001").await, [theirs]);
    assert_eq!(listed(store, "125000000").await, [] as [Uuid; 0]);
    assert_eq!(listed(store, "").await, [] as [Uuid; 0]);
    assert_eq!(page(store, &[], Some(theirs), 10).await, (vec![mine_too], false));
    assert_eq!(page(store, &[JobStatus::New], Some(theirs), 10).await, (vec![mine_too], false));
}

/// Of one tenant: higher priority first, then the older job, at most so many of each status.
pub async fn briefs_go_by_priority_then_age(fixture: Fixture) {
    let store = &*fixture.store;
    let mut ids = Vec::new();
    for (number, priority) in [0, 2_147_483_647, 5, 5, 0].into_iter().enumerate() {
        let mut new = new_job(TENANT, &number.to_string());
        new.priority = priority;
        ids.push(store.create(new).await.unwrap().id);
    }
    let order = async |statuses: &[JobStatus], each| {
        let briefs = briefs(store, statuses, each).await;
        briefs.iter().map(|brief| ids.iter().position(|id| *id == brief.id).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(order(&[JobStatus::New], 10).await, [1, 2, 3, 0, 4]);
    set_status(store, ids[2], JobStatus::Active).await.unwrap();
    set_status(store, ids[0], JobStatus::Active).await.unwrap();
    assert_eq!(order(&[JobStatus::New], 10).await, [1, 3, 4]);
    assert_eq!(order(&[JobStatus::Active, JobStatus::New, JobStatus::Active], 10).await, [1, 2, 3, 0, 4]);
    assert_eq!(order(&[JobStatus::Active, JobStatus::New], 1).await, [1, 2], "the most urgent of each status");
    assert_eq!(order(&[JobStatus::Active], 1).await, [2]);
    assert!(order(&[], 10).await.is_empty());
    assert!(order(&[JobStatus::Paused], 10).await.is_empty());
    assert!(order(&[JobStatus::New], 0).await.is_empty());

    let version = store.get(ids[4]).await.unwrap().unwrap().version;
    let urgent = JobChange { priority: Some(6), ..JobChange::default() };
    store.transition(ids[4], version, urgent).await.unwrap();
    delete(store, ids[2]).await;
    assert_eq!(order(&[JobStatus::New, JobStatus::Active], 10).await, [1, 4, 2, 3, 0], "deleted ones included");
    for id in &ids[1..] {
        set_status(store, *id, JobStatus::Failed).await.unwrap();
    }
    assert_eq!(order(JobStatus::ALL, 10).await, [0], "what has ended is not found");
}

/// However many urgent jobs a tenant has, each other one has its share; pages go from tenant to tenant.
pub async fn each_tenant_has_its_share_of_briefs(fixture: Fixture) {
    let store = &*fixture.store;
    let names = ["1", "12", "1250000000", "2"];
    for name in names {
        for number in 0..if name == "12" { 20 } else { 2 } {
            let mut new = new_job(name, &number.to_string());
            new.priority = if name == "12" { 9 } else { 0 };
            store.create(new).await.unwrap();
        }
    }
    let over = create(store, "11", "over").await;
    set_status(store, over.id, JobStatus::Cancelled).await.unwrap();
    let counts = |jobs: &[JobBrief]| names.map(|name| jobs.iter().filter(|job| job.tenant == name).count());
    assert_eq!(counts(&briefs(store, &[JobStatus::New], 3).await), [2, 3, 2, 2]);

    let (mut jobs, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let filter = BriefFilter { statuses: &[JobStatus::New], after: after.as_deref(), tenants: 2, each: 1 };
        let page = store.briefs(filter).await.unwrap();
        pages += 1;
        jobs.extend(page.jobs.into_iter().map(|job| job.tenant));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!((jobs, pages), (names.map(str::to_owned).to_vec(), 2));
    let other = BriefFilter { statuses: &[JobStatus::Paused], after: None, tenants: 1, each: 1 };
    let expected = BriefPage { jobs: vec![], next: Some("1".to_owned()) };
    assert_eq!(store.briefs(other).await.unwrap(), expected, "a tenant without such jobs is looked at too");
}

/// A brief carries the job's tallies, lease and mark of deletion.
pub async fn briefs_tell_what_a_scheduler_needs(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, lease) = active(store, "1", &[2, 2, 2]).await;
    let first = claim(store, id).await;
    claim(store, id).await;
    store.checkpoint(&first, step(first.cursor, 2, 0), TTL).await.unwrap();
    store.finish_shard(&first, vec![]).await.unwrap();
    let mut expected = JobBrief {
        id,
        tenant: TENANT.to_owned(),
        status: JobStatus::Active,
        priority: 0,
        shards: ShardTally { ready: 1, leased: 1, done: 1 },
        job_leased: true,
        deleted: false,
    };
    assert_eq!(briefs(store, &[JobStatus::Active], 10).await, [expected.clone()]);

    store.release_job(&lease).await.unwrap();
    delete(store, id).await;
    set_status(store, id, JobStatus::Cancelling).await.unwrap();
    (expected.status, expected.job_leased, expected.deleted) = (JobStatus::Cancelling, false, true);
    assert_eq!(briefs(store, &[JobStatus::Cancelling], 10).await, [expected]);
}

/// Jobs that wait for their confirmation are found from the longest wait on, whatever their priority.
pub async fn jobs_that_wait_too_long_are_found(fixture: Fixture) {
    let store = &*fixture.store;
    let mut ids = Vec::new();
    for (number, (status, at)) in [
        (JobStatus::Suspended, Some(30)),
        (JobStatus::Suspended, Some(10)),
        (JobStatus::Ready, Some(5)),
        (JobStatus::Suspended, Some(20)),
        (JobStatus::Suspended, None),
    ]
    .into_iter()
    .enumerate()
    {
        let mut new = new_job(if number % 2 == 0 { TENANT } else { "1259999999" }, &number.to_string());
        new.priority = u32::try_from(number).unwrap();
        let id = store.create(new).await.unwrap().id;
        let state = JobState { status, suspended_at: at, ..JobState::new() };
        store.transition(id, 0, JobChange { state: Some(state), ..JobChange::default() }).await.unwrap();
        ids.push(id);
    }
    let found = async |before, limit| {
        let found = store.suspended(before, limit).await.unwrap();
        found.iter().map(|id| ids.iter().position(|known| known == id).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(found(100, 10).await, [1, 3, 0]);
    assert_eq!(found(20, 10).await, [1, 3], "the time itself counts");
    assert_eq!(found(100, 1).await, [1]);
    set_status(store, ids[1], JobStatus::Ready).await.unwrap();
    assert_eq!(found(100, 10).await, [3, 0]);
}

/// Tasks are counted of live jobs of one tenant, but for one of them and for deleted ones.
pub async fn tasks_of_other_jobs_are_counted(fixture: Fixture) {
    let store = &*fixture.store;
    let mut ids = Vec::new();
    for (number, status) in
        [JobStatus::Active, JobStatus::Ready, JobStatus::Suspended, JobStatus::Complete, JobStatus::Active]
            .into_iter()
            .enumerate()
    {
        let id = create(store, TENANT, &number.to_string()).await.id;
        let version = set_status(store, id, status).await.unwrap().version;
        let change = JobChange { total: Some(10u64.pow(u32::try_from(number).unwrap())), ..JobChange::default() };
        store.transition(id, version, change).await.unwrap();
        ids.push(id);
    }
    let other = create(store, "1259999999", "0").await;
    let change = JobChange { total: Some(500_000), ..JobChange::default() };
    store.transition(other.id, other.version, change).await.unwrap();

    let live = [JobStatus::New, JobStatus::Active, JobStatus::Ready, JobStatus::Suspended, JobStatus::Active];
    let count = async |tenant: &str, but| store.tasks_of_others(tenant, &live, but).await.unwrap();
    assert_eq!(count(TENANT, Uuid::nil()).await, 10_111);
    assert_eq!(count(TENANT, ids[1]).await, 10_101);
    assert_eq!(count("1259999999", Uuid::nil()).await, 500_000);
    assert_eq!(count("1258888888", Uuid::nil()).await, 0);
    assert_eq!(store.tasks_of_others(TENANT, &[], Uuid::nil()).await.unwrap(), 0);
    delete(store, ids[4]).await;
    assert_eq!(count(TENANT, Uuid::nil()).await, 111);
    for id in &ids[..2] {
        let version = store.get(*id).await.unwrap().unwrap().version;
        let change = JobChange { total: Some(crate::store::rules::COUNT_MAX), ..JobChange::default() };
        store.transition(*id, version, change).await.unwrap();
    }
    assert_eq!(count(TENANT, ids[2]).await, 2 * crate::store::rules::COUNT_MAX, "more than databases can count");
}
