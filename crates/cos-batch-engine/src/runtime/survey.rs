//! Reading rows of a manifest and looking at their objects, to tell what a job will do.

use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use cos_batch_objectstore::{ErrorKind, ObjectMeta, StoreError, VersionSelector};
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

pub(crate) use super::source::{Source, version};
use super::{core::Core, offload::offload};
use crate::{
    checks::{self, Finding, Level, Looked, SampleRow, Survey},
    job::{JobRecord, Outlook, PinnedManifest},
    manifest::{
        Coding, Columns, Inflated, Inflater, Inventory, ListedAs, Records, Row, coding,
        inventory::{self, DataFile},
        records::Next,
    },
    spec::{JobSpec, ManifestFormat},
};

/// Bytes of text decompressed at once.
const TEXT_BYTES: usize = 256 * 1024;

/// Bytes of a manifest that are read for a job that waits for its confirmation. All rows were checked already; this is
/// for what only a look at the objects can tell.
const OUTLOOK_BYTES: u64 = 1024 * 1024;

/// Objects looked at for such a job.
const OUTLOOK_OBJECTS: usize = 20;

/// How long that may take: preparing has done its part.
pub(crate) const OUTLOOK_TIME: Duration = Duration::from_secs(3);

/// Objects looked at at the same time.
const LOOKS_AT_ONCE: usize = 8;

/// Files of an inventory that are opened at most, each with some requests to the store: somebody waits for the answer, and
/// an inventory may have a hundred thousand. What the others hold is guessed from these.
const FILES_OPENED_MAX: usize = 256;

/// How much of a manifest was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// All of it.
    pub(crate) whole: bool,
    /// Its rows; a guess unless all of it was read.
    pub(crate) rows: u64,
    /// Files that were opened, of so many.
    pub(crate) opened: usize,
    pub(crate) files: usize,
}

/// Reads rows, at most `most` bytes of text, and shows them to the survey.
pub(crate) async fn read(
    spec: &JobSpec,
    source: &Source,
    size: u64,
    most: u64,
    survey: &mut Survey<'_>,
) -> Result<Extent, Finding> {
    let mut left = most;
    let (mut opened, mut files) = (1, 1);
    let (taken, all) = match &spec.manifest.format {
        ManifestFormat::Csv { columns } => {
            let columns = Columns::new(columns)
                .ok_or_else(|| broken("Fields must name Bucket once, Key once, VersionId at most once"))?;
            let mut rows = RowReader::open(source.clone(), size, columns).await?;
            file(&mut rows, survey, &mut left).await?;
            (rows.text.at, size)
        }
        ManifestFormat::Inventory => {
            let list = whole(source, size, inventory::LIST_BYTES_MAX).await?;
            let list = Inventory::parse(&list).map_err(|error| broken(error.to_string()))?;
            let columns = Columns::of_inventory(&list.columns)
                .ok_or_else(|| broken("fileSchema must name Bucket once and Key once"))?;
            (opened, files) = (0, list.files.len());
            let (mut taken, mut seen) = (0, 0);
            for named in list.files.iter().take(FILES_OPENED_MAX) {
                if left == 0 {
                    break;
                }
                let beside = source.beside(named.key.clone());
                let meta = head(&beside).await.map_err(|error| unreadable(&beside, &error))?;
                let source = Source { pin: Some(meta.pin), ..beside };
                let mut rows = RowReader::open(source, meta.size, columns.clone()).await?;
                file(&mut rows, survey, &mut left).await?;
                taken += rows.text.at;
                seen += meta.size;
                opened += 1;
            }
            (taken, with_rest(seen, opened, &list.files[opened..]))
        }
        ManifestFormat::Listed(_) => return Err(broken("the bucket's objects are listed when the job is prepared")),
    };
    let whole = left > 0 && opened == files;
    let rows = if whole { survey.rows() } else { scaled(survey.rows(), all, taken) };
    Ok(Extent { whole, rows, opened, files })
}

/// Bytes of `opened` files and of those that were not: as the list tells, or else as many as those have on average.
fn with_rest(seen: u64, opened: usize, rest: &[DataFile]) -> u64 {
    let usual = seen.checked_div(opened as u64).unwrap_or(0);
    rest.iter().fold(seen, |all, file| all.saturating_add(file.size.unwrap_or(usual)))
}

/// Rows of a whole of which a part is known.
fn scaled(rows: u64, all: u64, taken: u64) -> u64 {
    let rows = u128::from(rows) * u128::from(all) / u128::from(taken.max(1));
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// Shows the rows of one file to the survey, until `left` bytes of text are used up.
async fn file(rows: &mut RowReader, survey: &mut Survey<'_>, left: &mut u64) -> Result<(), Finding> {
    let mut each = |row: &Row<'_>| {
        // A delete marker is no object, and fails by itself.
        if row.listed_as != ListedAs::DeleteMarker {
            survey.row(&row.bucket.full(), &row.key, row.version);
        }
    };
    while let Some(bytes) = rows.piece(&mut each).await? {
        *left = left.saturating_sub(bytes);
        if *left == 0 {
            return Ok(());
        }
    }
    Ok(())
}

/// The rows of one file, a piece of its text at a time.
pub(crate) struct RowReader {
    text: Text,
    columns: Columns,
    records: Records,
    number: u64,
    ended: bool,
}

impl RowReader {
    pub(crate) async fn open(source: Source, size: u64, columns: Columns) -> Result<Self, Finding> {
        let text = Text::open(source, size).await?;
        Ok(Self { text, columns, records: Records::new(0), number: 0, ended: false })
    }

    /// Shows the rows that end in the next piece of text; tells its bytes, none after the last.
    pub(crate) async fn piece(
        &mut self,
        each: &mut (dyn for<'r> FnMut(&Row<'r>) + Send),
    ) -> Result<Option<u64>, Finding> {
        if self.ended {
            return Ok(None);
        }
        // Let others run: reading from memory never waits.
        tokio::task::yield_now().await;
        let mut piece = self.text.next().await?;
        let (bytes, end) = (piece.len() as u64, piece.is_empty());
        loop {
            match self.records.next(&piece, end) {
                Next::Record(record, used) => {
                    self.number += 1;
                    if !(self.number == 1 && self.columns.is_header(&record)) {
                        let row = self.columns.read(&record, self.number).map_err(|error| self.text.broken(&error))?;
                        each(&row);
                    }
                    piece.advance(used);
                }
                Next::More if end => return Err(self.text.broken(&"it ends inside a row")),
                Next::More => return Ok(Some(bytes)),
                Next::End => {
                    self.ended = true;
                    return Ok(Some(bytes));
                }
                Next::Broken(rule) => return Err(self.text.broken(&format!("row {}: {rule}", self.number + 1))),
            }
        }
    }
}

/// The text of a file, plain or compressed.
struct Text {
    source: Source,
    size: u64,
    /// Next byte of the object to read.
    at: u64,
    inflater: Option<Inflater>,
    ended: bool,
}

impl Text {
    async fn open(source: Source, size: u64) -> Result<Self, Finding> {
        let end = size.min(coding::SNIFF_BYTES as u64);
        let start = if end == 0 { Bytes::new() } else { get(&source, 0, end).await? };
        let coding = coding::detect(&start).map_err(|wrong| broken(located(&source, wrong)))?;
        let inflater = (coding == Coding::Gzip).then(Inflater::default);
        Ok(Self { source, size, at: 0, inflater, ended: false })
    }

    fn broken(&self, rule: &impl std::fmt::Display) -> Finding {
        broken(located(&self.source, rule))
    }

    /// The next piece; empty at the end.
    async fn next(&mut self) -> Result<Bytes, Finding> {
        if self.inflater.is_none() {
            return self.object().await;
        }
        let mut out = BytesMut::zeroed(TEXT_BYTES);
        let mut filled = 0;
        while filled < TEXT_BYTES
            && !self.ended
            && let Some(inflater) = &mut self.inflater
        {
            match inflater.read(&mut out[filled..]) {
                Ok(Inflated::Bytes(count)) => filled += count,
                Ok(Inflated::End) => self.ended = true,
                Ok(Inflated::More) => {
                    let compressed = self.object().await?;
                    if let Some(inflater) = &mut self.inflater {
                        if compressed.is_empty() {
                            inflater.finish();
                        } else {
                            inflater.feed(compressed);
                        }
                    }
                }
                Err(error) => return Err(self.broken(&error)),
            }
        }
        out.truncate(filled);
        Ok(out.freeze())
    }

    async fn object(&mut self) -> Result<Bytes, Finding> {
        if self.at >= self.size {
            return Ok(Bytes::new());
        }
        let bytes = get(&self.source, self.at, self.size).await?;
        if bytes.is_empty() {
            return Err(self.broken(&"it became shorter while it was read"));
        }
        self.at += bytes.len() as u64;
        Ok(bytes)
    }
}

async fn whole(source: &Source, size: u64, most: u64) -> Result<Bytes, Finding> {
    if size > most {
        return Err(broken(located(source, format!("it has {size} bytes, more than {most}"))));
    }
    let mut bytes = BytesMut::new();
    while (bytes.len() as u64) < size {
        let piece = get(source, bytes.len() as u64, size).await?;
        if piece.is_empty() {
            return Err(broken(located(source, "it became shorter while it was read")));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

async fn get(source: &Source, start: u64, end: u64) -> Result<Bytes, Finding> {
    source.read(start, end).await.map_err(|error| unreadable(source, &error))
}

fn located(source: &Source, rule: impl std::fmt::Display) -> String {
    format!("{}/{}: {rule}", source.bucket, source.key)
}

fn broken(text: impl Into<String>) -> Finding {
    Finding::error("manifest", text)
}

pub(crate) fn unreadable(source: &Source, error: &StoreError) -> Finding {
    broken(located(source, format!("it cannot be read: {error}")))
}

/// Attributes of an object.
pub(crate) async fn head(source: &Source) -> Result<ObjectMeta, StoreError> {
    let source = source.clone();
    offload(
        source.store.execution(),
        async move { source.store.head(&source.bucket, &source.key, &source.version).await },
    )
    .await
}

/// Looks at the objects of rows, and at what is where their copies go; leaves out what it does not get to know in time.
/// A local store has to read a file to tell its ETag, and files can be large.
pub(crate) async fn look(core: &Core, spec: &JobSpec, rows: Vec<SampleRow>, time: Duration) -> Vec<Looked> {
    let until = Instant::now() + time;
    let target = spec.operation.copy().map(|copy| copy.target_bucket.clone());
    let looks = rows.into_iter().map(|row| {
        let target = target.clone();
        let look = async move {
            let version = row.version.clone().map_or(VersionSelector::Latest, VersionSelector::Id);
            let object = attributes(core, row.bucket.clone(), row.key.clone(), version).await;
            let target_exists = match (target, &row.target_key) {
                // Onto itself is another matter.
                (Some(bucket), Some(key)) if bucket != row.bucket || *key != row.key => {
                    match attributes(core, bucket, key.clone(), VersionSelector::Latest).await {
                        Ok(_) => Some(true),
                        Err(error) if error.kind() == ErrorKind::NoSuchKey => Some(false),
                        Err(_) => None,
                    }
                }
                _ => None,
            };
            Looked { row, object, target_exists }
        };
        tokio::time::timeout_at(until, look)
    });
    stream::iter(looks).buffered(LOOKS_AT_ONCE).filter_map(|looked| std::future::ready(looked.ok())).collect().await
}

async fn attributes(
    core: &Core,
    bucket: String,
    key: String,
    version: VersionSelector,
) -> Result<ObjectMeta, StoreError> {
    let store = core.buckets.store(&bucket);
    offload(store.execution(), async move { store.head(&bucket, &key, &version).await }).await
}

/// Whether a bucket is there.
pub(crate) async fn bucket_exists(core: &Core, bucket: &str) -> Result<bool, StoreError> {
    let (store, bucket) = (core.buckets.store(bucket), bucket.to_owned());
    offload(store.execution(), async move { store.bucket_exists(&bucket).await }).await
}

/// The manifest as it was prepared.
fn prepared(core: &Core, spec: &JobSpec, manifest: &PinnedManifest) -> Source {
    let pinned = manifest.version.clone().map_or_else(|| version(&spec.manifest), VersionSelector::Id);
    let store = core.buckets.store(&spec.manifest.bucket);
    Source::of_manifest(store, &spec.manifest, pinned, Some(manifest.pin.clone()))
}

/// Some rows of a job that was prepared; none if its manifest cannot be read now.
pub(crate) async fn sample(core: &Core, job: &JobRecord, manifest: &PinnedManifest) -> Vec<SampleRow> {
    let source = prepared(core, &job.spec, manifest);
    let mut survey = Survey::new(&job.spec, &job.tenant, &core.access);
    match read(&job.spec, &source, manifest.size, OUTLOOK_BYTES, &mut survey).await {
        Ok(_) => survey.sample(),
        Err(_) => Vec::new(),
    }
}

/// What confirming a job that was prepared will do.
pub(crate) async fn outlook(core: &Core, job: &JobRecord, manifest: &PinnedManifest, rows: u64) -> Outlook {
    let spec = &job.spec;
    let source = prepared(core, spec, manifest);
    let mut findings = checks::request(spec);
    let mut survey = Survey::new(spec, &job.tenant, &core.access);
    let mut bytes = None;
    let read = match &spec.manifest.format {
        ManifestFormat::Listed(_) => None,
        _ => Some(read(spec, &source, manifest.size, OUTLOOK_BYTES, &mut survey).await),
    };
    match read {
        // All of these objects were there just now.
        None => {}
        // What can be wrong with it was found before; if it cannot be read now, there is just less to tell.
        Some(Err(finding)) => findings.push(Finding { level: Level::Warning, ..finding }),
        Some(Ok(_)) => {
            findings.extend(survey.findings());
            let mut sample = checks::visible(survey.sample(), &core.access, &job.tenant);
            let step = sample.len().div_ceil(OUTLOOK_OBJECTS).max(1);
            let mut number = 0;
            sample.retain(|_| {
                number += 1;
                (number - 1) % step == 0
            });
            let looked = look(core, spec, sample, OUTLOOK_TIME).await;
            let sampled = checks::judge(spec, &looked);
            bytes = sampled.estimate(looked.len(), rows);
            findings.extend(sampled.findings);
        }
    }
    findings.retain(|finding| finding.level > Level::Ok);
    let summary =
        format!("{} ({})", checks::intention(spec, rows, &manifest.source_bucket), checks::effort(spec, rows, bytes));
    Outlook { summary, findings }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_opened_is_as_large_as_the_list_says_or_as_the_others_are() {
        let file = |size| DataFile { key: "k".to_owned(), size, md5: None };
        assert_eq!(with_rest(300, 3, &[file(Some(7)), file(None)]), 407);
        assert_eq!(with_rest(0, 0, &[file(None)]), 0);
        assert_eq!(with_rest(1, 1, &[file(Some(u64::MAX))]), u64::MAX);
        assert_eq!((scaled(10, 100, 50), scaled(10, 100, 0)), (20, 1000));
    }
}
