//! How much is read and allocated for requests that are meant to cost much, counted by the allocator of this program. One
//! test, so that nothing else is counted.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is how a test fails")]

use std::{
    alloc::System,
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use cos_batch_model::{ApiError, AppId, BatchApi, ErrorCode};
use cos_batch_server::{BODY_BYTES_MAX, BatchService, DRAINED_BYTES_MAX, Key, StaticKeys};
use cos_signature::{Credentials, KeyTime, SecretKey, sign};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use md5::{Digest, Md5};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::ServiceExt;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SECRET_ID: &str = "AKIDEXAMPLEONLYNOTREAL0001";
const SECRET_KEY: &str = "exampleSecretKeyNotReal0001";
const NOW: i64 = 1_700_000_000;

/// Bytes of a piece of a streamed body.
const PIECE: usize = 64 * 1024;

/// Most bytes that may be allocated in all for a body of the largest size: its pieces are put together in a buffer that
/// doubles as it grows, and the last doubling is copied.
const ALLOCATED_MAX: usize = 4 * BODY_BYTES_MAX;

/// Most bytes that may be allocated for a request beside its body.
const BESIDE_BODY: usize = 64 * 1024;

struct Nothing;
impl BatchApi for Nothing {}

fn service() -> BatchService {
    let key = Key::new(SecretKey::new(SECRET_KEY), AppId::new("1250000000").unwrap());
    let keys = StaticKeys::new().with(SECRET_ID, key);
    BatchService::builder(Arc::new(Nothing)).authenticate(keys).clock(|| NOW).build().unwrap()
}

/// A CreateJob, signed, with this digest.
fn create<B>(body: B, digest: &str, credentials: &Credentials) -> Request<B> {
    let request = Request::post("/jobs").header("host", "h").header("x-cos-appid", "1250000000");
    let mut request = request.header("content-md5", digest).body(body).unwrap();
    sign(&mut request, credentials, KeyTime::new(NOW, NOW + 3600).unwrap()).unwrap();
    request
}

fn own() -> Credentials {
    Credentials::new(SECRET_ID, SECRET_KEY)
}

/// A body that begins as told and then goes on with one piece again and again; counts what is taken of it.
struct Endless {
    beginning: Option<Bytes>,
    piece: Bytes,
    left: usize,
    taken: Arc<AtomicUsize>,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match self.beginning.take() {
            Some(beginning) => beginning,
            None if self.left == 0 => return Poll::Ready(None),
            None => {
                self.left = self.left.saturating_sub(self.piece.len());
                self.piece.clone()
            }
        };
        self.taken.fetch_add(piece.len(), Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

/// What an answer says went wrong, and how many bytes were allocated in how many steps until it was there.
async fn cost<B>(service: &BatchService, request: Request<B>) -> (ErrorCode, usize, usize)
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    let service = service.clone();
    let region = Region::new(ALLOCATOR);
    let answer = service.oneshot(request).await.unwrap();
    let change = region.change();
    let (head, body) = answer.into_parts();
    let answer = Response::from_parts(head, body.collect().await.unwrap().to_bytes());
    (ApiError::from_http(&answer).code, change.bytes_allocated, change.allocations + change.reallocations)
}

/// A text of 100 MB, which comes in pieces and does not say how long it is.
async fn a_long_text(service: &BatchService) {
    for piece_bytes in [PIECE, 1000, 7] {
        let taken = Arc::new(AtomicUsize::new(0));
        let body = Endless {
            beginning: Some(Bytes::from_static(b"<CreateJobRequest><Description>")),
            piece: Bytes::from(vec![b'd'; piece_bytes]),
            left: 100_000_000,
            taken: Arc::clone(&taken),
        };
        let (code, allocated, _) = cost(service, create(body, "1B2M2Y8AsgTpgAmY7PhCfg==", &own())).await;
        assert_eq!(code, ErrorCode::XmlSizeLimit);
        let taken = taken.load(Ordering::Relaxed);
        let most = BODY_BYTES_MAX + usize::try_from(DRAINED_BYTES_MAX).unwrap() + 2 * piece_bytes;
        assert!(taken > BODY_BYTES_MAX && taken <= most, "{taken} bytes taken");
        assert!(allocated <= ALLOCATED_MAX + BESIDE_BODY, "{allocated} bytes allocated for pieces of {piece_bytes}");
    }
}

/// Documents of the largest size.
async fn large_documents(service: &BatchService) {
    let room = BODY_BYTES_MAX - 64;
    let repeated = |text: &str| text.repeat(room / text.len());
    let documents = [
        format!("<CreateJobRequest><Description>{}", repeated("d")),
        format!("<CreateJobRequest><Description>{}", repeated("&amp;")),
        format!("<CreateJobRequest>{}", repeated("<Description>d</Description>")),
        format!("<CreateJobRequest>{}", repeated("<a>")),
        format!("<CreateJobRequest>{}", repeated("<!---->")),
        format!("<CreateJobRequest {}>", repeated("a=\"b\" ")),
        format!("<CreateJobRequest xmlns=\"{}\">", repeated("u")),
        format!("<{}/>", repeated("n")),
        format!("<!DOCTYPE a [{}", repeated("<!ENTITY b \"c\">")),
        format!("<CreateJobRequest><Manifest><Spec><Fields>{}", repeated("<member>Key</member>")),
        repeated(" "),
        repeated("<"),
        repeated("&"),
        repeated("\0"),
    ];
    for document in documents {
        assert!(document.len() <= BODY_BYTES_MAX);
        let shown = document[..document.len().min(60)].to_owned();
        let digest = STANDARD.encode(Md5::digest(&document));
        let size = document.len();
        // In one piece, a body is not copied: what is allocated is what reading the document takes.
        let request = create(http_body_util::Full::new(Bytes::from(document)), &digest, &own());
        let (code, allocated, _) = cost(service, request).await;
        let expected = [ErrorCode::MalformedXml, ErrorCode::XmlSizeLimit, ErrorCode::InvalidRequest];
        assert!(expected.contains(&code), "{shown}: {code}");
        assert!(allocated <= size + BESIDE_BODY, "{shown}: {allocated} bytes allocated for {size}");
    }
}

/// An unknown key and a wrong signature take the same steps: as many allocations of as many bytes. The answers differ,
/// by a fixed text.
async fn unknown_keys_and_wrong_signatures(service: &BatchService) {
    for host in ["h", "h:8080"] {
        let mut costs = Vec::new();
        for (id, secret) in [(SECRET_ID, "another"), ("AKIDUNKNOWNUNKNOWNUNKNOWN0", "another")] {
            assert_eq!(id.len(), SECRET_ID.len());
            let ask = || {
                let mut request = Request::get("/jobs").header("host", host).header("x-cos-appid", "1250000000");
                request.headers_mut().unwrap().insert("accept", "*/*".parse().unwrap());
                let mut request = request.body(http_body_util::Empty::<Bytes>::new()).unwrap();
                let time = KeyTime::new(NOW, NOW + 3600).unwrap();
                sign(&mut request, &Credentials::new(id, secret), time).unwrap();
                request
            };
            let (code, _, steps) = cost(service, ask()).await;
            costs.push((code, steps));
        }
        assert_eq!([&costs[0].0, &costs[1].0], [&ErrorCode::SignatureDoesNotMatch, &ErrorCode::InvalidAccessKeyId]);
        // The key that was found is cloned: its secret, its APPID.
        let difference = costs[0].1.abs_diff(costs[1].1);
        assert!(difference <= 2, "{costs:?}");
    }
}

#[tokio::test]
async fn what_costs_much_is_refused_for_little() {
    let service = service();
    // What is allocated once, for the first request of a process, is not what is counted here.
    a_long_text(&service).await;
    a_long_text(&service).await;
    large_documents(&service).await;
    unknown_keys_and_wrong_signatures(&service).await;
}
