//! The second dialect of the API of jobs: the same address, the same keys, the same jobs.

use std::sync::Arc;

use cos_batch_engine::{Clock as _, Engine, SystemClock};
use cos_batch_model::AppId;
use cos_batch_s3control::{Key, S3Control};

use super::Callers;
use crate::{credentials::GENERATED_APPID, exit::Error};

/// Milliseconds of a second.
const MILLIS: i64 = 1000;

/// The API over this engine, for keys that have an account id.
pub(super) fn api(engine: &Arc<Engine>, callers: &Callers) -> Result<S3Control, Error> {
    let callers = match callers {
        Callers::Keys(credentials) => {
            let keys = credentials.keys.iter().filter_map(|key| {
                let account = key.account_id.clone()?;
                let (secret, security_token) = (key.secret_key.clone(), key.security_token.clone());
                Some((key.secret_id.clone(), Key { secret, security_token, account, appid: key.appid.clone() }))
            });
            cos_batch_s3control::Callers::Keys(keys.collect())
        }
        Callers::Everybody(_) => {
            cos_batch_s3control::Callers::Everybody(AppId::new(GENERATED_APPID).map_err(Error::other)?)
        }
    };
    Ok(S3Control::new(Arc::clone(engine), callers, || SystemClock.now().div_euclid(MILLIS)))
}
