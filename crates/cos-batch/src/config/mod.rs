//! The configuration of `serve`: stores, which bucket is in which, and the settings of the engine.

mod engine;
mod function;
#[cfg(test)]
mod pages;
mod places;
mod print;
mod settings;
mod store;
mod traces;
#[cfg(test)]
mod ways;
mod webhook;
mod whole;

use std::{collections::BTreeMap, fmt, fs, io::Read as _, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use cos_batch_engine::{Buckets, Config as EngineConfig, Spool};
use cos_batch_model::{AppId, bucket_appid};
use cos_batch_objectstore::{HttpSettings, ObjectStore};
use serde::{Deserialize, Deserializer, de};

pub(crate) use self::print::printed;
pub(crate) use self::settings::{
    Given, Origin, Origins, Role, address, boolean, host_name, requests, without_password,
};
pub(crate) use self::traces::{
    SAMPLE_RATIO_DEFAULT, SERVICE_NAME_DEFAULT, TracesGiven, endpoint, sample_ratio, service_name,
};
pub(crate) use self::whole::{LISTEN_DEFAULT, LOG_DEFAULT, Settings, rate_on_this_machine};
pub(crate) use self::{
    engine::{EngineFlags, EngineSettings},
    function::Function,
    places::{LocalGiven, SpoolGiven},
    webhook::{Target, WebhookGiven, statuses},
};
use self::{
    engine::{EngineOrigins, Tenant},
    function::{FUNCTIONS_MAX, FunctionSettings},
    places::{LocalOrigins, SpoolOrigins},
    settings::has_password,
    store::{Kind, Store},
    webhook::WebhookOrigins,
};
use crate::{exit::Error, similar::nearest, text::unreadable};

/// Bytes of a configuration at most: room for thousands of buckets.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Folders that each server has: that of its own buckets, and that of what becomes reports.
const OWN_FOLDERS: usize = 2;

/// Threads for what is no operation of a job: requests to the object endpoint, the database, names of hosts. As many as a
/// runtime has by itself; what finds none free waits.
const OTHER_THREADS: usize = 512;

/// Threads at most. Each takes some memory, and systems have a few thousand for one user.
const BLOCKING_THREADS_MAX: usize = 4096;

/// Descriptors of one operation on a folder: the source, the copy, a folder for each.
const FILES_OF_OPERATION: u64 = 4;

/// A configuration. Without a file, all buckets are folders of the data folder.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What may be said by flags and by the environment as well.
    #[serde(default)]
    serve: Given,
    /// Whether buckets that are not named here are folders of the data folder (where there is one they are, unless told
    /// otherwise); if not, they are refused.
    local_buckets: Option<bool>,
    /// Where outcomes wait for their report, if not in the data folder.
    #[serde(default)]
    spool: SpoolGiven,
    /// Where buckets may be.
    #[serde(default, rename = "store")]
    stores: Vec<Store>,
    /// Which buckets there are.
    #[serde(default, rename = "bucket")]
    buckets: Vec<Bucket>,
    /// How the engine works.
    #[serde(default)]
    engine: EngineSettings,
    /// What is otherwise for single APPIDs.
    #[serde(default, rename = "appid")]
    tenants: Vec<Tenant>,
    /// Where changes of status are told.
    #[serde(default)]
    webhook: WebhookGiven,
    /// Where traces go.
    #[serde(default)]
    traces: TracesGiven,
    /// What jobs may call for each object.
    #[serde(default)]
    functions: BTreeMap<String, FunctionSettings>,
    /// The file all this is in, for errors.
    #[serde(skip)]
    place: Option<String>,
}

/// What flags say that stand beside `[serve]` and `[traces]` in a file.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    pub(crate) local: LocalGiven,
    pub(crate) spool: SpoolGiven,
    pub(crate) engine: EngineSettings,
    pub(crate) webhook: WebhookGiven,
}

/// Where the same come from.
#[derive(Debug)]
pub(crate) struct OtherOrigins {
    local: LocalOrigins,
    spool: SpoolOrigins,
    engine: EngineOrigins,
    webhook: WebhookOrigins,
}

/// A bucket that jobs may name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bucket {
    name: String,
    store: String,
    /// What the store calls it.
    at: Option<String>,
    /// The APPID it belongs to, where its name does not say it.
    #[serde(default, deserialize_with = "appid")]
    owner: Option<AppId>,
}

impl Config {
    /// Reads a file. One that has secrets in it must be its owner's alone.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let place = path.display();
        let failed = |error: std::io::Error| Error::usage(format!("--config: {place}: {}", unreadable(&error)));
        let file = fs::File::open(path).map_err(failed)?;
        let mode = file.metadata()?.permissions().mode();
        let mut text = String::new();
        file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(Error::usage(format!("--config: {place}: larger than {FILE_BYTES_MAX} bytes")));
        }
        let mut config = Self::parse(&text).map_err(|error| error.while_doing(format!("--config: {place}")))?;
        config.place = Some(place.to_string());
        if let Some(secret) = config.secret().filter(|_| mode & 0o077 != 0) {
            return Err(Error::usage(format!(
                "--config: {place}: it has a {secret}, and others than its owner may use it (mode {:03o}); run: chmod 600 {place}",
                mode & 0o777
            )));
        }
        Ok(config)
    }

    /// The name of a setting that is a secret, if there is one.
    fn secret(&self) -> Option<&'static str> {
        if self.webhook.secret.is_some() {
            return Some("secret");
        }
        let addresses = self.serve.jobs.iter().chain(&self.webhook.url).map(String::as_str);
        let functions = self.functions.values().map(FunctionSettings::url);
        if addresses.chain(functions).any(has_password) {
            return Some("password");
        }
        self.stores.iter().find_map(Store::secret)
    }

    fn parse(text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| {
            // The error's own form quotes the line, and lines have secrets.
            let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            Error::usage(format!("line {line}: {}{}", error.message(), suggestion(error.message())))
        })
    }

    /// What may be said by flags and by the environment as well.
    pub(crate) fn serve(&self) -> &Given {
        &self.serve
    }

    /// What the file says of traces.
    fn traces(&self) -> &TracesGiven {
        &self.traces
    }

    /// From now on what holds of flags, environment and file is what it says; gives where each comes from.
    fn settle(
        &mut self,
        flags: Flags,
        variable: impl Fn(&str) -> Option<String> + Copy,
    ) -> Result<OtherOrigins, Error> {
        let file = LocalGiven { local_buckets: self.local_buckets };
        let (local, local_origins) = flags.local.or(LocalGiven::of_environment(variable)?, &file);
        self.local_buckets = local.local_buckets;
        let (spool, spool_origins) = flags.spool.or(SpoolGiven::of_environment(variable)?, &self.spool);
        self.spool = spool;
        let (engine, engine_origins) = flags.engine.or(EngineSettings::of_environment(variable)?, &self.engine);
        self.engine = engine;
        let (webhook, mut webhook_origins) = flags.webhook.or(WebhookGiven::of_environment(variable)?, &self.webhook);
        self.webhook = webhook.with_one_secret(&mut webhook_origins);
        Ok(OtherOrigins {
            local: local_origins,
            spool: spool_origins,
            engine: engine_origins,
            webhook: webhook_origins,
        })
    }

    /// Variables that the file names as those that have secrets.
    fn variables(&self) -> impl Iterator<Item = &str> {
        let webhook = self.webhook.secret_env.as_deref();
        let functions = self.functions.values().filter_map(FunctionSettings::variable);
        webhook.into_iter().chain(self.stores.iter().flat_map(Store::variables)).chain(functions)
    }

    /// Owners of buckets whose names do not say it.
    pub(crate) fn owners(&self) -> impl Iterator<Item = (&str, &AppId)> {
        self.buckets.iter().filter_map(|bucket| Some((bucket.name.as_str(), bucket.owner.as_ref()?)))
    }

    /// Buckets that belong to nobody: neither their names nor anything else says to whom.
    pub(crate) fn ownerless(&self) -> impl Iterator<Item = &str> {
        // An APPID of the cloud has digits alone: `my-photos` is not of an APPID `photos`, though nothing forbids one.
        let nobodys = |bucket: &&Bucket| {
            let appid = bucket_appid(&bucket.name);
            bucket.owner.is_none() && !appid.is_some_and(|appid| appid.bytes().all(|byte| byte.is_ascii_digit()))
        };
        self.buckets.iter().filter(nobodys).map(|bucket| bucket.name.as_str())
    }

    /// An error about what the file says, with its name.
    fn wrong(&self, rule: impl fmt::Display) -> Error {
        let error = Error::usage(rule);
        match &self.place {
            Some(place) => error.while_doing(format!("--config: {place}")),
            None => error,
        }
    }

    /// How the engine works.
    pub(crate) fn engine(&self) -> Result<EngineConfig, Error> {
        self.engine.config(&self.tenants).map_err(|error| self.wrong(error))
    }

    /// Threads that may block at a time at most: one for each operation on a folder, and some for all else.
    pub(crate) fn blocking_threads(&self) -> Result<usize, Error> {
        let slots = self.engine()?.blocking_slots;
        let folders = OWN_FOLDERS + self.folders();
        let threads = folders.saturating_mul(slots).saturating_add(OTHER_THREADS);
        if threads > BLOCKING_THREADS_MAX {
            let most = (BLOCKING_THREADS_MAX - OTHER_THREADS) / folders;
            return Err(self.wrong(format!(
                "engine: blocking_slots must be at most {most} where there are {folders} folders, not {slots}: \
                 each operation has a thread"
            )));
        }
        Ok(threads)
    }

    /// Descriptors that the operations of jobs take at most: files on folders, and connections to stores behind HTTP and to
    /// functions. How
    /// many operations there may be on one of the latter does not matter, since its connections are fewer or bound them.
    pub(crate) fn descriptors(&self) -> Result<u64, Error> {
        let files = (OWN_FOLDERS + self.folders()).saturating_mul(self.engine()?.blocking_slots) as u64;
        let connections = |store: &Store| store.connections.unwrap_or(HttpSettings::default().connections_max) as u64;
        let http = self.stores.iter().filter(|store| store.kind != Kind::Folder).map(connections);
        // Each operation may be a call of a function instead.
        let each = if self.functions.is_empty() { 1 } else { 2 };
        let descriptors = http.fold(files.saturating_mul(FILES_OF_OPERATION), u64::saturating_add);
        Ok(descriptors.saturating_mul(each))
    }

    /// Configured stores that are folders.
    fn folders(&self) -> usize {
        self.folder_paths().count()
    }

    /// The same, by name, with where they are.
    pub(crate) fn folder_paths(&self) -> impl Iterator<Item = (&str, &Path)> {
        let folders = self.stores.iter().filter(|store| store.kind == Kind::Folder);
        folders.filter_map(|store| Some((store.name.as_str(), store.folder.as_deref()?)))
    }

    /// Whether outcomes wait for their report elsewhere than in the data folder.
    pub(crate) fn has_spool(&self) -> bool {
        self.spool.store.is_some() || self.spool.bucket.is_some()
    }

    /// The stores, and which bucket is in which; `local` has those that are not named. And the spool, if it is configured.
    pub(crate) fn buckets(&self, local: Option<Arc<dyn ObjectStore>>) -> Result<(Buckets, Option<Spool>), Error> {
        let mut stores: BTreeMap<&str, Arc<dyn ObjectStore>> = BTreeMap::new();
        for store in &self.stores {
            let here = || self.buckets.iter().filter(|bucket| bucket.store == store.name);
            let open = match store.kind {
                Kind::Folder if local.is_none() => {
                    Err("a folder has one server at a time, and --jobs is for many".to_owned())
                }
                Kind::Folder => store.folder(here()),
                Kind::Cos | Kind::S3 => store.http(here()),
            };
            let open = open.map_err(|reason| self.wrong(format!("store {:?}: {reason}", store.name)))?;
            if stores.insert(&store.name, open).is_some() {
                return Err(self.wrong(format!("store {:?} is there twice", store.name)));
            }
        }
        let place = self.spool.place().map_err(|error| self.wrong(error))?;
        let spool = place.map(|(store, bucket)| self.open_spool(store, bucket, &stores)).transpose()?;
        let mut buckets = match (local, self.local_buckets) {
            (Some(local), None | Some(true)) => Buckets::new(local),
            (None, Some(true)) => {
                let text = "local_buckets = true: with --jobs there is no data folder to have buckets in";
                return Err(self.wrong(text));
            }
            _ => Buckets::none(),
        };
        let mut seen = std::collections::BTreeSet::new();
        for bucket in &self.buckets {
            let Some(store) = stores.get(bucket.store.as_str()) else {
                let near = hint(&bucket.store, stores.keys().copied());
                return Err(self.wrong(format!("bucket {:?}: there is no store {:?}{near}", bucket.name, bucket.store)));
            };
            if !seen.insert(&bucket.name) {
                return Err(self.wrong(format!("bucket {:?} is there twice", bucket.name)));
            }
            buckets = buckets.with(bucket.name.as_str(), Arc::clone(store));
        }
        Ok((buckets, spool))
    }

    /// The configured buckets, each after its store, by name.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&str, &str)> {
        self.buckets.iter().map(|bucket| (bucket.store.as_str(), bucket.name.as_str()))
    }

    /// Where changes of status are told, if anywhere.
    pub(crate) fn webhook(&self) -> Result<Option<Target>, Error> {
        self.webhook.target().map_err(|error| self.wrong(error))
    }

    /// What jobs may call for each object, by name.
    pub(crate) fn functions(&self) -> Result<Vec<Function>, Error> {
        if self.functions.len() > FUNCTIONS_MAX {
            let number = self.functions.len();
            return Err(self.wrong(format!("functions: there are at most {FUNCTIONS_MAX}, not {number}")));
        }
        self.functions.iter().map(|(name, given)| given.function(name).map_err(|error| self.wrong(error))).collect()
    }

    /// The configured stores that have buckets, by name.
    pub(crate) fn named_stores(&self, buckets: &Buckets) -> Vec<(String, Arc<dyn ObjectStore>)> {
        let bucket_of = |store: &Store| self.buckets.iter().find(|bucket| bucket.store == store.name);
        let stores = self.stores.iter().filter_map(|store| {
            let bucket = bucket_of(store)?;
            Some((store.name.clone(), buckets.store(&bucket.name)))
        });
        stores.collect()
    }

    fn open_spool(
        &self,
        store: &str,
        bucket: &str,
        stores: &BTreeMap<&str, Arc<dyn ObjectStore>>,
    ) -> Result<Spool, Error> {
        let Some(open) = stores.get(store) else {
            let near = hint(store, stores.keys().copied());
            return Err(self.wrong(format!("spool: there is no store {store:?}{near}")));
        };
        let is_it = |named: &&Bucket| named.store == store && named.at.as_ref().unwrap_or(&named.name) == bucket;
        if let Some(bucket) = self.buckets.iter().find(is_it) {
            let name = &bucket.name;
            return Err(
                self.wrong(format!("spool: jobs can name its bucket as {name:?}; it must be the server's alone"))
            );
        }
        Ok(Spool::new(Arc::clone(open), bucket))
    }
}

/// What may have been meant by the word that a message of the parser says is unknown, among those it says are known.
fn suggestion(message: &str) -> String {
    let mut words = message.split('`').skip(1).step_by(2);
    match words.next() {
        Some(word) if message.starts_with("unknown ") => hint(word, words),
        _ => String::new(),
    }
}

fn hint<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(word, known).map(|known| format!(" (did you mean `{known}`?)")).unwrap_or_default()
}

fn appid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<AppId>, D::Error> {
    appid_of(deserializer).map(Some)
}

fn appid_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AppId, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use cos_batch_objectstore::MemoryStore;

    use super::*;

    const S3: &str = "[[store]]\nname = \"s3\"\nkind = \"s3\"\nendpoint = \"http://127.0.0.1:9000\"\nsecret_id = \"id\"\nsecret_key = \"hush\"\n";

    fn built(text: &str) -> Result<Buckets, String> {
        let config = Config::parse(text).map_err(|error| error.to_string())?;
        config
            .buckets(Some(Arc::new(MemoryStore::new())))
            .map(|(buckets, _)| buckets)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn all_that_a_file_may_have() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "local_buckets = false\n[spool]\nstore = \"s3\"\nbucket = \"segments-9\"\n{S3}style = \"path\"\nregion = \"eu-west-1\"\nproxy = \"http://proxy.example:3128\"\n\
             connections = 7\ncopy_timeout = 60\nsession_token = \"hush\"\nwithout = [\"restore\", \"acl\"]\n\
             [[store]]\nname = \"cos\"\nkind = \"cos\"\nregion = \"ap-guangzhou\"\ncredentials_file = \"/etc/keys.json\"\n\
             [[store]]\nname = \"disk\"\nkind = \"folder\"\nfolder = {:?}\n\
             [[bucket]]\nname = \"photos-125\"\nstore = \"s3\"\nat = \"their-photos\"\nowner = \"126\"\n\
             [[bucket]]\nname = \"logs-125\"\nstore = \"disk\"\n",
            folder.path()
        );
        let config = Config::parse(&text).unwrap();
        assert!(!format!("{config:?}").contains("hush"));
        assert_eq!(config.owners().map(|(name, _)| name).collect::<Vec<_>>(), ["photos-125"]);
        let (buckets, spool) = config.buckets(Some(Arc::new(MemoryStore::new()))).unwrap();
        assert_eq!(spool.unwrap().bucket(), "segments-9");
        let photos = buckets.store("photos-125");
        assert!(!photos.capabilities().restore && photos.capabilities().tagging);
        assert!(!Arc::ptr_eq(&photos, &buckets.store("logs-125")));
        assert!(Arc::ptr_eq(&buckets.store("unknown-1"), &buckets.store("unknown-2")));
    }

    #[test]
    fn wrong_files_are_refused_by_line_and_name_and_without_secrets() {
        for (text, expected) in [
            (
                "[[stor]]\n",
                "line 1: unknown field `stor`, expected one of `serve`, `local_buckets`, `spool`, `store`, `bucket`, `engine`, `appid`, `webhook`, `traces`, `functions` (did you mean `store`?)",
            ),
            (&format!("{S3}sytle = \"path\"\n"), "line 7: unknown field `sytle`"),
            (&format!("{S3}style = \"host\"\n"), "line 7: unknown variant `host`, expected `path` or `virtual`"),
            (
                &S3.replace("\"s3\"\nendpoint", "\"s33\"\nendpoint"),
                "line 3: unknown variant `s33`, expected one of `cos`, `s3`, `folder` (did you mean `s3`?)",
            ),
            (&S3.replace("http://127.0.0.1:9000", "127.0.0.1"), "store \"s3\": endpoint: an endpoint is `http://`"),
            (&format!("{S3}anonymous = true\n"), "store \"s3\": one way to its credentials must be given"),
            (&S3.replace("secret_key = \"hush\"\n", ""), "store \"s3\": `secret_id` goes with `secret_key`"),
            (&format!("{S3}{S3}"), "store \"s3\" is there twice"),
            (
                &format!("{S3}[[bucket]]\nname = \"a-1\"\nstore = \"s4\"\n"),
                "bucket \"a-1\": there is no store \"s4\" (did you mean `s3`?)",
            ),
            (
                &format!("{S3}[[bucket]]\nname = \"a-1\"\nstore = \"s3\"\nat = \"A_B\"\n"),
                "store \"s3\": bucket: \"A_B\" cannot be the name of a bucket",
            ),
            ("[[store]]\nname = \"d\"\nkind = \"folder\"\n", "store \"d\": `folder` is missing"),
            (
                &S3.replace("secret_id =", "secret_id_env = \"NO_SUCH_VARIABLE\"\n#")
                    .replace("secret_key =", "secret_key_env ="),
                "store \"s3\": the variable NO_SUCH_VARIABLE is not set",
            ),
        ] {
            let error = built(text).map(drop).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
        let error = built(&format!("{S3}sytle = \"path\"\n")).map(drop).unwrap_err();
        assert!(error.ends_with("(did you mean `style`?)"), "{error}");
    }

    #[test]
    fn a_spool_is_the_servers_alone() {
        let spool = |store: &str, bucket: &str| {
            let bucket_line = "[[bucket]]\nname = \"photos-125\"\nstore = \"s3\"\nat = \"theirs\"\n";
            built(&format!("[spool]\nstore = {store:?}\nbucket = {bucket:?}\n{S3}{bucket_line}")).map(drop)
        };
        assert_eq!(spool("s3", "photos-125"), Ok(()), "jobs mean another bucket of the store by this name");
        assert!(spool("s3", "theirs").unwrap_err().contains("jobs can name its bucket as \"photos-125\""));
        assert!(spool("s4", "own").unwrap_err().contains("there is no store \"s4\" (did you mean `s3`?)"));
    }

    #[test]
    fn many_nodes_have_no_folders() {
        let refused = |text: &str| Config::parse(text).unwrap().buckets(None).unwrap_err().to_string();
        assert!(refused("local_buckets = true\n").contains("there is no data folder"));
        let folder = "[[store]]\nname = \"d\"\nkind = \"folder\"\nfolder = \"/tmp\"\n";
        assert!(refused(folder).contains("store \"d\": a folder has one server at a time"));
        let (_, spool) = Config::parse(S3).unwrap().buckets(None).unwrap();
        assert!(spool.is_none());
    }

    #[test]
    fn the_engine_is_told_what_stands_there_and_keeps_its_defaults() {
        let engine = |text: &str| Config::parse(text).and_then(|config| config.engine());
        let plain = format!("{:?}", EngineConfig::default());
        assert_eq!(format!("{:?}", engine("").unwrap()), plain);
        let text = "[engine]\nworkers = 9\nblocking_slots = 3\nasync_slots = 40\npreparers = 1\noperations_per_second = 500\n\
             job_operations_per_second = 50\nfailed_percent_max = 10\nfailed_percent_tasks_above = 20\n\
             manifest_rows_max = 1000\ntenant_rows_max = 2000\nreport_bytes_max = 3000\ntrouble_hours = 5\nlive_jobs_max = 5\nconfirmation_hours = 2\nretention_days = 1\n\
             lease_seconds = 60\ndrain_seconds = 0\npoll_millis = 100\ncheckpoint_millis = 50\n\
             [[appid]]\nappid = \"125\"\njob_operations_per_second = 7\ntenant_rows_max = 8\nreport_bytes_max = 9\n";
        insta::assert_debug_snapshot!(engine(text).unwrap());
        assert!(engine("[engine]\nfailed_percent_max = 100\n").unwrap().failure_threshold.is_none());
        for (text, expected) in [
            ("[engine]\nworkers = 0\n", "engine: workers must be from 1 to 256, not 0"),
            ("[engine]\nfailed_percent_max = 101\n", "engine: failed_percent_max must be from 0 to 100, not 101"),
            ("[engine]\nlease_seconds = 1\n", "engine: lease_seconds must be from 2 to 600, not 1"),
            ("[engine]\nworker = 1\n", "line 2: unknown field `worker`, expected one of `workers`"),
            ("[engine]\nworkers = -1\n", "line 2: invalid value: integer `-1`, expected u64"),
            (
                "[[appid]]\nappid = \"125\"\njob_operations_per_second = 0\n",
                "appid \"125\": job_operations_per_second must be from 1 to 1000000, not 0",
            ),
            ("[[appid]]\nappid = \"1\"\n[[appid]]\nappid = \"1\"\n", "appid \"1\" is there twice"),
            ("[[appid]]\nappid = \"1/2\"\n", "line 2: x-cos-appid"),
        ] {
            let error = engine(text).map(drop).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn threads_and_descriptors_are_enough_for_what_is_configured() {
        let folder = |name: &str| format!("[[store]]\nname = {name:?}\nkind = \"folder\"\nfolder = \"/x\"\n");
        let config = |slots: usize, stores: &[String]| {
            Config::parse(&format!("[engine]\nblocking_slots = {slots}\n{}", stores.concat())).unwrap()
        };
        let plain = Config::default();
        assert_eq!((plain.blocking_threads().unwrap(), plain.descriptors().unwrap()), (528, 64));
        let large = config(512, &[folder("a"), folder("b"), S3.to_owned()]);
        assert_eq!(
            (large.blocking_threads().unwrap(), large.descriptors().unwrap()),
            (4 * 512 + 512, 4 * 512 * 4 + 128)
        );
        let many = config(4, &[S3.to_owned(), S3.replace("kind", "connections = 5000\nkind")]);
        assert_eq!(many.descriptors().unwrap(), 2 * 4 * 4 + 128 + 5000);
        let folders: Vec<_> = (0..6).map(|number| folder(&number.to_string())).collect();
        assert!(config(448, &folders).blocking_threads().is_ok());
        let error = config(449, &folders).blocking_threads().unwrap_err().to_string();
        assert!(
            error.starts_with("engine: blocking_slots must be at most 448 where there are 8 folders, not 449"),
            "{error}"
        );
    }

    #[test]
    fn a_file_with_a_secret_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let store = |settings: &str| {
            format!("[[store]]\nname = \"cos\"\nkind = \"cos\"\nregion = \"ap-guangzhou\"\n{settings}\n")
        };
        let with_secrets = [
            S3.to_owned(),
            store("secret_id = \"AKIDEXAMPLE\"\nsecret_key = \"hush\""),
            store("credentials_url = \"http://user:hush@127.0.0.1/keys\""),
            store("credentials_file = \"/keys\"\nproxy = \"http://user:hush@127.0.0.1:3128\""),
            "[webhook]\nurl = \"http://127.0.0.1/\"\nsecret = \"0123456789abcdef01234567\"\n".to_owned(),
            "[webhook]\nurl = \"http://user:hush@127.0.0.1/\"\n".to_owned(),
            "[functions.thumb]\nurl = \"http://user:hush@127.0.0.1/\"\n".to_owned(),
            "[serve]\njobs = \"postgres://cos:hush@127.0.0.1/jobs\"\n".to_owned(),
        ];
        let read = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            Config::read(&path).map_err(|error| error.to_string())
        };
        for text in &with_secrets {
            read(text, 0o600).unwrap_or_else(|error| panic!("{text}: {error}"));
            for mode in [0o640, 0o604, 0o620] {
                let error = read(text, mode).expect_err(text);
                assert!(error.contains("others than its owner"), "{error}");
            }
        }
        read("local_buckets = true\n", 0o644).unwrap();
        read(&store("credentials_file = \"/keys\""), 0o644).unwrap();
    }
}
