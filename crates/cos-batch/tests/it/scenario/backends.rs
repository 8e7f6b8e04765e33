//! The stores that the story is told to.

use std::{fmt::Write as _, fs, os::unix::fs::PermissionsExt as _, sync::Arc};

use cos_batch_objectstore::{
    BucketVersioning, FolderStore, HttpDialect, HttpStore, ObjectStore, PutRequest, StaticCredentials, Style,
};
use cos_signature::Credentials;

use super::{peers, story::Bucket};
use crate::support::{Place, Server, write_private};

/// Buckets that there are. The foreign one need not be.
const BUCKETS: [Bucket; 4] = [Bucket::Source, Bucket::Target, Bucket::Versions, Bucket::Lent];

/// The account that the story is about.
const APPID: &str = "1250000000";

/// Key of the servers that are told what key to accept.
const SECRET_ID: &str = "storykey";
const SECRET_KEY: &str = "storyTellersSecret";

/// A server of batch jobs, and the store its buckets are in.
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    pub(crate) store: Arc<dyn ObjectStore>,
    /// What the store cannot do, in the story's words.
    pub(crate) lacks: &'static [&'static str],
    pub(crate) server: Server,
    pub(crate) place: Place,
    /// What the store itself runs on.
    _store: Option<Running>,
}

/// The server of the objects.
enum Running {
    /// Another server of ours, with its folder.
    Ours(#[expect(dead_code, reason = "held until the story is told")] Box<(Server, Place)>),
    /// Somebody else's.
    Theirs(#[expect(dead_code, reason = "held until the story is told")] peers::Server),
}

/// The server's own folder.
pub(crate) async fn folder() -> Backend {
    let place = Place::new();
    for bucket in BUCKETS {
        std::fs::create_dir_all(place.bucket(bucket.name())).unwrap();
    }
    let server = start(&place, &grants(), &[]);
    let store = FolderStore::open(place.data().join("buckets")).unwrap();
    store.put_versioning(Bucket::Versions.name(), BucketVersioning::Enabled).await.unwrap();
    Backend { name: "folder", store: Arc::new(store), lacks: &[], server, place, _store: None }
}

/// Buckets in a second server of ours, through its object endpoint in the dialect of COS.
pub(crate) async fn cos() -> Backend {
    let objects = Place::new();
    // On that server all buckets are this account's: what it may do to them is for the server of jobs to say.
    let owner = format!("[[bucket]]\nname = \"{}\"\nowner = \"{APPID}\"\n", Bucket::Lent.name());
    let running = start(&objects, &owner, &["--objects-listen", "127.0.0.1:0"]);
    let endpoint = format!("http://{}", running.objects().expect("it says where the objects are"));
    let (id, key) = running.key();
    let settings = format!("kind = \"cos\"\nregion = \"local\"\nstyle = \"path\"\nendpoint = \"{endpoint}\"\n");
    let store = HttpStore::builder(HttpDialect::Cos, &endpoint).region("local").style(Style::Path);
    let store = store.credentials(StaticCredentials::new(Credentials::new(&*id, &*key))).build().unwrap();
    let running = Running::Ours(Box::new((running, objects)));
    remote("cos", store, &settings, (&id, &key), &[], running).await
}

/// Buckets in SeaweedFS. It has no archive, keeps no access lists of objects, and encrypts nothing unless it has a
/// service of keys.
pub(crate) async fn seaweedfs() -> Backend {
    let (running, port) = peers::seaweedfs(SECRET_ID, SECRET_KEY);
    s3("seaweedfs", port, &["archive", "restore", "acl", "grants", "encryption"], running).await
}

/// SeaweedFS with this key and no buckets, and the port it listens on. It ends with the first of the three.
pub(crate) async fn plain_seaweedfs(secret_id: &str, secret_key: &str) -> (impl Send + use<>, HttpStore, u16) {
    let (running, port) = peers::seaweedfs(secret_id, secret_key);
    let store = ready(&running, port, Credentials::new(secret_id, secret_key)).await;
    (running, store, port)
}

/// Buckets in moto, a simulation that knows archived objects, does not look at times in conditions, and forgets that a copy
/// was to be encrypted.
pub(crate) async fn moto() -> Backend {
    let (running, port) = peers::moto();
    s3("moto", port, &["grants", "conditions", "encryption"], running).await
}

async fn s3(name: &'static str, port: u16, lacks: &'static [&'static str], running: peers::Server) -> Backend {
    let endpoint = format!("http://127.0.0.1:{port}");
    // That S3 knows no accounts of COS is known without being told.
    let told = lacks.iter().filter(|lack| **lack != "grants");
    let without: Vec<_> = told.map(|lack| format!("\"{lack}\"")).collect();
    let without = without.join(", ");
    let settings = format!("kind = \"s3\"\nstyle = \"path\"\nendpoint = \"{endpoint}\"\nwithout = [{without}]\n");
    let store = ready(&running, port, Credentials::new(SECRET_ID, SECRET_KEY)).await;
    remote(name, store, &settings, (SECRET_ID, SECRET_KEY), lacks, Running::Theirs(running)).await
}

/// A store over the server on this port, once that can keep something: it listens before.
async fn ready(running: &peers::Server, port: u16, credentials: Credentials) -> HttpStore {
    let store = HttpStore::builder(HttpDialect::S3, format!("http://127.0.0.1:{port}")).style(Style::Path);
    let store = store.credentials(StaticCredentials::new(credentials)).build().unwrap();
    let ready = async || {
        let made = store.put_bucket("ready-1250000000").await;
        made.is_ok() && store.put(PutRequest::new("ready-1250000000", "ready", "x".into())).await.is_ok()
    };
    running.wait(port, ready).await;
    store
}

/// What this account may do to a bucket of another.
fn grants() -> String {
    format!("[[grant]]\nbucket = \"{}\"\nappid = \"{APPID}\"\nrights = [\"read\"]\n", Bucket::Lent.name())
}

/// A server with one key, and with these rights of its account.
fn start(place: &Place, rights: &str, flags: &[&str]) -> Server {
    let file = place.key_file();
    let key = format!("[[key]]\nsecret_id = \"AKID{SECRET_ID}\"\nsecret_key = \"{SECRET_KEY}\"\nappid = \"{APPID}\"\n");
    let key = key + "account_id = \"123456789012\"\n";
    write_private(&file, &(key + rights));
    Server::start_with(place, &[&["--credentials", file.to_str().unwrap()], flags].concat())
}

/// A server whose buckets are in that store.
async fn remote(
    name: &'static str,
    store: HttpStore,
    settings: &str,
    (id, key): (&str, &str),
    lacks: &'static [&'static str],
    running: Running,
) -> Backend {
    let buckets = BUCKETS.map(Bucket::name);
    for bucket in buckets {
        store.put_bucket(bucket).await.unwrap();
    }
    if !lacks.contains(&"versions") {
        store.put_versioning(Bucket::Versions.name(), BucketVersioning::Enabled).await.unwrap();
    }
    let place = Place::new();
    let mut config = format!("[[store]]\nname = \"there\"\n{settings}secret_id = \"{id}\"\nsecret_key = \"{key}\"\n");
    for bucket in buckets {
        write!(config, "\n[[bucket]]\nname = \"{bucket}\"\nstore = \"there\"\n").unwrap();
    }
    let file = place.file("config.toml");
    fs::write(&file, config).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let server = start(&place, &grants(), &["--config", file.to_str().unwrap()]);
    Backend { name, store: Arc::new(store), lacks, server, place, _store: Some(running) }
}
