//! Who starts processes, and starts them again.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cos_batch_engine::{Access, Buckets, Config, Engine, Parts, Spool, access::Right};
use cos_batch_model::{ApiError, AppId, RequestContext};
use tokio::time::{sleep, timeout};

use crate::{
    jobs::LinkedJobs,
    link::Link,
    objects::LinkedObjects,
    world::{Plane, SOURCE, SPOOL, TARGET, World},
};

/// The accounts. The buckets are the first one's; the second may use them.
pub(crate) const TENANTS: [&str; 2] = ["1250000000", "1260000000"];

/// Somebody who gets no answer for so long tries again.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A start that takes longer was killed, or finds no store.
const START_WITHIN: Duration = Duration::from_secs(10);

/// A running process.
#[derive(Clone)]
struct Process {
    link: Arc<Link>,
    engine: Arc<Engine>,
}

/// The processes.
pub(crate) struct Keeper {
    world: Arc<World>,
    processes: Mutex<Vec<Option<Process>>>,
}

impl Keeper {
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        let processes = Mutex::new(vec![None; world.plan.processes]);
        Arc::new(Self { world, processes })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<Process>>> {
        // One thread, and nothing panics under it.
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process that runs, if one does.
    fn any(&self) -> Option<Arc<Engine>> {
        let running: Vec<_> = {
            let processes = self.lock();
            processes.iter().flatten().filter(|process| !process.link.is_dead()).cloned().collect()
        };
        let last = u64::try_from(running.len()).ok()?.checked_sub(1)?;
        let chosen = usize::try_from(self.world.draw(0..=last)).ok()?;
        running.get(chosen).map(|process| Arc::clone(&process.engine))
    }

    /// Asks a process for somebody; none: there is none, or it does not answer.
    pub(crate) async fn ask<T>(
        &self,
        tenant: &str,
        action: impl AsyncFn(&Engine, &RequestContext) -> Result<T, ApiError>,
    ) -> Option<Result<T, ApiError>> {
        let engine = self.any()?;
        let context = RequestContext::new(AppId::new(tenant).ok()?, "simulated");
        timeout(ANSWER_WITHIN, action(&engine, &context)).await.ok()
    }

    /// Starts what does not run, for ever.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            for slot in 0..self.world.plan.processes {
                let runs = self
                    .lock()
                    .get(slot)
                    .is_some_and(|process| process.as_ref().is_some_and(|process| !process.link.is_dead()));
                if !runs {
                    // What is left of it goes, and reaches nothing.
                    let left = self.lock().get_mut(slot).and_then(Option::take);
                    drop(left);
                    self.start(slot).await;
                }
            }
            let killed = self.world.killed.notified();
            // A process may have been killed since it was looked at.
            if timeout(Duration::from_secs(1), killed).await.is_ok() {
                sleep(Duration::from_millis(self.world.draw(1..=4000))).await;
            }
        }
    }

    async fn start(&self, slot: usize) {
        let link = Link::new(Arc::clone(&self.world));
        self.world.note(format!("{} starts", link.process()));
        let parts = parts(&link);
        let sole = self.world.plan.processes == 1;
        match timeout(START_WITHIN, Engine::start(parts, sole)).await {
            Ok(Ok(engine)) => {
                if let Some(process) = self.lock().get_mut(slot) {
                    *process = Some(Process { link, engine: Arc::new(engine) });
                }
            }
            // It is tried again.
            Ok(Err(_)) | Err(_) => link.kill(),
        }
    }
}

fn parts(link: &Arc<Link>) -> Parts {
    let plan = &link.world.plan;
    let objects = LinkedObjects::new(Arc::clone(link), Plane::Objects);
    let spool = LinkedObjects::new(Arc::clone(link), Plane::Spool);
    let mut access = Access::new();
    for bucket in [SOURCE, TARGET] {
        for right in [Right::Read, Right::Write, Right::Delete] {
            access = access.grant(bucket, TENANTS[1], right);
        }
    }
    Parts {
        jobs: Arc::new(LinkedJobs::new(Arc::clone(link))),
        buckets: Buckets::new(Arc::new(objects)),
        access,
        spool: Spool::new(Arc::new(spool), SPOOL),
        config: Config {
            async_slots: plan.slots,
            workers: plan.workers,
            checkpoint_rows: plan.checkpoint_rows,
            checkpoint_interval: plan.checkpoint_interval,
            lease: plan.lease,
            ..Config::default()
        },
    }
}
