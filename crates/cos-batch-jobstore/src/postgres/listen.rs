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

/// Least time between two notices that are passed on. Each makes its hearer look at the jobs, and there may be a hundred nodes
/// that hear of a hundred changes a second; what changes meanwhile is seen with the next look.
const APART: Duration = Duration::from_millis(100);

/// A connection that listens, while there is one. Nobody reads from it but whoever waits, and who stops waiting leaves it as
/// it is to the next.
#[derive(Default)]
pub(super) struct Ear(Mutex<Hearing>);

#[derive(Default)]
struct Hearing {
    state: State,
    /// When the last notice was passed on.
    heard: Option<Instant>,
}

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
        let mut locked = self.0.lock().await;
        let hearing = &mut *locked;
        if let Some(heard) = hearing.heard {
            tokio::time::sleep_until(heard + APART).await;
        }
        loop {
            let next = match &mut hearing.state {
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
                State::Listening(listening) => {
                    let (heard, alive) = notice(listening).await;
                    if !alive {
                        hearing.state = State::DeafUntil(Instant::now() + RETRY);
                    }
                    if heard {
                        hearing.heard = Some(Instant::now());
                        return;
                    }
                    continue;
                }
            };
            hearing.state = next;
        }
    }
}

/// Waits for a notice, and takes all that came with it. Whether there was one, and whether the connection is still there.
async fn notice(listening: &mut Listening) -> (bool, bool) {
    let mut heard = false;
    std::future::poll_fn(|cx| {
        loop {
            match listening.1.poll_message(cx) {
                Poll::Ready(Some(Ok(AsyncMessage::Notification(_)))) => heard = true,
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return Poll::Ready((heard, false)),
                Poll::Pending if heard => return Poll::Ready((true, true)),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}
