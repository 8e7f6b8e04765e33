//! Content on its way into a bucket.

use std::io::Write;

use md5::{Digest, Md5};

use super::{bucket::Bucket, location::Location, temp::Temp};
use crate::{fail::Fail, rules};

/// A file being written, and the MD5 of what is in it.
pub(super) struct Incoming {
    temp: Temp,
    md5: Md5,
    size: u64,
}

impl Incoming {
    /// To become what is at `location`.
    pub(super) fn new(bucket: &Bucket, location: Option<&Location<'_>>) -> Result<Self, Fail> {
        Ok(Self { temp: Temp::for_location(bucket, location)?, md5: Md5::new(), size: 0 })
    }

    pub(super) fn write(&mut self, piece: &[u8]) -> Result<(), Fail> {
        self.size = self.size.saturating_add(piece.len() as u64);
        rules::check_put_size(self.size)?;
        self.temp.file.write_all(piece)?;
        self.md5.update(piece);
        Ok(())
    }

    /// The file, and the MD5 of its content.
    pub(super) fn end(self) -> (Temp, [u8; 16]) {
        (self.temp, self.md5.finalize().into())
    }
}
