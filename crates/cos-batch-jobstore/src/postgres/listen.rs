//! Hearing of changes. A hint and no more: whoever waits for one looks from time to time in any case.

use std::{pin::Pin, task::Poll, time::Duration};

use tokio::{sync::Mutex, time::Instant};
use tokio_postgres::AsyncMessage;

use super::{
    client::{Connections, Listening},
    fault::Fault,
};

/// Pause before another try to listen.
const RETRY: Duration = Duration::from_secs(5);

/// A connection that listens, while there is one. Nobody reads from it but whoever waits, and who stops waiting leaves it as
/// it is to the next.
#[derive(Default)]
pub(super) struct Ear(Mutex<State>);

type Connecting = Pin<Box<dyn Future<Output = Result<Listening, Fault>> + Send>>;

#[derive(Default)]
enum State {
    #[default]
    Deaf,
    DeafUntil(Instant),
    Connecting(Connecting),
    Listening(Box<Listening>),
}

impl Ear {
    /// Waits for the next notice.
    pub(super) async fn hear(&self, connections: &Connections) {
        let mut state = self.0.lock().await;
        loop {
            let next = match &mut *state {
                State::Deaf => State::Connecting(Box::pin(connections.listen())),
                State::DeafUntil(time) => {
                    tokio::time::sleep_until(*time).await;
                    State::Deaf
                }
                State::Connecting(connecting) => match connecting.await {
                    Ok(listening) => State::Listening(Box::new(listening)),
                    Err(error) => {
                        tracing::debug!(%error, "changes are not heard of now");
                        State::DeafUntil(Instant::now() + RETRY)
                    }
                },
                State::Listening(listening) => match notice(listening).await {
                    Some(()) => return,
                    None => State::DeafUntil(Instant::now() + RETRY),
                },
            };
            *state = next;
        }
    }
}

/// The next notice; none: the connection is gone.
async fn notice(listening: &mut Listening) -> Option<()> {
    std::future::poll_fn(|cx| {
        loop {
            match listening.1.poll_message(cx) {
                Poll::Ready(Some(Ok(AsyncMessage::Notification(_)))) => return Poll::Ready(Some(())),
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}
