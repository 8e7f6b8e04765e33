//! All of it together.

use std::{collections::BTreeMap, fmt, time::Duration};

use cos_batch_engine::JobStore as _;
use futures_util::future::{join, join_all};
use tokio::time::{sleep, timeout};

use crate::{
    Call, Fault, Plan,
    judge::judge,
    keeper::{Keeper, TENANTS},
    power,
    user::User,
    world::World,
};

/// Once nothing goes wrong any more, every job ends within this time: leases of twenty seconds, tries again after a minute,
/// a clock that went back by several.
const ENDS_WITHIN: Duration = Duration::from_secs(3600);

/// How often it is looked whether everything has ended.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How a story ended.
pub struct Outcome {
    /// What it was drawn from.
    pub plan: Plan,
    /// Over everything that happened, in order: the same plan gives the same.
    pub hash: u64,
    /// How much happened.
    pub events: u64,
    /// Which faults were met, how often.
    pub fired: BTreeMap<Fault, u64>,
    /// Calls that change something, how often each came: before it happened ([`Fault::CrashBefore`]), and after.
    pub reached: BTreeMap<(Call, Fault), u64>,
    /// Calls that need a lease and came once more from somebody who had lost it ([`Fault::StaleCall`]), how often.
    pub late: BTreeMap<&'static str, u64>,
    /// A process was killed where the plan's [`Aim`](crate::Aim) says.
    pub hit: bool,
    /// Which rules were broken; empty: none.
    pub violations: Vec<String>,
    /// Jobs whose files were read by more than one process.
    pub shared: u64,
    /// The last of what happened.
    pub last: Vec<String>,
    /// How long it took in simulated time.
    pub simulated: Duration,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:#?}", self.plan)?;
        for line in &self.last {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "{:?}", self.fired)?;
        for rule in &self.violations {
            writeln!(f, "violated: {rule}")?;
        }
        Ok(())
    }
}

/// Carries out a plan, on this thread.
///
/// # Errors
/// Of the machine: no runtime can be made.
pub fn run(plan: Plan) -> std::io::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(tell(plan)))
}

async fn tell(plan: Plan) -> Outcome {
    let world = World::new(plan.clone());
    let keeper = Keeper::new(world.clone());
    let mut users = Vec::new();
    for number in 0..plan.jobs.len() {
        users.extend(User::new(world.clone(), keeper.clone(), number).await);
    }
    let keeping = tokio::spawn(keeper.clone().keep());
    let calm = async {
        sleep(plan.calm_after).await;
        world.calm();
    };
    let all = async {
        join(join_all(users.into_iter().map(User::act)), calm).await;
        while !all_ended(&world).await {
            sleep(LOOK_EVERY).await;
        }
    };
    if timeout(plan.calm_after + ENDS_WITHIN, all).await.is_err() {
        world.violated(format!("not every job ended within {ENDS_WITHIN:?}"));
    }
    keeping.abort();
    world.kill_all();
    world.look().await;
    // Whatever is in the books is on disks, too.
    power::lose(&world).await;
    for (number, job) in plan.jobs.iter().enumerate() {
        // It is in memory, and never fails.
        if let Ok(Some(id)) = world.jobs.find_token(TENANTS[job.tenant], &number.to_string()).await {
            judge(&world, number, job, id).await;
        }
    }
    let simulated = world.clock.elapsed();
    let ends = world.ends();
    Outcome {
        plan,
        hash: ends.hash,
        events: ends.events,
        fired: ends.fired,
        reached: ends.reached,
        late: ends.late,
        hit: ends.hit,
        violations: ends.violations,
        shared: world.witness.shared(),
        last: ends.last,
        simulated,
    }
}

async fn all_ended(world: &World) -> bool {
    for id in world.witness.known() {
        if let Ok(Some(record)) = world.jobs.get(id).await
            && !record.state.status.is_final()
        {
            return false;
        }
    }
    true
}
