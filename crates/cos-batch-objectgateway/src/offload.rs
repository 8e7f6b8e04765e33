//! Calls of the store, where they may be run: the one place of this crate that hands work to other threads.

use std::{sync::Arc, time::Duration};

use cos_batch_objectstore::{ErrorKind, Execution, ObjectStore, StoreError};

use crate::{error::Failure, limits::STORE_TIMEOUT};

/// A store whose calls are run where its futures want to be polled.
#[derive(Clone, Debug)]
pub(crate) struct Store(pub(crate) Arc<dyn ObjectStore>);

impl Store {
    /// Calls the store: on a thread that may block if it blocks, right here otherwise.
    pub(crate) async fn call<T, F>(&self, call: impl FnOnce(Arc<dyn ObjectStore>) -> F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        Ok(self.try_call(call).await?)
    }

    /// The same, with the store's own error.
    pub(crate) async fn try_call<T, F>(&self, call: impl FnOnce(Arc<dyn ObjectStore>) -> F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        run(self.0.execution(), call(Arc::clone(&self.0)), STORE_TIMEOUT).await
    }
}

async fn run<T: Send + 'static>(
    execution: Execution,
    future: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    within: Duration,
) -> Result<T, StoreError> {
    let work = async move {
        match execution {
            Execution::Async => future.await,
            Execution::Blocking => {
                let runtime = tokio::runtime::Handle::current();
                let broke = |error| StoreError::new(ErrorKind::InternalError, format!("the call broke off: {error}"));
                tokio::task::spawn_blocking(move || runtime.block_on(future)).await.map_err(broke)?
            }
        }
    };
    let late = |_| StoreError::new(ErrorKind::ServiceUnavailable, "the store did not answer in time");
    tokio::time::timeout(within, work).await.map_err(late)?
}
