//! `cos-batch config check --connect`

use std::time::Duration;

use cos_batch_engine::{Buckets, Spool};
use cos_batch_objectstore::ObjectStore;

use crate::{config::Config, exit::Error, output::Terminal};

/// How long a store may take to answer for one bucket, all tries of its client together.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks for each configured bucket, and for the spool's, one after another, and says what came of it.
///
/// # Errors
///
/// A bucket is not there, or its store does not say so.
pub(super) async fn ask(
    config: &Config,
    buckets: &Buckets,
    spool: Option<&Spool>,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let (mut asked, mut bad) = (0, 0);
    for (store, bucket) in config.places() {
        let there = there(&*buckets.store(bucket), bucket).await;
        asked += 1;
        bad += usize::from(there.is_err());
        say(terminal, &format!("bucket {bucket:?} in store {store:?}"), there)?;
    }
    if let Some(spool) = spool {
        let there = there(&**spool.store(), spool.bucket()).await;
        asked += 1;
        bad += usize::from(there.is_err());
        say(terminal, &format!("spool, in bucket {:?}", spool.bucket()), there)?;
    }
    match (asked, bad) {
        (0, _) => terminal.line("no store is configured, so there is nobody to ask")?,
        (_, 0) => {}
        _ => return Err(Error::other(format!("{bad} of {asked} buckets could not be seen"))),
    }
    Ok(())
}

fn say(terminal: &mut Terminal, what: &str, there: Result<(), String>) -> Result<(), Error> {
    let answer = there.err().unwrap_or_else(|| "it is there".to_owned());
    Ok(terminal.line(&format!("{what}: {answer}"))?)
}

/// Nothing, if the store says that it has the bucket; else what it says, or that it says nothing.
async fn there(store: &dyn ObjectStore, bucket: &str) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, store.bucket_exists(bucket)).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err("there is no such bucket".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}
