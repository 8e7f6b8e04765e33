//! One request of somebody who is signed in, as pages see it.

use std::sync::Arc;

use cos_batch_engine::Engine;
use cos_batch_model::RequestContext;

use crate::{form::Fields, frame::Frame};

/// Most bytes of a file that is uploaded: it is held in memory whole. A million rows of 32 bytes.
pub const UPLOAD_BYTES_MAX: usize = 32 * 1024 * 1024;

/// One request of somebody who is signed in.
pub(crate) struct Visit {
    /// Who is asked.
    pub(crate) engine: Arc<Engine>,
    /// On whose behalf.
    pub(crate) context: RequestContext,
    pub(crate) query: Fields,
    pub(crate) frame: Frame,
}

/// Random hexadecimal digits.
pub(crate) fn random<const BYTES: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}
