//! The tries of one request of a copy in parts.

use cos_batch_objectstore::StoreError;
use tokio::time::Instant;

use super::Left;
use crate::{
    runtime::{
        gate::Gate,
        stop::{Level, Stop},
    },
    task::retry::{self, Class, Tries},
};

/// The tries of one request.
pub(super) struct Patience {
    tries: Tries,
    /// When the try under way began.
    began: Instant,
}

impl Patience {
    pub(super) fn new(seed: u64) -> Self {
        Self { tries: Tries::new(seed), began: Instant::now() }
    }

    /// Waits before the next try, if there is to be one. `moved`: something else of the same work was done then, so that
    /// a store which asks for fewer requests is not to blame before.
    pub(super) async fn pause(
        &mut self,
        stop: &Stop,
        gate: &Gate,
        error: StoreError,
        moved: Option<Instant>,
    ) -> Result<(), Left> {
        let class = retry::classify(&error);
        gate.failed(class);
        if let Some(moved) = moved.filter(|_| class == Class::Throttled) {
            self.tries.moved(moved.elapsed());
        }
        let Some(wait) = self.tries.failed(class, error.retry_after(), self.began.elapsed()) else {
            return Err(Left::Refused(error, self.tries.count));
        };
        gate.retried(class);
        tokio::select! {
            biased;
            () = tokio::time::sleep(wait) => {}
            () = stop.above(Level::Run) => return Err(Left::Stopped),
        }
        self.began = Instant::now();
        Ok(())
    }
}

/// A request with its retries.
pub(super) async fn retried<T, F>(gate: &Gate, stop: &Stop, request: impl Fn() -> F) -> Result<T, Left>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut patience = Patience::new(0);
    loop {
        tokio::select! {
            biased;
            () = stop.above(Level::Run) => return Err(Left::Stopped),
            () = gate.pass() => {}
        }
        match request().await {
            Ok(answer) => return Ok(answer),
            Err(error) => patience.pause(stop, gate, error, None).await?,
        }
    }
}
