//! One file of a manifest, from its first byte to its last: decompressed, checked, cut.

use bytes::{Buf as _, Bytes, BytesMut};
use cos_batch_objectstore::{Pin, VersionSelector};
use md5::{Digest as _, Md5};

use super::{Context, Prepared, later, located, patiently, unfit, unreadable};
use crate::{
    manifest::{Coding, Columns, Cut, Indexer, Inflated, Inflater, Piece, Step, coding, records::BYTE_ORDER_MARK},
    report::spool::Spool,
    runtime::{offload::offload, source::Source},
    store::ShardSource,
};

/// Bytes of text decompressed at once.
const TEXT_BYTES: usize = 256 * 1024;

/// A file under way.
pub(super) struct File {
    context: Context,
    source: Source,
    /// What begins the codes of its failures.
    code: &'static str,
    size: u64,
    /// Next byte of the object to read.
    at: u64,
    /// Text that is not indexed yet.
    text: Bytes,
    /// No text follows.
    ended: bool,
    inflater: Option<Inflater>,
    indexer: Indexer,
    places: Places,
    md5: Option<Md5>,
}

/// Where the shards of a file have their rows.
pub(super) enum Places {
    /// In the manifest itself.
    Manifest,
    /// In this file of an inventory.
    File { key: String, pin: Pin },
    /// In the spool, where they are put as they come by.
    Spool(Spooling),
}

/// Text on its way into the spool.
pub(super) struct Spooling {
    /// What begins the names of its files.
    begin: String,
    /// Files of rows so far.
    written: u64,
    /// Text that belongs to no piece yet: at most a piece and what is decompressed at once.
    text: BytesMut,
    /// Byte of the text that it begins with.
    start: u64,
}

impl Spooling {
    pub(super) fn new(begin: String) -> Self {
        Self { begin, written: 0, text: BytesMut::new(), start: 0 }
    }
}

/// What was found in a file.
pub(super) enum Found {
    /// Rows for a shard.
    Shard(ShardSource, Piece),
    /// A row that names another bucket than the rows before it.
    OtherBucket(u64, String),
    /// Its end.
    End,
}

/// What a file is, told by its first bytes.
pub(super) async fn sniff(
    context: &Context,
    source: &Source,
    size: u64,
    code: &'static str,
) -> Result<Coding, Prepared> {
    let end = size.min(coding::SNIFF_BYTES as u64);
    let start = if end == 0 {
        Bytes::new()
    } else {
        patiently(&context.stop, || source.read(0, end)).await?.map_err(|error| unreadable(code, source, &error))?
    };
    coding::detect(&start).map_err(|wrong| unfit(&format!("{code}Malformed"), located(source, wrong)))
}

impl File {
    /// Begins with a file of `size` bytes.
    pub(super) fn new(
        context: &Context,
        source: Source,
        code: &'static str,
        size: u64,
        coding: Coding,
        columns: Columns,
        places: Places,
    ) -> Self {
        let cut = match (&places, coding) {
            (Places::File { .. }, Coding::Gzip) => super::share::FILE_CUT,
            _ => Cut::default(),
        };
        let indexer = Indexer::new(columns, cut, context.core.config.manifest_rows_max);
        Self {
            context: context.clone(),
            source,
            code,
            size,
            at: 0,
            text: Bytes::new(),
            ended: false,
            inflater: (coding == Coding::Gzip).then(Inflater::default),
            indexer,
            places,
            md5: None,
        }
    }

    /// All rows should name this bucket.
    pub(super) fn expecting(self, bucket: &str) -> Self {
        Self { indexer: self.indexer.expecting(bucket), ..self }
    }

    /// Works out the MD5 of the object's bytes as they pass.
    pub(super) fn with_md5(self) -> Self {
        Self { md5: Some(Md5::new()), ..self }
    }

    /// Rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.indexer.rows()
    }

    /// The bucket that rows should name.
    pub(super) fn source_bucket(&self) -> Option<&str> {
        self.indexer.source_bucket()
    }

    /// Lower-case hex, at the end; none: it was not asked for.
    pub(super) fn md5(&self) -> Option<String> {
        self.md5.clone().map(|md5| hex::encode(md5.finalize()))
    }

    /// What is wrong with the file.
    pub(super) fn malformed(&self, rule: impl std::fmt::Display) -> Prepared {
        unfit(&format!("{}Malformed", self.code), located(&self.source, rule))
    }

    /// Goes on to the next thing worth telling.
    pub(super) async fn next(&mut self) -> Result<Found, Prepared> {
        loop {
            let mut input = &self.text[..];
            let end = self.ended && input.is_empty();
            let step = self.indexer.step(&mut input, end);
            let used = self.text.len() - input.len();
            self.text.advance(used);
            match step.map_err(|error| self.malformed(error))? {
                Step::Piece(piece) => return Ok(Found::Shard(self.place(&piece).await?, piece)),
                Step::OtherBucket(record, bucket) => return Ok(Found::OtherBucket(record, bucket)),
                Step::End => return Ok(Found::End),
                Step::More if self.ended => {}
                Step::More => {
                    self.read().await?;
                    // Let others run: reading from memory never waits.
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Puts the next text where the indexer finds it.
    async fn read(&mut self) -> Result<(), Prepared> {
        if self.inflater.is_none() {
            self.text = self.read_object().await?;
            self.ended = self.text.is_empty();
            return Ok(());
        }
        let mut text = BytesMut::zeroed(TEXT_BYTES);
        let mut filled = 0;
        while filled < TEXT_BYTES
            && let Some(inflater) = &mut self.inflater
        {
            match inflater.read(&mut text[filled..]) {
                Ok(Inflated::Bytes(count)) => filled += count,
                Ok(Inflated::More) => {
                    let compressed = self.read_object().await?;
                    if let Some(inflater) = &mut self.inflater {
                        if compressed.is_empty() {
                            inflater.finish();
                        } else {
                            inflater.feed(compressed);
                        }
                    }
                }
                Ok(Inflated::End) => {
                    self.ended = true;
                    break;
                }
                Err(error) => {
                    return Err(unfit(&format!("{}NotDecompressible", self.code), located(&self.source, error)));
                }
            }
        }
        text.truncate(filled);
        if let Places::Spool(spooling) = &mut self.places {
            spooling.text.extend_from_slice(&text);
        }
        self.text = text.freeze();
        Ok(())
    }

    /// The next bytes of the object; none at its end.
    async fn read_object(&mut self) -> Result<Bytes, Prepared> {
        if self.at >= self.size {
            return Ok(Bytes::new());
        }
        let bytes = patiently(&self.context.stop, || self.source.read(self.at, self.size))
            .await?
            .map_err(|error| unreadable(self.code, &self.source, &error))?;
        if bytes.is_empty() {
            let reason = located(&self.source, "it became shorter while it was read");
            return Err(unfit(&format!("{}Changed", self.code), reason));
        }
        self.at += bytes.len() as u64;
        if let Some(md5) = &mut self.md5 {
            md5.update(&bytes);
        }
        Ok(bytes)
    }

    /// Where a piece is, after it was put there if need be.
    async fn place(&mut self, piece: &Piece) -> Result<ShardSource, Prepared> {
        let (start, end) = (piece.bytes.start, piece.bytes.end);
        match &mut self.places {
            Places::Manifest => Ok(ShardSource::Bytes { start, end }),
            Places::File { key, pin } => {
                let (key, pin, gzip) = (key.clone(), pin.clone(), self.inflater.is_some());
                let version = match &self.source.version {
                    VersionSelector::Latest => None,
                    VersionSelector::Id(id) => Some(id.clone()),
                };
                Ok(ShardSource::File { key, version, pin, gzip, start, end })
            }
            Places::Spool(spooling) => {
                // Before the first piece lies a header.
                let length = |to: u64| usize::try_from(to - spooling.start).unwrap_or(usize::MAX);
                let (header, whole) = (length(start), length(end));
                let mut body = spooling.text.split_to(whole.min(spooling.text.len())).freeze();
                body.advance(header.min(body.len()));
                if start == 0 && body.starts_with(BYTE_ORDER_MARK) {
                    body.advance(BYTE_ORDER_MARK.len());
                }
                spooling.start = end;
                let (context, bytes) = (&self.context, body.len() as u64);
                let name = Spool::rows_name(&spooling.begin, spooling.written);
                spooling.written += 1;
                let (spool, id, put_name) = (context.core.spool.clone(), context.job.id, name.clone());
                let write = async move { spool.write_file(id, &put_name, body).await };
                offload(context.core.spool.store().execution(), write)
                    .await
                    .map_err(|error| later("InternalError", format!("the spool could not be written: {error}")))?;
                Ok(ShardSource::Spooled { name, bytes })
            }
        }
    }
}
