//! A completion report as it was published.

use cos_batch_engine::{
    report::row::ReportRow,
    view::{ObjectName, TaskRow},
};
use md5::{Digest as _, Md5};
use serde::Deserialize;

use super::Sink;
use crate::{exit::Error, remote::Remote};

/// Most bytes of a report's manifest that are read: it then names some 500,000 files, of five billion tasks.
const MANIFEST_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Most bytes of one of its files. A shard has 10,000 rows, so that even the longest stay below.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What the manifest of a report says.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Published {
    results: Vec<ResultFile>,
}

#[derive(Deserialize)]
struct ResultFile {
    #[serde(rename = "TaskExecutionStatus")]
    status: String,
    #[serde(rename = "Bucket")]
    bucket: String,
    #[serde(rename = "Key")]
    key: String,
    #[serde(rename = "MD5Checksum")]
    md5: String,
}

impl Published {
    /// The report at this place, if it is there.
    pub(super) async fn find(remote: &Remote<'_>, place: &ObjectName) -> Result<Option<Self>, Error> {
        let Some(object) = remote.find(&place.bucket, &place.key).await? else { return Ok(None) };
        let body = remote.whole(&object, MANIFEST_BYTES_MAX).await?;
        let report = serde_json::from_slice(&body).map_err(|error| {
            Error::other(format!("{}/{} is not the manifest of a report: {error}", place.bucket, place.key))
        })?;
        Ok(Some(report))
    }

    pub(super) fn files(&self) -> u64 {
        self.results.len() as u64
    }

    /// Reads every file, and tells how many there are.
    pub(super) async fn verify(&self, remote: &Remote<'_>) -> Result<u64, Error> {
        for file in &self.results {
            file.read(remote).await?;
        }
        Ok(self.files())
    }

    /// Gives tasks to the sink; tells whether there are more than it takes, and how many files were read.
    pub(super) async fn tasks(
        &self,
        remote: &Remote<'_>,
        failed_only: bool,
        code: Option<&str>,
        sink: &mut Sink<'_>,
    ) -> Result<(bool, u64), Error> {
        let mut files = 0;
        for file in self.results.iter().filter(|file| !failed_only || file.status == "failed") {
            let text = file.read(remote).await?;
            files += 1;
            for line in text.lines() {
                let row = ReportRow::parse(line).ok_or_else(|| {
                    Error::other(format!("{}/{}: not a row of a report: {line}", file.bucket, file.key))
                })?;
                if code.is_none_or(|code| code == row.code) && !sink.take(TaskRow::from(&row))? {
                    return Ok((true, files));
                }
            }
        }
        Ok((false, files))
    }
}

impl ResultFile {
    /// The file's text, if it is the one that the manifest means.
    async fn read(&self, remote: &Remote<'_>) -> Result<String, Error> {
        let name = format!("{}/{}", self.bucket, self.key);
        let object = remote.find(&self.bucket, &self.key).await?;
        let object = object.ok_or_else(|| Error::other(format!("{name} is gone, though the report names it")))?;
        let body = remote.whole(&object, FILE_BYTES_MAX).await?;
        let md5 = Md5::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        if !md5.eq_ignore_ascii_case(&self.md5) {
            return Err(Error::other(format!(
                "{name} was changed after it was written: its MD5 is {md5}, the report says {}",
                self.md5
            )));
        }
        String::from_utf8(body).map_err(|_| Error::other(format!("{name} is not UTF-8")))
    }
}
