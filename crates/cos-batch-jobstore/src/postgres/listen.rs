//! Hearing of changes. A hint and no more: whoever waits for one looks from time to time in any case.

use std::{task::Poll, time::Duration};

use tokio::sync::Mutex;
use tokio_postgres::AsyncMessage;

use super::client::{Connections, Listening};

/// Pause before another try to listen.
const RETRY: Duration = Duration::from_secs(5);

/// A connection that listens, while there is one. Nobody reads from it but whoever waits.
#[derive(Default)]
pub(super) struct Ear(Mutex<Option<Listening>>);

impl Ear {
    /// Waits for the next notice.
    pub(super) async fn hear(&self, connections: &Connections) {
        let mut ear = self.0.lock().await;
        loop {
            if ear.is_none() {
                match connections.listen().await {
                    Ok(listening) => *ear = Some(listening),
                    Err(error) => {
                        tracing::debug!(%error, "changes are not heard of now");
                        tokio::time::sleep(RETRY).await;
                        continue;
                    }
                }
            }
            let Some((_, connection)) = ear.as_mut() else { continue };
            let message = std::future::poll_fn(|cx| match connection.poll_message(cx) {
                Poll::Ready(Some(Ok(AsyncMessage::Notification(_)))) => Poll::Ready(Some(true)),
                Poll::Ready(Some(Ok(_))) => Poll::Ready(Some(false)),
                Poll::Ready(_) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            match message.await {
                Some(true) => return,
                Some(false) => {}
                None => *ear = None,
            }
        }
    }
}
