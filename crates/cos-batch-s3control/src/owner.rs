//! Whose requests are accepted, and on whose behalf they are carried out.

use std::{collections::BTreeMap, sync::Arc};

use cos_batch_model::AppId;
use cos_signature::SecretKey;

/// The region that is named where a request was not signed.
const REGION: &str = "us-east-1";

/// On whose behalf a request is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The account, as this dialect names it.
    pub account: String,
    /// The same account, as the other dialect names it: jobs belong to it.
    pub appid: AppId,
    /// The region that the client believes to be in.
    pub region: String,
}

impl Owner {
    /// Somebody whose request was not signed.
    pub(crate) fn anonymous(account: &str, appid: &AppId) -> Self {
        Self { account: account.to_owned(), appid: appid.clone(), region: REGION.to_owned() }
    }

    /// The ARN of a job.
    pub(crate) fn job_arn(&self, job: &str) -> String {
        format!("arn:aws:s3:{}:{}:job/{job}", self.region, self.account)
    }
}

/// A key, and the account it belongs to.
#[derive(Clone, Debug)]
pub struct Key {
    /// What requests are signed with.
    pub secret: SecretKey,
    /// The token without which a temporary key is not good.
    pub security_token: Option<SecretKey>,
    /// The account: twelve digits.
    pub account: String,
    /// The same account, as the other dialect names it.
    pub appid: AppId,
}

/// Knows keys.
pub trait Keys: Send + Sync {
    /// The key with this id, unless there is none or it may not be used now. It must not block.
    fn key(&self, secret_id: &str) -> Option<Key>;
}

impl Keys for BTreeMap<String, Key> {
    fn key(&self, secret_id: &str) -> Option<Key> {
        self.get(secret_id).cloned()
    }
}

/// Whose requests are accepted.
#[derive(Clone)]
pub enum Callers {
    /// Those that are signed with one of these keys.
    Keys(Arc<dyn Keys>),
    /// All, under whichever account they name; jobs are those of this APPID.
    Everybody(AppId),
}
