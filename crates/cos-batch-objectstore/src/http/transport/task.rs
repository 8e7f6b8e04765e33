//! Work beside the one that waits for it.

use tokio::{runtime::Handle, task::JoinHandle};

/// Something under way that is broken off with this value.
#[derive(Debug)]
pub(crate) struct Task<T>(Option<JoinHandle<T>>);

impl<T: Send + 'static> Task<T> {
    pub(crate) fn start(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(tokio::spawn(work)))
    }

    /// Waits for the end; the error says why there is none.
    pub(crate) async fn ended(&mut self) -> Result<T, String> {
        let Some(handle) = &mut self.0 else { return Err("it had ended before".to_owned()) };
        let result = handle.await;
        self.0 = None;
        result.map_err(|error| error.to_string())
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.abort();
        }
    }
}

/// Does something that nobody waits for. Outside of a runtime nothing can be sent any more, and nothing is done.
pub(crate) fn leave_to_itself(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(work);
    }
}
