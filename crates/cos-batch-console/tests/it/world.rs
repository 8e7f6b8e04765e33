//! A console on a socket, and a browser of few words.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use cos_batch_console::{Console, Key};
use cos_batch_engine::{Access, Buckets, Config, Engine, MemoryJobStore, Parts, Spool, SystemClock};
use cos_batch_objectstore::{MemoryStore, ObjectStore as _, PutRequest};
use cos_batch_server::listen::{self, ListenOptions};
use cos_signature::SecretKey;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

pub(crate) const BUCKET: &str = "photos-1250000000";
pub(crate) const FOREIGN: &str = "secrets-1251111111";
/// A guard against hanging, far above what anything takes.
pub(crate) const GUARD: std::time::Duration = std::time::Duration::from_secs(60);
pub(crate) const START: i64 = 1_800_000_000;

/// A console with keys of two accounts.
pub(crate) struct World {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) now: Arc<AtomicI64>,
    pub(crate) objects: Arc<MemoryStore>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The token that a cookie of the session has.
    pub(crate) fn session(&self) -> Option<String> {
        let cookie = self.header("set-cookie")?.strip_prefix("cos-batch-session=")?;
        cookie.split(';').next().filter(|token| !token.is_empty()).map(str::to_owned)
    }

    /// The value that forms of a page carry.
    pub(crate) fn form(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"form\" value=\"").expect("a page with a form");
        rest.split('"').next().unwrap().to_owned()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|engine| {
            let key = |secret: &str, appid: &str| Key {
                secret: SecretKey::new(secret),
                appid: appid.parse().unwrap(),
                uin: None,
                security_token: None,
            };
            let keys = [("AKIDone", key("one", "1250000000")), ("AKIDtwo", key("two", "1251111111"))];
            let keys: BTreeMap<String, Key> = keys.into_iter().map(|(id, key)| (id.to_owned(), key)).collect();
            Console::with_keys(engine, keys)
        })
        .await
    }

    pub(crate) async fn with(console: impl FnOnce(Arc<Engine>) -> Console) -> Self {
        let (objects, spool) = (Arc::new(MemoryStore::new()), MemoryStore::new());
        for bucket in [BUCKET, FOREIGN] {
            objects.create_bucket(bucket).unwrap();
        }
        spool.create_bucket("segments").unwrap();
        let parts = Parts {
            jobs: Arc::new(MemoryJobStore::new(Arc::new(SystemClock))),
            buckets: Buckets::new(Arc::clone(&objects) as _),
            access: Access::new(),
            spool: Spool::new(Arc::new(spool), "segments"),
            config: Config::default(),
        };
        let engine = Arc::new(Engine::start(parts, true).await.unwrap());
        let now = Arc::new(AtomicI64::new(START));
        let clock = Arc::clone(&now);
        let console = console(engine).clock(move || clock.load(Ordering::Relaxed));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(listen::serve(listener, console, std::future::pending(), ListenOptions::default()));
        Self { address, now, objects }
    }

    pub(crate) async fn put(&self, bucket: &str, key: &str, body: &'static str) {
        self.objects.put(PutRequest::new(bucket, key, body.into())).await.unwrap();
    }

    /// Sends a request as it stands.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut text = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "host") {
            write!(text, "host: {}\r\n", self.address).unwrap();
        }
        for (name, value) in headers {
            write!(text, "{name}: {value}\r\n").unwrap();
        }
        text.push_str("\r\n");
        text.push_str(body);
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Sends a form as a browser does that shows a page of the console.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &str) -> Answer {
        let (origin, cookie) = (format!("http://{}", self.address), format!("cos-batch-session={token}"));
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", path, &[("origin", &origin), ("cookie", &cookie), kind], body).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send("GET", path, &[("cookie", &format!("cos-batch-session={token}"))], "").await
    }

    pub(crate) async fn sign_in(&self, id: &str, secret: &str) -> Answer {
        self.post("/console/sign-in", "", &format!("id={id}&secret={secret}&next=/console/buckets")).await
    }

    pub(crate) async fn signed_in(&self, id: &str, secret: &str) -> String {
        self.sign_in(id, secret).await.session().expect("the key is right")
    }
}
