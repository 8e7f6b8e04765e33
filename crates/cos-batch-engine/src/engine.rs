//! The engine as its owner sees it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;

use crate::{
    access::Access,
    buckets::Buckets,
    config::Config,
    report::spool::Spool,
    runtime::{self, Core},
    statistics::Statistics,
    store::{JobStore, StoreError},
};

/// A running engine: it works on the jobs in its store until [`shutdown`](Self::shutdown), and answers the API as a
/// [`BatchApi`](cos_batch_model::BatchApi).
#[derive(Debug)]
pub struct Engine {
    pub(crate) core: Arc<Core>,
    driver: Mutex<Option<JoinHandle<()>>>,
}

/// What an engine works with.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Where jobs are kept.
    pub jobs: Arc<dyn JobStore>,
    /// Where objects are.
    pub buckets: Buckets,
    /// Who may use which bucket.
    pub access: Access,
    /// Where outcomes wait for their report. No user may be able to name its bucket.
    pub spool: Spool,
    /// Settings.
    pub config: Config,
}

impl Engine {
    /// Starts on the tokio runtime of the caller, and goes on with every job that has not ended.
    ///
    /// With `sole`, this engine is the only one on its job store: leases left behind by an earlier process are void.
    ///
    /// # Errors
    /// Those of the job store.
    pub async fn start(parts: Parts, sole: bool) -> Result<Self, StoreError> {
        if sole {
            let left = parts.jobs.reap(true).await?;
            if left > 0 {
                tracing::info!(left, "going on with work that was cut off");
            }
        }
        let core = Arc::new(Core::new(parts.jobs, parts.buckets, parts.access, parts.spool, parts.config));
        let driver = runtime::start(&core);
        Ok(Self { core, driver: Mutex::new(Some(driver)) })
    }

    /// Answers the API and works on nothing: others do, on the same job store.
    #[must_use]
    pub fn answering(parts: Parts) -> Self {
        let core = Core::new(parts.jobs, parts.buckets, parts.access, parts.spool, parts.config);
        Self { core: Arc::new(core), driver: Mutex::new(None) }
    }

    /// What it does now, and what it has done with each store since it started.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.core.statistics()
    }

    /// The store the engine works on.
    #[must_use]
    pub fn jobs(&self) -> &Arc<dyn JobStore> {
        &self.core.store
    }

    /// Stops: nothing new begins, what is in flight ends and is committed. Jobs go on when an engine starts again.
    /// Takes little more than [`Config::drain`] at the most. The API goes on to be answered. Further calls do nothing.
    pub async fn shutdown(&self) {
        let driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(driver) = driver {
            runtime::shutdown(&self.core, driver).await;
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.core.stopping.raise(runtime::StopLevel::Halt);
        self.core.stop_all(runtime::StopLevel::Halt);
    }
}
