//! Cases that run side by side in one process.

use std::{future::Future, sync::Arc};

use tokio::{
    runtime::{Builder, Runtime},
    sync::Semaphore,
    task::JoinHandle,
};

/// Cases that run at a time.
const AT_ONCE: usize = 8;

/// Runs cases side by side, and tells which failed.
#[derive(Debug)]
pub struct Together {
    runtime: Runtime,
    turns: Arc<Semaphore>,
    cases: Vec<(&'static str, JoinHandle<()>)>,
}

impl Together {
    /// No cases yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it starts threads")]
    pub fn new() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        Self { runtime, turns: Arc::new(Semaphore::new(AT_ONCE)), cases: Vec::new() }
    }

    /// Begins a case.
    pub fn run(&mut self, name: &'static str, case: impl Future<Output = ()> + Send + 'static) {
        let turns = Arc::clone(&self.turns);
        let case = async move {
            let _turn = turns.acquire_owned().await;
            case.await;
        };
        self.cases.push((name, self.runtime.spawn(case)));
    }

    /// Waits for all cases.
    pub fn end(self) {
        let Self { runtime, cases, .. } = self;
        let failed: Vec<_> =
            cases.into_iter().filter_map(|(name, case)| runtime.block_on(case).is_err().then_some(name)).collect();
        assert!(failed.is_empty(), "failed: {failed:?}");
    }
}
