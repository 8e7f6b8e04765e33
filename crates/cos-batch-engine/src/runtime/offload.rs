//! Running the futures of a store where they may be run.

use cos_batch_objectstore::{ErrorKind, Execution, StoreError};

/// Runs a store's future: on a thread that may block if the store blocks, right here otherwise.
pub(crate) async fn offload<T: Send + 'static>(
    execution: Execution,
    future: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    match execution {
        Execution::Async => future.await,
        Execution::Blocking => {
            let runtime = tokio::runtime::Handle::current();
            match tokio::task::spawn_blocking(move || runtime.block_on(future)).await {
                Ok(result) => result,
                Err(error) => {
                    Err(StoreError::new(ErrorKind::InternalError, format!("the operation broke off: {error}")))
                }
            }
        }
    }
}
