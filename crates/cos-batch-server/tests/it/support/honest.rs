//! Somebody who goes on asking as one should, while others do not.

use tokio::{sync::watch, task::JoinHandle};

use super::socket::{Connection, Server, patiently};

const LIST: &str = "GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n";

/// Whether the honest client opens new connections, too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connects {
    /// It keeps the one it has, since there is no room for more.
    Once,
    /// It asks over an old and a new one by turns.
    EachTime,
}

/// A client that asks, is answered, and asks again until it is dropped.
pub(crate) struct Honest {
    answered: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

impl Honest {
    pub(crate) async fn begin(server: &Server, connects: Connects) -> Self {
        let address = server.address;
        let mut old = Connection::open(server).await;
        let (count, answered) = watch::channel(0);
        let task = tokio::spawn(async move {
            loop {
                assert_eq!(old.ask(LIST).await.status(), 200);
                if connects == Connects::EachTime {
                    assert_eq!(Connection::to(address).await.ask(LIST).await.status(), 200);
                }
                count.send_modify(|count| *count += 1);
            }
        });
        let honest = Self { answered, task };
        honest.is_served().await;
        honest
    }

    /// Waits until a request that begins after this call is answered.
    pub(crate) async fn is_served(&self) {
        let mut answered = self.answered.clone();
        // The next answer may be to a request that is under way already.
        let enough = *answered.borrow() + 2;
        let served = patiently(answered.wait_for(|count| *count >= enough)).await;
        drop(served.expect("honest requests are answered"));
    }
}

impl Drop for Honest {
    fn drop(&mut self) {
        self.task.abort();
    }
}
