//! Where a manifest goes, row by row.

use std::{
    fs::{self, File, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use bytes::BytesMut;
use cos_batch_engine::{report::row, view::PartName};
use md5::{Digest as _, Md5};
use tempfile::TempPath;

use crate::{exit::Error, remote::Remote};

/// Bytes of a part of an upload, the least that S3 takes for one. Up to so many are sent in one request.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// Most parts of an object, in COS and S3; a manifest has at most 50 GB then.
const PARTS_MAX: usize = 10_000;

/// Mode of a new file, of which the process's mask takes its part: a list of objects is no secret.
const MODE: u32 = 0o666;

/// A manifest in the making.
pub(super) struct Sink<'a> {
    rows: u64,
    bytes: u64,
    target: Target<'a>,
}

enum Target<'a> {
    File(Box<Written>),
    Object(Box<Upload<'a>>),
}

/// A file in the making, or what is written to like one.
struct Written {
    writer: BufWriter<Box<dyn Write>>,
    md5: Md5,
    /// Where it is until it is whole, and its name from then on; none for what is no file.
    unfinished: Option<(TempPath, PathBuf)>,
    /// For errors.
    name: String,
}

struct Upload<'a> {
    remote: &'a Remote<'a>,
    bucket: String,
    key: String,
    buffer: BytesMut,
    id: Option<String>,
    parts: Vec<PartName>,
}

/// A manifest that is there.
pub(super) struct Made {
    pub(super) etag: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

impl<'a> Sink<'a> {
    pub(super) fn stdout() -> Self {
        Self::written(Box::new(io::stdout()), "the standard output")
    }

    pub(super) fn nowhere() -> Self {
        Self::written(Box::new(io::sink()), "nothing")
    }

    /// A file that has its name only once it is whole: until then, what had that name before stays.
    pub(super) fn file(path: &Path) -> Result<Self, Error> {
        let name = format!("--out {}", path.display());
        let failed = |error: io::Error| Error::usage(format!("{name}: {error}"));
        // Through links, so that they stay.
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let is_file = fs::metadata(&place).map_or(true, |about| about.is_file());
        if !is_file {
            // A pipe or a terminal, and what cannot be written to at all.
            let file = File::options().write(true).open(&place).map_err(failed)?;
            return Ok(Self::written(Box::new(file), &name));
        }
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Asked first: the name of a temporary file says nothing to anybody.
        fs::metadata(folder).map_err(failed)?;
        let mut beginning = place.file_name().unwrap_or_default().to_owned();
        beginning.push(".");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&beginning).suffix(".unfinished").permissions(Permissions::from_mode(MODE));
        let (file, unfinished) = builder.tempfile_in(folder).map_err(failed)?.into_parts();
        let mut sink = Self::written(Box::new(file), &name);
        if let Target::File(written) = &mut sink.target {
            written.unfinished = Some((unfinished, place));
        }
        Ok(sink)
    }

    fn written(writer: Box<dyn Write>, name: &str) -> Self {
        let writer = BufWriter::new(writer);
        let name = name.to_owned();
        Self::to(Target::File(Box::new(Written { writer, md5: Md5::new(), unfinished: None, name })))
    }

    pub(super) fn object(remote: &'a Remote<'a>, bucket: &str, key: &str) -> Self {
        Self::to(Target::Object(Box::new(Upload {
            remote,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            buffer: BytesMut::new(),
            id: None,
            parts: Vec::new(),
        })))
    }

    fn to(target: Target<'a>) -> Self {
        Self { rows: 0, bytes: 0, target }
    }

    /// Rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds a row.
    pub(super) async fn row(&mut self, bucket: &str, key: &str) -> Result<(), Error> {
        let line = format!("{bucket},{}\n", row::encode_key(key));
        self.rows += 1;
        self.bytes += line.len() as u64;
        match &mut self.target {
            Target::File(written) => {
                written.md5.update(line.as_bytes());
                written.writer.write_all(line.as_bytes()).map_err(|error| named(error, &written.name))
            }
            Target::Object(upload) => upload.add(line.as_bytes()).await,
        }
    }

    /// Ends the manifest.
    pub(super) async fn finish(self) -> Result<Made, Error> {
        let Self { rows, bytes, target } = self;
        let etag = match target {
            Target::File(written) => {
                let Written { mut writer, md5, unfinished, name } = *written;
                writer.flush().map_err(|error| named(error, &name))?;
                if let Some((unfinished, place)) = unfinished {
                    unfinished.persist(place).map_err(|error| named(error.error, &name))?;
                }
                md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
            }
            Target::Object(upload) => upload.finish().await?,
        };
        Ok(Made { etag, rows, bytes })
    }

    /// Drops what was sent or written.
    pub(super) async fn abandon(self) {
        if let Target::Object(upload) = self.target {
            upload.abandon().await;
        }
    }
}

/// An error with what could not be written.
fn named(error: io::Error, name: &str) -> Error {
    Error::from(error).while_doing(name)
}

impl Upload<'_> {
    async fn add(&mut self, line: &[u8]) -> Result<(), Error> {
        self.buffer.extend_from_slice(line);
        // One byte more than a part: the last part is not empty.
        if self.buffer.len() > PART_BYTES {
            self.part(PART_BYTES).await?;
        }
        Ok(())
    }

    async fn part(&mut self, bytes: usize) -> Result<(), Error> {
        if self.parts.len() == PARTS_MAX {
            return Err(Error::other("a manifest in a bucket has at most 50 GB: use --out"));
        }
        let id = match &self.id {
            Some(id) => id.clone(),
            None => {
                let id = self.remote.begin_upload(&self.bucket, &self.key).await?;
                self.id.insert(id).clone()
            }
        };
        let number = u16::try_from(self.parts.len() + 1).unwrap_or(u16::MAX);
        let body = self.buffer.split_to(bytes).freeze();
        let written = self.remote.upload_part((&self.bucket, &self.key, &id), number, body).await?;
        self.parts.push(PartName { number, etag: written.etag });
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<String, Error> {
        if self.id.is_none() {
            let body = self.buffer.split().freeze();
            return Ok(self.remote.write(&self.bucket, &self.key, body).await?.etag);
        }
        let rest = self.buffer.len();
        let result = match self.part(rest).await {
            Ok(()) => {
                let id = self.id.clone().unwrap_or_default();
                self.remote.complete_upload((&self.bucket, &self.key, &id), &self.parts).await
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(written) => Ok(written.etag),
            Err(error) => {
                self.abandon().await;
                Err(error)
            }
        }
    }

    async fn abandon(self: Box<Self>) {
        if let Some(id) = &self.id {
            // That it cannot be dropped is no further error: there is one to tell already.
            let _ = self.remote.abort_upload((&self.bucket, &self.key, id)).await;
        }
    }
}
