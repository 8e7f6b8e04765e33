//! The object endpoint: the same keys, the same buckets, the same rights as the API of jobs.

use std::sync::Arc;

use cos_batch_engine::Access;
use cos_batch_objectgateway::{Authorize, ObjectGateway, Right};
use cos_batch_objectstore::ObjectStore;

use super::{Callers, keys::Keys};
use crate::exit::Error;

/// The rights of the engine, as the gateway asks for them.
struct Rights(Access);

impl Authorize for Rights {
    fn allows(&self, appid: &str, bucket: &str, right: Right) -> bool {
        match right {
            Right::Read => self.0.allows(appid, bucket, cos_batch_engine::Right::Read),
            Right::Write => self.0.allows(appid, bucket, cos_batch_engine::Right::Write),
            Right::Delete => self.0.allows(appid, bucket, cos_batch_engine::Right::Delete),
            Right::Own => self.0.owns(appid, bucket),
        }
    }
}

/// The gateway to this store.
pub(super) fn gateway(
    store: Arc<dyn ObjectStore>,
    callers: &Callers,
    keys: &Keys,
    access: Access,
) -> Result<ObjectGateway, Error> {
    let builder = ObjectGateway::builder(store);
    let builder = match callers {
        Callers::Keys(_) => builder.authenticate(keys.clone()).authorize(Rights(access)),
        Callers::Everybody(_) => builder.allow_everybody(),
    };
    builder.build().map_err(Error::other)
}
