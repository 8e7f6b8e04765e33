//! What goes wrong on the way from a process to the world.

use std::{
    future::pending,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cos_batch_engine::store::StoreError as JobError;
use cos_batch_objectstore::{ErrorKind, StoreError as ObjectError};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    Call, Fault,
    life::Life,
    power,
    world::{Plane, World},
};

/// A clock jumps by so much at most: some times as long as a lease lasts.
const JUMP_MILLIS: u64 = 60_000;

/// The clock of a process that begins is wrong by so much at most: the ten minutes of which a node says that it is not ready.
const APART_MILLIS: u64 = 600_000;

/// What is drawn is small.
fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(0)
}

/// A process's way to the world. When it is cut, nothing is answered any more.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) world: Arc<World>,
    life: Arc<Life>,
    thaws: Mutex<Option<Instant>>,
}

/// What is asked for.
pub(crate) struct Point {
    pub(crate) plane: Plane,
    pub(crate) name: &'static str,
    /// What with.
    pub(crate) of: String,
    /// It changes something.
    pub(crate) changes: bool,
}

impl Point {
    fn call(&self) -> Call {
        let store = match self.plane {
            Plane::Jobs => "job store",
            Plane::Objects => "object store",
            Plane::Spool => "spool",
        };
        Call { store, name: self.name }
    }
}

/// Errors of the two kinds of store, as they come from what is between.
pub(crate) trait Broken: std::fmt::Debug {
    /// Nothing happened, or nobody knows.
    fn broken(what: Fault) -> Self;

    /// What to call it in the trace: words with chance in them, like ids, would tell nothing.
    fn name(&self) -> String;
}

impl Broken for JobError {
    fn broken(what: Fault) -> Self {
        Self::Failed(format!("simulated: {what:?}"))
    }

    fn name(&self) -> String {
        match self {
            Self::TokenUsed { .. } => "TokenUsed".to_owned(),
            other => other.to_string(),
        }
    }
}

impl Broken for ObjectError {
    fn broken(what: Fault) -> Self {
        let kind = match what {
            Fault::ObjectsRefused | Fault::SyncFailed => ErrorKind::InternalError,
            Fault::ObjectsThrottled => ErrorKind::SlowDown,
            Fault::SpoolFull => ErrorKind::InsufficientStorage,
            _ => ErrorKind::Unreachable,
        };
        Self::new(kind, format!("simulated: {what:?}"))
    }

    fn name(&self) -> String {
        format!("{:?}", self.kind())
    }
}

impl Link {
    /// A new process's.
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        let life = world.begin();
        let many = world.plan.processes > 1;
        if many && world.meets(Fault::NodeClockApart) {
            life.jump(signed(world.draw(0..=2 * APART_MILLIS)) - signed(APART_MILLIS));
        }
        Arc::new(Self { world, life, thaws: Mutex::default() })
    }

    /// Number of the process.
    pub(crate) fn process(&self) -> usize {
        self.life.process
    }

    /// How far the process's clock is ahead of the job store's.
    pub(crate) fn apart(&self) -> i64 {
        self.life.apart()
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.life.is_over()
    }

    pub(crate) fn kill(&self) {
        self.world.kill(&self.life);
    }

    fn thaws(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        // One assignment is all that happens under it.
        self.thaws.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the process can hear something; for ever where it is dead.
    pub(crate) async fn awake(&self) {
        loop {
            if self.is_dead() {
                return pending().await;
            }
            let thaws = *self.thaws();
            match thaws {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => return,
            }
        }
    }

    /// Asks for something, and comes back with the answer if there is one.
    pub(crate) async fn pass<T, E: Broken, F>(&self, point: &Point, mut work: impl FnMut() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let world = &self.world;
        self.awake().await;
        if point.changes && world.reaches(point.call(), Fault::CrashBefore) {
            self.kill();
        }
        self.itself(point).await;
        if let Some(fault) = self.refused(point) {
            world
                .note_so(&format!("{} {} {}: refused, {fault:?}", self.process(), point.name, point.of), point.changes);
            return Err(E::broken(fault));
        }
        sleep(self.latency(point)).await;
        // What is under way when its sender dies may still arrive.
        let late = self.is_dead();
        if late && !(point.changes && world.meets(Fault::LateArrival)) {
            return pending().await;
        }
        let mut result = work().await;
        if point.plane == Plane::Objects && point.changes && result.is_ok() && world.meets(Fault::ObjectsTwice) {
            result = work().await;
        }
        let (process, name, of) = (self.process(), point.name, &point.of);
        let keep = point.changes && name != "reap";
        match &result {
            Ok(_) => world.note_so(&format!("{process} {name} {of}"), keep),
            Err(error) => world.note_so(&format!("{process} {name} {of}: {}", error.name()), true),
        }
        if point.changes && point.plane == Plane::Jobs {
            world.look().await;
        }
        let is_aimed_at = point.changes && !late && world.reaches(point.call(), Fault::CrashAfter);
        if is_aimed_at || (point.changes && !late && world.meets(Fault::CrashAfter)) {
            self.kill();
        }
        if point.changes && !late && world.reaches(point.call(), Fault::PowerCut) {
            power::cut(world).await;
        }
        self.awake().await;
        let lost = if point.plane == Plane::Jobs { Fault::JobsLost } else { Fault::ObjectsLost };
        if world.meets(lost) {
            return Err(E::broken(lost));
        }
        result
    }

    /// What happens to the process and its clock.
    async fn itself(&self, point: &Point) {
        let world = &self.world;
        if !point.changes {
            return;
        }
        if world.meets(Fault::ClockForward) {
            world.clock.jump(signed(world.draw(1..=JUMP_MILLIS)));
        }
        if world.meets(Fault::ClockBack) {
            world.clock.jump(-signed(world.draw(1..=JUMP_MILLIS)));
        }
        // Where there is one process, its clock is the job store's.
        if world.plan.processes > 1 {
            if world.meets(Fault::NodeClockForward) {
                self.life.jump(signed(world.draw(1..=JUMP_MILLIS)));
            }
            if world.meets(Fault::NodeClockBack) {
                self.life.jump(-signed(world.draw(1..=JUMP_MILLIS)));
            }
        }
        if world.meets(Fault::PowerCut) {
            power::cut(world).await;
        }
        if world.meets(Fault::CrashBefore) {
            self.kill();
        }
        if world.meets(Fault::Freeze) {
            let lease = u64::try_from(world.plan.lease.as_millis()).unwrap_or(u64::MAX);
            let time = Duration::from_millis(world.draw(lease / 2..=lease * 3));
            *self.thaws() = Some(Instant::now() + time);
        }
        self.awake().await;
    }

    /// Why the store has nothing to do with it, if so.
    fn refused(&self, point: &Point) -> Option<Fault> {
        let world = &self.world;
        let (outage, seconds, refusals): (_, _, &[_]) = match point.plane {
            Plane::Jobs => (Fault::JobsOutage, 1..=40, &[Fault::JobsRefused]),
            Plane::Objects => (Fault::ObjectsOutage, 1..=50, &[Fault::ObjectsRefused, Fault::ObjectsThrottled]),
            Plane::Spool if point.changes && world.meets(Fault::SpoolFull) => return Some(Fault::SpoolFull),
            Plane::Spool => return None,
        };
        if world.meets(outage) {
            world.goes_out(point.plane, Duration::from_secs(world.draw(seconds)));
        }
        if world.is_out(point.plane) {
            return Some(outage);
        }
        refusals.iter().find(|fault| world.meets(**fault)).copied()
    }

    /// How long it is under way.
    fn latency(&self, point: &Point) -> Duration {
        let world = &self.world;
        let millis = match point.plane {
            Plane::Jobs if world.meets(Fault::JobsSlow) => world.draw(100..=3000),
            Plane::Objects if world.meets(Fault::ObjectsSlow) => world.draw(100..=5000),
            Plane::Jobs | Plane::Spool => return Duration::from_micros(world.draw(50..=3000)),
            Plane::Objects => world.draw(1..=40),
        };
        Duration::from_millis(millis)
    }
}
