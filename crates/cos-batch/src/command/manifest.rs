//! `cos-batch manifest`

mod filter;
mod inventory;
mod sink;

use std::{
    io::{self, BufRead, Write as _},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum};
use cos_batch_engine::{Clock as _, SystemClock};
use cos_batch_model::bucket_appid;
use serde::Serialize;
use tokio::time::Instant;

use self::{
    filter::{Filter, Found, age, size as size_of},
    inventory::Reader,
    sink::{Made, Sink},
};
use super::retry::{Place, place};
use crate::{
    connection::Connection,
    exit::{Error, Exit},
    output::{self, Terminal},
    remote::Remote,
    text::{clean, count, cut, size, things},
};

/// Most bytes of a line of the standard input: a bucket and the longest key, and room.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// How often progress is told.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// Make a manifest: the list of objects that a job works on.
///
/// Objects come from a bucket (--bucket, and filters), from an inventory (--inventory), or from the standard input
/// (--stdin): lines of BUCKET,KEY, or of keys alone with --bucket. The manifest goes to a file or into a bucket; what `cos-batch create` needs to know of it is
/// written to the standard output.
///
/// Needs a server that is `cos-batch serve`, but for --stdin with --out.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Manifest {
    /// Bucket whose objects are listed; with --stdin, the bucket of all keys
    #[arg(long, value_name = "BUCKET", required_unless_present_any = ["stdin", "inventory"])]
    bucket: Option<String>,
    /// An inventory's manifest.json: its current objects are listed, older versions and delete markers are left out
    #[arg(long, value_name = "BUCKET/KEY", value_parser = place, conflicts_with_all = ["bucket", "stdin"])]
    inventory: Option<Place>,
    /// Read objects from the standard input, one in a line
    #[arg(long, conflicts_with_all = ["larger", "smaller", "older", "newer", "storage_class"])]
    stdin: bool,
    #[command(flatten)]
    filters: Filters,
    /// File to write the manifest to, `-` for the standard output
    #[arg(long, value_name = "FILE", required_unless_present = "to", conflicts_with = "to")]
    out: Option<PathBuf>,
    /// Object to write the manifest to
    #[arg(long, value_name = "BUCKET/KEY", value_parser = place)]
    to: Option<Place>,
    /// Count what would be listed, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// How the result is written
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Result")]
    output: Format,
    #[command(flatten)]
    pub(super) connection: Connection,
}

/// Which objects.
#[derive(Args, Debug)]
#[command(next_help_heading = "Filters")]
struct Filters {
    /// Only keys that begin with this
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,
    /// Only keys that end with this
    #[arg(long, value_name = "SUFFIX")]
    suffix: Option<String>,
    /// Only keys that are like this: * stands for anything, ? for one character
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
    /// Only objects of more bytes; such as 5000, 64K, 10M, 2G
    #[arg(long, value_name = "SIZE", value_parser = size_of)]
    larger: Option<u64>,
    /// Only objects of fewer bytes
    #[arg(long, value_name = "SIZE", value_parser = size_of)]
    smaller: Option<u64>,
    /// Only objects last changed before this: a time such as 2026-01-31T12:00:00Z, or an age such as 30d, 12h, 90m
    #[arg(long, value_name = "TIME")]
    older: Option<String>,
    /// Only objects last changed after this
    #[arg(long, value_name = "TIME")]
    newer: Option<String>,
    /// Only objects of this storage class, such as ARCHIVE; may be given several times
    #[arg(long, value_name = "CLASS")]
    storage_class: Vec<String>,
}

/// How the result is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
}

const EXAMPLES: &str = "Examples:
  Everything below a prefix, into the same bucket:
    cos-batch manifest --bucket photos-1250000000 --prefix 2025/ --to photos-1250000000/lists/2025.csv

  Large files that nobody has touched for a year, into a file:
    cos-batch manifest --bucket photos-1250000000 --larger 100M --older 365d --out old.csv

  Keys that another program finds:
    find . -name '*.jpg' -printf '%P\\n' | cos-batch manifest --stdin --bucket photos-1250000000 --out all.csv";

/// What CreateJob needs.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(rename = "ETag")]
    etag: &'a str,
    fields: [&'static str; 2],
    rows: u64,
    bytes: u64,
    /// Of all objects together, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    object_bytes: Option<u64>,
}

impl Manifest {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let filter = self.filters.build()?;
        // A list in a file needs no server.
        let client = if self.stdin && self.out.is_some() { None } else { Some(self.connection.client()?) };
        let remote = client.as_ref().map(|client| Remote::new(client, &self.connection, "lists of objects"));
        let sink = match (&self.out, &self.to, &remote) {
            _ if self.dry_run => Sink::nowhere(),
            (Some(path), ..) if path.as_os_str() == "-" => Sink::stdout(),
            (Some(path), ..) => Sink::file(path)?,
            (None, Some(place), Some(remote)) => Sink::object(remote, &place.bucket, &place.key),
            _ => return Err(Error::usage("--to needs a server")),
        };
        let mut work = Work { filter, sink, objects: 0, object_bytes: None, told: Instant::now() };
        let filled = match (&self.bucket, &remote) {
            (None, Some(remote)) if self.inventory.is_some() => work.inventory(remote, self.inventory.as_ref()).await,
            (bucket, _) if self.stdin => work.read(io::stdin().lock(), bucket.as_deref()).await,
            (Some(bucket), Some(remote)) => work.list(remote, bucket, &self.filters.prefix).await,
            _ => return Err(Error::usage("--bucket is missing")),
        };
        if let Err(error) = filled {
            work.sink.abandon().await;
            return Err(error);
        }
        let object_bytes = work.object_bytes;
        let made = work.sink.finish().await?;
        self.show(&made, object_bytes, terminal)?;
        Ok(Exit::Ok)
    }

    fn show(&self, made: &Made, object_bytes: Option<u64>, terminal: &mut Terminal) -> Result<(), Error> {
        let Made { etag, rows, bytes } = made;
        let document = Document {
            bucket: self.to.as_ref().map(|place| place.bucket.as_str()),
            key: self.to.as_ref().map(|place| place.key.as_str()),
            etag,
            fields: ["Bucket", "Key"],
            rows: *rows,
            bytes: *bytes,
            object_bytes,
        };
        // The standard output may be the manifest itself.
        let to_stdout = self.out.as_ref().is_some_and(|path| path.as_os_str() == "-");
        let text = match self.output {
            Format::Json if !to_stdout => return output::json(terminal, &document),
            Format::Json => serde_json::to_string_pretty(&document).map_err(Error::other)?,
            Format::Table => {
                let mut lines = Vec::new();
                let place = self.to.as_ref().map(|place| format!("{}/{}", place.bucket, place.key));
                if let Some(place) = &place {
                    lines.push(format!("Manifest  {}", clean(place)));
                }
                lines.push(format!("ETag      {etag}"));
                lines.push("Fields    Bucket,Key".to_owned());
                let of = object_bytes.map_or_else(String::new, |bytes| format!(", of objects with {}", size(bytes)));
                lines.push(format!("Rows      {}{of}", count(*rows)));
                lines.push(format!("Size      {}", size(*bytes)));
                lines.join("\n")
            }
        };
        if to_stdout {
            // With the error output gone there is nobody to be told.
            let _ = writeln!(io::stderr().lock(), "{text}");
        } else {
            terminal.line(&text)?;
        }
        if self.output == Format::Table && !self.dry_run {
            let place = match &self.to {
                Some(place) => clean(&format!("{}/{}", place.bucket, place.key)).into_owned(),
                None => "BUCKET/KEY".to_owned(),
            };
            let put = if self.to.is_none() { " (once it is in a bucket)" } else { "" };
            // COS Batch names a bucket with its APPID; one of another name is for jobs of S3 Control.
            let next = match &self.to {
                Some(place) if bucket_appid(&place.bucket).is_none() => format!(
                    "next: a job of S3 Control; the jobs of create want a bucket named NAME-APPID, which {} is not",
                    clean(&place.bucket)
                ),
                _ => format!("next{put}: cos-batch create --manifest {place} \\\n  --etag {etag} --operation ..."),
            };
            // With the error output gone there is nobody to be told.
            let _ = writeln!(io::stderr().lock(), "{next}");
        }
        Ok(())
    }
}

impl Filters {
    fn build(&self) -> Result<Filter, Error> {
        let now = SystemClock.now() / 1000;
        let time = |flag: &str, text: &Option<String>| {
            text.as_deref()
                .map(|text| age(text, now).map_err(|rule| Error::usage(format!("--{flag} {text}: {rule}"))))
                .transpose()
        };
        Ok(Filter {
            prefix: self.prefix.clone(),
            suffix: self.suffix.clone(),
            name: self.name.clone(),
            larger: self.larger,
            smaller: self.smaller,
            older: time("older", &self.older)?,
            newer: time("newer", &self.newer)?,
            classes: self.storage_class.clone(),
        })
    }
}

/// Whether some store may have a bucket of this name. Old ones of S3 are the longest, and may have capitals and `_`.
fn is_bucket_name(name: &str) -> bool {
    (1..=255).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

/// A manifest in the making.
struct Work<'a> {
    filter: Filter,
    sink: Sink<'a>,
    /// Objects that were looked at.
    objects: u64,
    object_bytes: Option<u64>,
    told: Instant,
}

impl Work<'_> {
    async fn list(&mut self, remote: &Remote<'_>, bucket: &str, prefix: &str) -> Result<(), Error> {
        let mut after: Option<String> = None;
        self.object_bytes = Some(0);
        loop {
            let page = remote.list(bucket, prefix, after.as_deref()).await?;
            for object in page.objects {
                let found = Found {
                    key: &object.key,
                    size: Some(object.size),
                    last_modified: Some(object.last_modified),
                    storage_class: Some(&object.storage_class),
                };
                self.objects += 1;
                if self.filter.admits(&found) {
                    self.object_bytes = self.object_bytes.map(|sum| sum.saturating_add(object.size));
                    self.sink.row(bucket, &object.key).await?;
                }
            }
            self.tell();
            match page.next {
                // A server that stands still is not followed for ever.
                Some(next) if after.as_ref().is_none_or(|after| *after < next) => after = Some(next),
                Some(_) => return Err(Error::other("the server lists the same objects over and over")),
                None => return Ok(()),
            }
        }
    }

    async fn inventory(&mut self, remote: &Remote<'_>, place: Option<&Place>) -> Result<(), Error> {
        let Some(place) = place else { return Ok(()) };
        let mut reader = Reader::open(remote, &place.bucket, &place.key).await?;
        let bucket = reader.source_bucket().to_owned();
        let mut bytes = 0_u64;
        while let Some(found) = reader.next().await? {
            for object in found {
                let found = Found {
                    key: &object.key,
                    size: object.size,
                    last_modified: object.last_modified,
                    storage_class: object.storage_class.as_deref(),
                };
                self.objects += 1;
                if self.filter.admits(&found) {
                    bytes = bytes.saturating_add(object.size.unwrap_or(0));
                    self.object_bytes = object.size.map(|_| bytes);
                    self.sink.row(&bucket, &object.key).await?;
                }
            }
            self.tell();
        }
        if reader.left_out() > 0 {
            let left_out =
                things(reader.left_out(), "older version or delete marker", "older versions and delete markers");
            // With the error output gone there is nobody to be told.
            let _ = writeln!(io::stderr().lock(), "{left_out} left out");
        }
        Ok(())
    }

    async fn read(&mut self, mut input: impl BufRead, bucket: Option<&str>) -> Result<(), Error> {
        let mut number = 0_u64;
        let mut line = Vec::new();
        loop {
            line.clear();
            number += 1;
            let wrong = |rule: &str| Error::usage(format!("standard input, line {number}: {rule}"));
            // One byte more than a line may have tells that it has too many.
            let read = io::Read::take(&mut input, LINE_BYTES_MAX + 1).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(());
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            } else if line.len() as u64 > LINE_BYTES_MAX {
                return Err(wrong("it is longer than 65536 bytes"));
            }
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            let text = std::str::from_utf8(&line).map_err(|_| wrong("it is not UTF-8"))?;
            if text.is_empty() {
                continue;
            }
            let (bucket, key) = match bucket {
                Some(bucket) => (bucket, text),
                None => text.split_once(',').ok_or_else(|| wrong("write BUCKET,KEY, or give --bucket"))?,
            };
            let bucket = bucket.trim_matches(' ');
            if bucket.is_empty() || key.is_empty() {
                return Err(wrong("the bucket or the key is empty"));
            }
            if !is_bucket_name(bucket) {
                let rule = "a bucket's name has up to 255 ASCII letters, digits, `.`, `-` and `_`";
                return Err(wrong(&format!("{rule}, not {:?}", cut(bucket, 64))));
            }
            self.objects += 1;
            if self.filter.admits(&Found { key, size: None, last_modified: None, storage_class: None }) {
                self.sink.row(bucket, key).await?;
            }
            self.tell();
        }
    }

    /// Says from time to time how far it is.
    fn tell(&mut self) {
        if self.told.elapsed() >= PROGRESS_INTERVAL {
            self.told = Instant::now();
            let objects = things(self.objects, "object", "objects");
            // With the error output gone there is nobody to be told.
            let _ = writeln!(io::stderr().lock(), "{objects} looked at, {} in the list", count(self.sink.rows()));
        }
    }
}
