//! The engine at work: the only module that spawns, sleeps and waits.
//!
//! The [`driver`] looks at the jobs in the store and begins what their status calls for: [`prepare`], [`shard`],
//! [`finish`]. Each is a piece of work under a lease; each ends by writing to the store, and what to do next is read
//! from there.

mod commit;
mod core;
mod driver;
mod fault;
mod feed;
mod finish;
mod gate;
mod lane;
mod line;
mod offload;
mod parts;
mod patience;
mod prepare;
pub(crate) mod pulse;
mod results;
mod shard;
mod source;
mod stop;
pub(crate) mod survey;
mod sweep;
mod trace;
mod trouble;
mod uploads;
mod window;
mod writer;

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use self::stop::Level;
pub use self::trace::TRACE_TARGET;
pub(crate) use self::{
    core::{CommandError, Core},
    offload::offload,
    stop::Level as StopLevel,
    writer::ObjectWriter,
};

/// After the drain: how long operations that have begun may take to end before the process goes without them.
const HALT_WAIT: Duration = Duration::from_secs(2);

/// Starts the driver.
pub(crate) fn start(core: &Arc<Core>) -> JoinHandle<()> {
    tokio::spawn(driver::run(Arc::clone(core)))
}

/// Stops everything: nothing new begins at once; what was handed out ends within the drain time and is committed.
pub(crate) async fn shutdown(core: &Core, driver: JoinHandle<()>) {
    core.stopping.raise(Level::Yield);
    // It ends by itself; if it broke off, that is as good.
    let _ = driver.await;
    core.stop_all(Level::Yield);
    if tokio::time::timeout(core.config.drain, idle(core)).await.is_err() {
        tracing::warn!("what is in flight is not over; going on with what is done");
        core.stop_all(Level::Halt);
        let _ = tokio::time::timeout(HALT_WAIT, idle(core)).await;
    }
}

async fn idle(core: &Core) {
    loop {
        let ended = core.ended.notified();
        if core.running().is_empty() {
            return;
        }
        ended.await;
    }
}
