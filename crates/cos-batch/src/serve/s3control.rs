//! The second dialect of the API of jobs: the same address, the same keys, the same jobs.

use std::sync::Arc;

use cos_batch_engine::{Clock as _, Engine, SystemClock};
use cos_batch_model::AppId;
use cos_batch_s3control::S3Control;

use super::{Callers, keys::Keys};
use crate::{credentials::GENERATED_APPID, exit::Error};

/// Milliseconds of a second.
const MILLIS: i64 = 1000;

/// The API over this engine, for keys that have an account id.
pub(super) fn api(engine: &Arc<Engine>, callers: &Callers, keys: &Keys) -> Result<S3Control, Error> {
    let callers = match callers {
        Callers::Keys(_) => cos_batch_s3control::Callers::Keys(Arc::new(keys.clone())),
        Callers::Everybody(_) => {
            cos_batch_s3control::Callers::Everybody(AppId::new(GENERATED_APPID).map_err(Error::other)?)
        }
    };
    Ok(S3Control::new(Arc::clone(engine), callers, || SystemClock.now().div_euclid(MILLIS)))
}
