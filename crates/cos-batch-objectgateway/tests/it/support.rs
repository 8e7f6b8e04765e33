//! A gateway that listens, and requests written by hand.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use cos_batch_objectgateway::{Key, ObjectGateway};
use cos_batch_objectstore::{MemoryStore, ObjectStore};
use cos_batch_server::listen;
use cos_signature::{Credentials, KeyTime, SecretKey, sign};
use http::Request;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

pub(crate) const APPID: &str = "1250000000";
pub(crate) const BUCKET: &str = "b-1250000000";
pub(crate) const FOREIGN: &str = "theirs-1251111111";
pub(crate) const HOST: &str = "b-1250000000.cos.ap-guangzhou.myqcloud.com";
pub(crate) const SECRET_ID: &str = "AKIDEXAMPLEONLYNOTREAL0001";
pub(crate) const SECRET: &str = "exampleSecretKeyNotReal0001";
/// What time it is for the gateway and for who signs.
pub(crate) const NOW: i64 = 1_795_476_800;

/// How long a test waits for an answer before it is taken for a hang.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn credentials() -> Credentials {
    Credentials::new(SECRET_ID, SECRET)
}

/// A gateway that listens on loopback until it is dropped.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    _stop: oneshot::Sender<()>,
    _task: JoinHandle<std::io::Result<()>>,
}

pub(crate) async fn serve(gateway: ObjectGateway) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let until = async {
        let _ = stopped.await;
    };
    let task = tokio::spawn(listen::serve(listener, gateway, until, listen::ListenOptions::default()));
    Listening { address, _stop: stop, _task: task }
}

pub(crate) fn keys() -> BTreeMap<String, Key> {
    BTreeMap::from([(SECRET_ID.to_owned(), Key::new(SecretKey::new(SECRET), APPID))])
}

/// A gateway over a store in memory with one bucket and a foreign one, at a time that stands still.
pub(crate) async fn gateway() -> (Arc<MemoryStore>, Listening) {
    let store = Arc::new(MemoryStore::new().with_min_part_bytes(5));
    for bucket in [BUCKET, FOREIGN] {
        store.create_bucket(bucket).unwrap();
    }
    let gateway = ObjectGateway::builder(Arc::clone(&store) as Arc<dyn ObjectStore>)
        .authenticate(keys())
        .clock(|| NOW)
        .build()
        .unwrap();
    (store, serve(gateway).await)
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (other, value) = line.split_once(':')?;
            other.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Text of the first element of this name.
    pub(crate) fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.text().split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(value, _)| value)
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.element("Code").unwrap_or_default()), (status, code), "{self:?}");
    }
}

/// A request to the bucket's own host, signed unless it says otherwise.
pub(crate) struct Ask {
    pub(crate) request: Request<()>,
    pub(crate) body: Vec<u8>,
}

impl Ask {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let request = Request::builder().method(method).uri(target).header("host", HOST).body(()).unwrap();
        Self { request, body: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request.headers_mut().insert(name, value.parse().unwrap());
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.header("content-length", &length)
    }

    pub(crate) fn signed(mut self) -> Self {
        let window = KeyTime::starting_at(NOW - 60, Duration::from_secs(3600));
        sign(&mut self.request, &credentials(), window).unwrap();
        self
    }

    /// The bytes of the head.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.request.method(), self.request.uri()).into_bytes();
        for (name, value) in self.request.headers() {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }

    pub(crate) async fn send(self, address: SocketAddr) -> Answer {
        let bytes = [self.head(), self.body.clone()].concat();
        exchange(address, &bytes, self.request.method() == "HEAD").await
    }
}

/// Signs and sends.
pub(crate) async fn ask(address: SocketAddr, ask: Ask) -> Answer {
    ask.signed().send(address).await
}

/// Sends bytes and reads one answer.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8], no_body: bool) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that refuses early may close before it has taken all.
    let _ = stream.write_all(bytes).await;
    read_answer(&mut stream, no_body).await
}

pub(crate) async fn read_answer(stream: &mut TcpStream, no_body: bool) -> Answer {
    let read = async {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert_ne!(
                stream.read_buf(&mut bytes).await.unwrap(),
                0,
                "no answer: {:?}",
                String::from_utf8_lossy(&bytes)
            );
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: bytes.split_off(end) };
        if no_body || status == 304 || status == 204 {
            return answer;
        }
        let length: usize = answer.header("content-length").expect("answers say how long they are").parse().unwrap();
        while answer.body.len() < length && stream.read_buf(&mut answer.body).await.unwrap() > 0 {}
        assert_eq!(answer.body.len(), length);
        answer
    };
    tokio::time::timeout(PATIENCE, read).await.expect("an answer in time")
}
