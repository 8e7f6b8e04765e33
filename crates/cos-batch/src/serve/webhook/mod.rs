//! Tells an address of the operator's when a job's status changes: `[webhook]` of the configuration.
//!
//! What is told is on its way in memory only. A process that is killed takes with it what was not delivered yet; whoever
//! must miss nothing asks the API as well.

mod event;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cos_batch_client::HttpTransport;
use cos_batch_engine::{Clock, JobRecord, SystemClock, UnixMillis};
use cos_batch_model::JobStatus;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};
use tower::{Service as _, ServiceExt as _};

use self::event::Event;
use crate::{config::Target, exit::Error};

/// Events that wait at most: some two kilobytes each. With the address away for long, the newest are dropped.
const QUEUE: usize = 1_000;

/// How long one try may take.
const TRY_TIME: Duration = Duration::from_secs(10);

/// Tries of one event. With the waits between them they take six to eight minutes: a receiver may be restarted meanwhile.
const TRIES: u32 = 12;

/// The wait after the first failed try; it doubles.
const WAIT_FIRST: Duration = Duration::from_secs(1);

/// The longest wait between two tries.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How long a shutdown waits for what is on its way.
const DRAIN: Duration = Duration::from_secs(5);

/// What became of events.
#[derive(Debug, Default)]
pub(crate) struct Told {
    delivered: AtomicU64,
    given_up: AtomicU64,
    dropped: AtomicU64,
}

impl Told {
    /// Names and numbers.
    pub(crate) fn read(&self) -> [(&'static str, u64); 3] {
        // Numbers for people who watch: nothing else is ordered by them.
        [("delivered", &self.delivered), ("given_up", &self.given_up), ("dropped", &self.dropped)]
            .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }
}

/// Takes note of changes, and lets them be told.
#[derive(Debug)]
pub(crate) struct Notices {
    events: Mutex<Option<mpsc::Sender<Event>>>,
    statuses: Vec<JobStatus>,
    told: Arc<Told>,
    teller: Mutex<Option<JoinHandle<()>>>,
}

impl Notices {
    /// Begins to tell this address.
    pub(crate) fn start(target: Target, told: Arc<Told>) -> Result<Self, Error> {
        let transport = HttpTransport::new().map_err(|error| Error::other(format!("webhook: {error}")))?;
        let (sender, events) = mpsc::channel(QUEUE);
        let statuses = target.statuses.clone();
        let teller = Teller { transport, target, told: Arc::clone(&told), wait_first: WAIT_FIRST };
        let teller = Mutex::new(Some(tokio::spawn(teller.run(events))));
        Ok(Self { events: Mutex::new(Some(sender)), statuses, told, teller })
    }

    /// A job has become so.
    pub(crate) fn changed(&self, job: &JobRecord, now: UnixMillis) {
        if !self.statuses.is_empty() && !self.statuses.contains(&job.state.status) {
            return;
        }
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(events) = events.as_ref() else { return };
        if events.try_send(Event::of(job, now)).is_err() {
            self.told.dropped.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(job = %job.id, "a change of status is not told: too many wait for the webhook");
        }
    }

    /// Tells what waits, within bounds, and ends.
    pub(crate) async fn stop(&self) {
        drop(self.events.lock().unwrap_or_else(PoisonError::into_inner).take());
        let teller = self.teller.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut teller) = teller else { return };
        if tokio::time::timeout(DRAIN, &mut teller).await.is_err() {
            teller.abort();
            tracing::warn!("changes of status are left that the webhook was not told");
        }
    }
}

/// Sends events, one after another and in their order.
struct Teller {
    transport: HttpTransport,
    target: Target,
    told: Arc<Told>,
    wait_first: Duration,
}

impl Teller {
    async fn run(mut self, mut events: mpsc::Receiver<Event>) {
        while let Some(event) = events.recv().await {
            let count = if self.tell(&event).await { &self.told.delivered } else { &self.told.given_up };
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tries until it is delivered, or must be given up.
    async fn tell(&mut self, event: &Event) -> bool {
        let mut wait = self.wait_first;
        for number in 1..=TRIES {
            let reason = match self.once(event).await {
                Ok(status) if status.is_success() => return true,
                // The receiver wants no more of this (410), cannot understand it, or is elsewhere (a redirection is
                // not followed): once more is no use.
                Ok(status) if !is_passing(status) => {
                    tracing::warn!(job = %event.job, event = event.id, %status, "the webhook refused a change of status");
                    return false;
                }
                Ok(status) => format!("it answered {status}"),
                Err(reason) => reason,
            };
            if number == TRIES {
                tracing::warn!(job = %event.job, event = event.id, reason, "a change of status was not told, and is given up");
                return false;
            }
            tracing::debug!(job = %event.job, event = event.id, reason, ?wait, "the webhook could not be told; trying again");
            tokio::time::sleep_until(Instant::now() + wait).await;
            wait = (wait * 2).min(WAIT_MAX);
        }
        false
    }

    async fn once(&mut self, event: &Event) -> Result<StatusCode, String> {
        let seconds = SystemClock.now().div_euclid(1000);
        let request = Request::post(self.target.url.clone())
            .header(header::CONTENT_TYPE, "application/cloudevents+json; charset=utf-8")
            .header(header::USER_AGENT, concat!("cos-batch/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", event.signature(&self.target.secret, seconds))
            .body(Full::new(Bytes::from(event.body.clone())))
            .map_err(|error| error.to_string())?;
        let answer = async {
            let transport = self.transport.ready().await.map_err(|error| error.to_string())?;
            transport.call(request).await.map(|answer| answer.status()).map_err(|error| error.to_string())
        };
        tokio::time::timeout(TRY_TIME, answer).await.unwrap_or_else(|_| Err("it did not answer in time".to_owned()))
    }
}

/// Whether such a refusal may go away by itself.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS)
}

#[cfg(test)]
mod tests {
    use cos_signature::SecretKey;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// Answers each request with the next of these statuses, on a connection of its own, and says that it has moved to another
    /// place of its own; gives what it was sent.
    async fn receiver(listener: &TcpListener, statuses: &[u16]) -> Vec<String> {
        let mut heard = Vec::new();
        let moved = format!("location: http://{}/moved", listener.local_addr().unwrap());
        for status in statuses {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut text, mut buffer) = (String::new(), [0; 4096]);
            while !text.ends_with("{}") {
                let length = stream.read(&mut buffer).await.unwrap();
                text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
            }
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{moved}\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            heard.push(text);
        }
        heard
    }

    #[test]
    fn the_page_has_these_numbers() {
        let waits: u64 = (0..TRIES - 1)
            .map(|number| WAIT_FIRST.as_secs().checked_shl(number).unwrap().min(WAIT_MAX.as_secs()))
            .sum();
        let longest = waits + u64::from(TRIES) * TRY_TIME.as_secs();
        // In whole minutes, as somebody would say it.
        assert_eq!((TRIES, (waits + 30) / 60, (longest + 30) / 60), (12, 6, 8));
        assert_eq!((WAIT_FIRST.as_secs(), WAIT_MAX.as_secs(), TRY_TIME.as_secs(), DRAIN.as_secs()), (1, 60, 10, 5));
        let page = include_str!("../../../../../docs/operating.md").replace('\n', " ");
        for words in [
            "no answer within ten seconds are tried again, up to twelve tries in all within six to eight minutes",
            "a wait between them that doubles from a second to a minute",
            "at most 1,000 wait",
            "five seconds after it was told to stop",
        ] {
            assert!(page.contains(words), "{words}");
        }
        assert_eq!(QUEUE, 1_000);
    }

    #[tokio::test]
    async fn an_event_is_sent_until_it_is_taken_or_refused() {
        let moves = [301, 302, 303, 307, 308].map(|status| ([status], false));
        let others = [(&[500, 429, 204][..], true), (&[503, 410], false), (&[400], false)];
        for (statuses, taken) in others.into_iter().chain(moves.iter().map(|(status, taken)| (&status[..], *taken))) {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/hook?a=b", listener.local_addr().unwrap()).parse().unwrap();
            let target = Target { url, secret: SecretKey::new("hush".to_owned()), statuses: Vec::new() };
            let transport = HttpTransport::new().unwrap();
            let wait_first = Duration::from_millis(1);
            let mut teller = Teller { transport, target, told: Arc::default(), wait_first };
            let event = Event { job: uuid::Uuid::nil(), id: "job-7".to_owned(), body: "{}".to_owned() };
            let (told, heard) = tokio::join!(teller.tell(&event), receiver(&listener, statuses));
            assert_eq!((told, heard.len()), (taken, statuses.len()), "{statuses:?}");
            let followed = listener.into_std().unwrap().accept();
            assert_eq!(followed.unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "{statuses:?} was followed");
            for request in heard {
                assert!(request.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{request}");
                let header = |name: &str| {
                    let lines = request.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
                    lines.unwrap_or_else(|| panic!("{name}: {request}"))
                };
                assert_eq!(header("webhook-id"), "job-7");
                let seconds = header("webhook-timestamp").parse().unwrap();
                assert_eq!(header("webhook-signature"), event.signature(&SecretKey::new("hush".to_owned()), seconds));
            }
        }
    }
}
