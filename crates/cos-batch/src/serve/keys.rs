//! The keys that are accepted, which can be exchanged while the server runs.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use cos_batch_server::{Authenticate, Key, StaticKeys};

use crate::credentials::{self, Credentials};

/// Keys of a file, for every door of the server.
#[derive(Clone, Default)]
pub(crate) struct Keys(Arc<RwLock<All>>);

#[derive(Default)]
struct All {
    jobs: StaticKeys,
    second: BTreeMap<String, cos_batch_s3control::Key>,
    console: BTreeMap<String, cos_batch_console::Key>,
    objects: BTreeMap<String, cos_batch_objectgateway::Key>,
}

/// Keys are not shown.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// Those of a file that was read.
    pub(crate) fn of(credentials: &Credentials) -> Self {
        let keys = Self::default();
        keys.replace(credentials);
        keys
    }

    /// From now on these, and no others. Requests that were admitted before go on.
    pub(crate) fn replace(&self, credentials: &Credentials) {
        let second = credentials.keys.iter().filter_map(|key| Some((key.secret_id.clone(), for_second(key)?)));
        let all = All {
            second: second.collect(),
            console: credentials.keys.iter().map(|key| (key.secret_id.clone(), for_console(key))).collect(),
            jobs: credentials.keys.iter().map(|key| (key.secret_id.clone(), for_jobs(key))).collect(),
            objects: credentials.keys.iter().map(|key| (key.secret_id.clone(), for_objects(key))).collect(),
        };
        // Replaced as a whole, so never half done.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = all;
    }
}

fn for_jobs(key: &credentials::Key) -> Key {
    let security_token = key.security_token.as_ref().map(|token| token.expose().to_owned());
    Key { uin: key.uin.clone(), security_token, ..Key::new(key.secret_key.clone(), key.appid.clone()) }
}

/// The account id is for this dialect alone; a key without one does not count there.
fn for_second(key: &credentials::Key) -> Option<cos_batch_s3control::Key> {
    Some(cos_batch_s3control::Key {
        secret: key.secret_key.clone(),
        security_token: key.security_token.clone(),
        account: key.account_id.clone()?,
        appid: key.appid.clone(),
    })
}

fn for_console(key: &credentials::Key) -> cos_batch_console::Key {
    cos_batch_console::Key {
        secret: key.secret_key.clone(),
        appid: key.appid.clone(),
        uin: key.uin.clone(),
        security_token: key.security_token.clone(),
    }
}

fn for_objects(key: &credentials::Key) -> cos_batch_objectgateway::Key {
    let uin = key.uin.as_ref().map(ToString::to_string);
    let security_token = key.security_token.as_ref().map(|token| token.expose().to_owned());
    cos_batch_objectgateway::Key {
        uin,
        security_token,
        ..cos_batch_objectgateway::Key::new(key.secret_key.clone(), key.appid.to_string())
    }
}

impl Authenticate for Keys {
    fn key(&self, secret_id: &str) -> Option<Key> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).jobs.key(secret_id)
    }
}

impl cos_batch_s3control::Keys for Keys {
    fn key(&self, secret_id: &str) -> Option<cos_batch_s3control::Key> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).second.get(secret_id).cloned()
    }
}

impl cos_batch_console::Keys for Keys {
    fn key(&self, secret_id: &str) -> Option<cos_batch_console::Key> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).console.get(secret_id).cloned()
    }
}

impl cos_batch_objectgateway::Authenticate for Keys {
    fn key(&self, secret_id: &str) -> Option<cos_batch_objectgateway::Key> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).objects.get(secret_id).cloned()
    }
}
