//! The keys that are accepted, which can be exchanged while the server runs.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use cos_batch_server::{Authenticate, Key, StaticKeys};

use crate::credentials::{self, Credentials};

/// Keys of a file, for both endpoints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys(Arc<RwLock<Both>>);

#[derive(Debug, Default)]
struct Both {
    jobs: StaticKeys,
    objects: BTreeMap<String, cos_batch_objectgateway::Key>,
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
        let both = Both {
            jobs: credentials.keys.iter().map(|key| (key.secret_id.clone(), for_jobs(key))).collect(),
            objects: credentials.keys.iter().map(|key| (key.secret_id.clone(), for_objects(key))).collect(),
        };
        // Replaced as a whole, so never half done.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = both;
    }
}

fn for_jobs(key: &credentials::Key) -> Key {
    let security_token = key.security_token.as_ref().map(|token| token.expose().to_owned());
    Key { uin: key.uin.clone(), security_token, ..Key::new(key.secret_key.clone(), key.appid.clone()) }
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

impl cos_batch_objectgateway::Authenticate for Keys {
    fn key(&self, secret_id: &str) -> Option<cos_batch_objectgateway::Key> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).objects.get(secret_id).cloned()
    }
}
