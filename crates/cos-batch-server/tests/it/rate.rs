//! Requests of one APPID that come too fast: they wait, then they are refused, and nobody else notices.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use cos_batch_model::{DescribeJobRequest, ErrorCode};
use cos_batch_server::{
    BatchService, Key, Limits, StaticKeys,
    rate::{COST_OF_A_CHANGE, Rate, RateLimit, WAIT_MAX},
};
use cos_signature::{Credentials, KeyTime, SecretKey, sign};
use http::{Request, Response};
use http_body_util::Full;
use tokio::time::Instant;

use crate::support::{socket::patiently, *};

const OTHER: &str = "1251111111";

fn limit(per_second: u32, burst: u32) -> RateLimit {
    let [per_second, burst] = [per_second, burst].map(|number| NonZeroU32::new(number).unwrap());
    RateLimit::new(Rate { per_second, burst })
}

/// A service with a key for each of two APPIDs, whose requests are limited.
fn limited(backend: &Recorder, limit: &RateLimit) -> BatchService {
    let other = Key::new(SecretKey::new(SECRET_KEY), OTHER.parse().unwrap());
    let keys = StaticKeys::new().with(SECRET_ID, key()).with("AKIDOTHER", other);
    let builder = BatchService::builder(Arc::new(backend.clone())).authenticate(keys).clock(|| NOW);
    // What is refused is not read to its end, so that it can be seen whether anything of it was read.
    let limits = Limits { drained_bytes: 0, ..Limits::default() };
    builder.limits(limits).rate_limit(limit.clone()).build().unwrap()
}

fn look() -> Request<Full<Bytes>> {
    for_action(&DescribeJobRequest { job_id: job_id() })
}

/// Signed by the other APPID.
fn of_other(mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    request.headers_mut().insert("x-cos-appid", OTHER.parse().unwrap());
    let key = Credentials::new("AKIDOTHER", SECRET_KEY);
    sign(&mut request, &key, KeyTime::new(NOW, NOW + 3600).unwrap()).unwrap();
    request
}

/// The backend knows no job, and says so: that is how it is seen that it was asked.
fn was_served(response: &Response<Bytes>) -> bool {
    error(response).code == ErrorCode::NoSuchJob
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_served_at_once_and_then_one_after_another() {
    let (backend, limit) = (Recorder::default(), limit(10, 3));
    let service = limited(&backend, &limit);
    let begin = Instant::now();
    for (number, waits) in [(1, 0), (2, 0), (3, 0), (4, 100), (5, 200), (6, 300)] {
        assert!(was_served(&send(&service, signed(look())).await), "{number}");
        assert_eq!(begin.elapsed().as_millis(), waits, "{number}");
    }
    assert_eq!((limit.counts().delayed, limit.counts().refused), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_change_costs_more_than_a_look() {
    for (burst, waits) in [(COST_OF_A_CHANGE + 1, 0), (COST_OF_A_CHANGE, 100)] {
        let backend = Recorder::default();
        let service = limited(&backend, &limit(10, burst));
        assert_eq!(send(&service, signed(create())).await.status(), 200);
        let begin = Instant::now();
        assert!(was_served(&send(&service, signed(look())).await));
        assert_eq!(begin.elapsed().as_millis(), waits, "{burst}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_read_and_says_when_to_come_again() {
    let (backend, limit) = (Recorder::default(), limit(4, 1));
    let service = limited(&backend, &limit);
    // It is paid for during the next two and a half seconds.
    assert_eq!(send(&service, signed(create())).await.status(), 200);
    backend.take();
    let begin = Instant::now();
    let unreadable = signed(create()).map(|_| Unreadable);
    let answer = send(&service, unreadable).await;
    assert_eq!(begin.elapsed(), WAIT_MAX, "who asks again at once is no quicker than who waits");
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"2".parse().unwrap()));
    let refused = error(&answer);
    assert_eq!(refused.code, ErrorCode::SlowDown);
    assert!(refused.message.contains("the 4 in a second") && refused.message.contains("in 2 s"), "{refused}");
    assert!(backend.take().is_empty());
    assert_eq!(limit.counts().refused, 1);
    // The other one's account is another one; and so is this one's, two seconds later.
    assert!(was_served(&send(&service, of_other(look())).await));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(was_served(&send(&service, signed(look())).await));
}

/// A body that must not be asked for.
struct Unreadable;

impl http_body::Body for Unreadable {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        panic!("the body was read")
    }
}

#[tokio::test(start_paused = true)]
async fn who_cannot_sign_uses_up_nothing_of_what_another_may_ask() {
    let (backend, limit) = (Recorder::default(), limit(1, 1));
    let service = limited(&backend, &limit);
    for _ in 0..100 {
        let mut forged = signed(look());
        // What was signed is another path.
        *forged.uri_mut() = "/jobs/another".parse().unwrap();
        assert_eq!(refused(&service, forged).await.0, "SignatureDoesNotMatch");
        assert_eq!(refused(&service, look()).await.0, "AccessDenied");
    }
    let begin = Instant::now();
    assert!(was_served(&send(&service, signed(look())).await));
    assert_eq!((begin.elapsed(), limit.counts().delayed), (Duration::ZERO, 0));
}

/// Over sockets, as it is: one APPID has far more connections than it may ask requests; the other one is answered as ever.
#[tokio::test(flavor = "multi_thread")]
async fn one_at_its_limit_does_not_refuse_another() {
    const CALLERS: usize = 40;
    let (backend, limit) = (Recorder::default(), limit(1, 5));
    let server = Server::start(limited(&backend, &limit)).await;
    let crowd = on_the_wire(signed(look())).await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (mut connection, crowd) = (Connection::open(&server).await, crowd.clone());
        callers.spawn(async move { error(&connection.ask(crowd).await).code });
    }
    // Five were answered, one waits for a second, the others are to be refused.
    patiently(async {
        while limit.counts().refused < CALLERS as u64 / 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut connection = Connection::open(&server).await;
    let calm = on_the_wire(of_other(look())).await;
    for _ in 0..5 {
        assert!(was_served(&connection.ask(&calm).await));
    }
    let codes = callers.join_all().await;
    let served = codes.iter().filter(|code| **code == ErrorCode::NoSuchJob).count();
    assert!(codes.iter().all(|code| [ErrorCode::NoSuchJob, ErrorCode::SlowDown].contains(code)), "{codes:?}");
    // One more for each second that it took until all had asked.
    assert!((6..=CALLERS / 2).contains(&served), "{served} of {CALLERS} were served");
    assert_eq!(limit.counts().refused, (CALLERS - served) as u64);
    server.stop().await;
}
