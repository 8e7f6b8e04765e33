//! Eight accounts at once on one service and one engine, each doing things at random to its own jobs and to those of the
//! others: nothing of one is ever seen or moved by another.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is how a test fails")]

mod random;
mod tenant;
mod world;

use tenant::Tenant;
use world::{TENANTS, World};

/// What each account does.
const ACTIONS_EACH: usize = 12_600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_actions_leak_nothing() {
    const { assert!(ACTIONS_EACH * TENANTS >= 100_000) }
    let world = World::start().await;
    let tasks: Vec<_> = (0..TENANTS)
        .map(|number| {
            let world = world.clone();
            tokio::spawn(async move {
                let mut tenant = Tenant::new(number, world);
                for _ in 0..ACTIONS_EACH {
                    tenant.act().await;
                }
                tenant
            })
        })
        .collect();
    let mut tenants = Vec::new();
    for task in tasks {
        tenants.push(task.await.unwrap());
    }

    let mut seen = 0;
    for tenant in &mut tenants {
        tenant.sees_exactly_its_own().await;
        seen += tenant.kept();
    }
    assert!(seen > TENANTS * 10, "{seen}");
    world.every_bucket_is_as_it_was().await;
    let done = world.done();
    for (what, least) in [("create", 500), ("replay", 500), ("foreign", 20_000), ("unknown", 5_000), ("list", 5_000)] {
        assert!(done.get(what).is_some_and(|count| *count >= least), "{what}: {done:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_replayed_create_job_never_makes_a_second_job() {
    let world = World::start().await;
    let mut tenant = Tenant::new(0, world.clone());
    let request = tenant.signed_create("token-of-the-replay");
    let (first, _) = world.send(request.clone()).await;
    assert_eq!(first.status(), 200);
    // All at once and one after the other, at the first and at the last second of the window.
    let at_once = (0..50).map(|_| world.send(request.clone()));
    for (answer, _) in futures_util::future::join_all(at_once).await {
        assert_eq!(answer.status(), 400);
        assert!(String::from_utf8_lossy(answer.body()).contains("<Code>InvalidRequest</Code>"));
    }
    world.set_time(world::NOW + 3600);
    assert_eq!(world.send(request.clone()).await.0.status(), 400);
    world.set_time(world::NOW + 3601);
    let (late, _) = world.send(request.clone()).await;
    assert!(String::from_utf8_lossy(late.body()).contains("<Code>Request has expired</Code>"));
    world.set_time(world::NOW);

    // Not even where the job is deleted meanwhile: its token is remembered.
    let created = String::from_utf8_lossy(first.body()).into_owned();
    let id = created.split("<JobId>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(tenant.ids().await, std::slice::from_ref(&id));
    tenant.delete(&id).await;
    assert_eq!(world.send(request).await.0.status(), 400);
    assert!(tenant.ids().await.is_empty());
    world.stop().await;
}
