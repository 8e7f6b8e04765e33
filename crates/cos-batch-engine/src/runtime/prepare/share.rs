//! Listed files, read by whoever leases them: the one who prepares the job, and whoever helps.
//!
//! Each is read once, by one node, and what came of it (where its pieces are, or why no job can run on it) is written to the
//! job store under the file's own lease. Numbering the rows is left to the one who holds the job.

use std::{sync::Arc, time::Duration};

use cos_batch_objectstore::VersionSelector;
use tokio::task::JoinSet;

use super::{
    Context, Prepared,
    file::{File, Found, Places, Spooling, sniff},
    head, later, located, unfit, unreadable,
};
use crate::{
    job::JobRecord,
    manifest::{Coding, Columns, Cut},
    report::spool::Spool,
    runtime::{
        core::{Core, Kind, Piece, RENEWALS_OF_A_LEASE},
        offload::offload,
        source::{Source, version},
        stop::{Level, Stop},
    },
    store::{BoxFuture, FileIndex, FileLease, FileOutcome, FilePiece, FilePlace, StoreError},
};

/// Files of a job that one node reads at once. Each is decompressed and checked by one core; more than there are cores
/// hides what reading takes.
const FILES_AT_ONCE: usize = 8;

/// Where a compressed file is cut. Ten times what a shard has otherwise, since each shard costs what lies before it;
/// yet few enough rows that a shard's report is built in memory.
pub(super) const FILE_CUT: Cut =
    Cut { rows: 10 * crate::manifest::index::SHARD_ROWS, bytes: 10 * crate::manifest::index::SHARD_BYTES };

/// What begins the codes of a data file's failures.
const CODE: &str = "InventoryFile";

/// Files that are being read here. Nobody reads on once nobody waits.
pub(super) struct Readings {
    context: Context,
    under_way: JoinSet<Result<(), Prepared>>,
}

impl Readings {
    pub(super) fn new(whole: &Context) -> Self {
        let stop = Arc::new(Stop::of_part(Arc::clone(&whole.stop)));
        Self { context: Context { stop, ..whole.clone() }, under_way: JoinSet::new() }
    }

    /// Takes as many further files as there are and it may.
    pub(super) async fn fill(&mut self) -> Result<(), Prepared> {
        let Context { core, job, .. } = self.context.clone();
        while self.under_way.len() < FILES_AT_ONCE {
            let Some(lease) = core.store.claim_file(job.id, core.config.lease).await? else { break };
            self.read(lease);
        }
        Ok(())
    }

    fn read(&mut self, lease: FileLease) {
        let context = self.context.clone();
        self.under_way.spawn(async move { read_leased(&context, &lease).await });
    }

    /// Waits until one more has ended; for ever where there is none.
    pub(super) async fn next(&mut self) -> Result<(), Prepared> {
        match self.under_way.join_next().await {
            None => std::future::pending().await,
            Some(ended) => {
                ended.unwrap_or_else(|error| Err(later("InternalError", format!("reading a file broke off: {error}"))))
            }
        }
    }

    /// Whether nothing is being read.
    fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Lets none come to its end that has not yet.
    pub(super) fn stop(&self) {
        self.context.stop.raise(Level::Yield);
    }

    /// Waits for all: what they read is kept, and what they leave is given back.
    pub(super) async fn end(mut self) {
        while let Some(ended) = self.under_way.join_next().await {
            if let Ok(Err(Prepared::Later(fault))) = ended {
                tracing::debug!(job = %self.context.job.id, %fault, "a file could not be read");
            }
        }
    }
}

/// Reads files of a job that somebody else prepares, beginning with one that was leased, for as long as there are some and
/// no job waits for somebody who prepares it.
pub(crate) async fn help(core: Arc<Core>, job: JobRecord, first: FileLease, stop: Arc<Stop>) {
    let piece = Piece { job: job.id, kind: Kind::Help };
    let mut readings = Readings::new(&Context::new(&core, &job, &stop));
    readings.read(first);
    let helped = loop {
        let more = !core.is_preparer_wanted() && stop.level() == Level::Run;
        if more && let Err(error) = readings.fill().await {
            break Err(error);
        }
        if readings.is_empty() {
            break Ok(());
        }
        if let Err(error) = readings.next().await {
            break Err(error);
        }
    };
    readings.end().await;
    let Err(Prepared::Later(fault)) = helped else { return core.troubles.over(piece) };
    // Not its job: whoever prepares it says when that has no hope.
    let Some(time) = core.troubles.met(piece, 0, Duration::MAX) else { return };
    tracing::warn!(job = %job.id, %fault, ?time, "a file of an inventory cannot be read here; others may");
    let nothing_held = || -> BoxFuture<'static, Result<(), StoreError>> { Box::pin(async { Ok(()) }) };
    // It fails only where a lease is lost.
    let _ = core.rest(piece, &stop, time, nothing_held).await;
}

/// Reads a file under its lease, and says what came of it. A lease that was lost is no error: somebody else reads it.
async fn read_leased(context: &Context, lease: &FileLease) -> Result<(), Prepared> {
    let core = &context.core;
    let renew = || core.store.renew_file(lease, core.config.lease);
    let ended = core.holding(renew, read_and_tell(context, lease)).await;
    let error = match ended {
        Ok(()) => return Ok(()),
        Err(Ended::LeaseLost) => {
            tracing::warn!(job = %lease.job, file = lease.file.number, "lease of a file lost");
            return Ok(());
        }
        Err(Ended::Prepared(error)) => error,
    };
    if let Err(error) = core.store.release_file(lease).await {
        tracing::warn!(job = %lease.job, file = lease.file.number, %error, "lease could not be given back");
    }
    Err(error)
}

/// Why nothing came of a file.
enum Ended {
    LeaseLost,
    Prepared(Prepared),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost => Self::LeaseLost,
            other => Self::Prepared(other.into()),
        }
    }
}

async fn read_and_tell(context: &Context, lease: &FileLease) -> Result<(), Ended> {
    let Context { core, stop, .. } = context;
    let outcome = match read(context, lease).await {
        Ok(index) => FileOutcome::Index(index),
        Err(Prepared::Unfit(failure)) => FileOutcome::Unfit(failure),
        Err(error) => return Err(Ended::Prepared(error)),
    };
    // What was read is worth keeping, however long the job store is away.
    loop {
        match core.store.finish_file(lease, outcome.clone()).await {
            Ok(()) => {
                tracing::debug!(job = %lease.job, file = lease.file.number, "a file of an inventory was read");
                return Ok(());
            }
            Err(StoreError::Failed(error)) => {
                tracing::debug!(job = %lease.job, error, "what came of a file could not be written; trying again");
            }
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            biased;
            () = stop.above(Level::Run) => return Err(Ended::Prepared(Prepared::Stopped)),
            () = tokio::time::sleep(core.config.lease / RENEWALS_OF_A_LEASE) => {}
        }
    }
}

/// Reads one file from end to end.
async fn read(context: &Context, lease: &FileLease) -> Result<FileIndex, Prepared> {
    let Context { core, job, stop, .. } = context;
    let (spec, listed) = (&job.spec.manifest, &lease.file);
    let manifest = Source::of_manifest(core.buckets.store(&spec.bucket), spec, version(spec), None);
    let mut source = manifest.beside(listed.key.clone());
    // The list was refused if they did not fit.
    let Some(columns) = Columns::of_inventory(&listed.columns) else {
        return Err(unfit("ManifestMalformed", located(&source, "its columns are not those of an inventory")));
    };
    let head = head(&source, stop).await?.map_err(|error| unreadable(CODE, &source, &error))?;
    if let Some(size) = listed.size.filter(|size| *size != head.size) {
        let rule = format!("the inventory's list says {size} bytes, the object has {}", head.size);
        return Err(unfit("InventoryFileSizeMismatch", located(&source, rule)));
    }
    source.pin = Some(head.pin.clone());
    if let Some(id) = &head.version_id {
        source.version = VersionSelector::Id(id.clone());
    }
    let coding = sniff(context, &source, head.size, CODE).await?;
    let gzip = coding == Coding::Gzip;
    let (places, place) = if gzip && head.size > core.config.inflate_again_bytes {
        sweep(core, lease).await?;
        let begin = Spool::rows_of_file(listed.number, lease.epoch);
        (Places::Spool(Spooling::new(begin)), FilePlace::Spool { epoch: lease.epoch })
    } else {
        let (key, pin) = (listed.key.clone(), head.pin.clone());
        (Places::File { key, pin }, FilePlace::Itself { version: head.version_id, pin: head.pin, gzip })
    };
    let mut file = File::new(context, source.clone(), CODE, head.size, coding, columns, places);
    file = file.expecting(&listed.source_bucket);
    if listed.md5.is_some() {
        file = file.with_md5();
    }
    let mut pieces = Vec::new();
    loop {
        match file.next().await? {
            Found::Shard(source, piece) => pieces.push(FilePiece::new(&source.bytes(), piece.rows)),
            Found::OtherBucket(record, other) => {
                let rule = format!("row {record} names bucket {other}, the inventory is of {}", listed.source_bucket);
                return Err(file.malformed(rule));
            }
            Found::End => break,
        }
    }
    match (&listed.md5, file.md5()) {
        (Some(expected), Some(actual)) if *expected != actual => {
            let rule = format!("the inventory's list says MD5 {expected}, the object's is {actual}");
            Err(unfit("InventoryFileChecksumMismatch", located(&source, rule)))
        }
        _ => Ok(FileIndex { place, pieces }),
    }
}

/// Rows that others put into the spool, and did not come to the end of, would be in the way where there is little room.
async fn sweep(core: &Core, lease: &FileLease) -> Result<(), Prepared> {
    if lease.epoch == 1 {
        return Ok(());
    }
    let (spool, job, file, epoch) = (core.spool.clone(), lease.job, lease.file.number, lease.epoch);
    let sweep = async move { spool.sweep_file(job, file, epoch).await };
    offload(core.spool.store().execution(), sweep)
        .await
        .map_err(|error| later("InternalError", format!("the spool could not be swept: {error}")))
}
