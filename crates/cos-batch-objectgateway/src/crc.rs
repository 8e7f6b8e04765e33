//! The checksum of COS: CRC-64 with the polynomial of ECMA-182, reflected, as in XZ.

use crc::{CRC_64_XZ, Crc, Table};

static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

/// A checksum in the making.
pub(crate) struct Checksum(crc::Digest<'static, u64, Table<16>>);

impl Checksum {
    pub(crate) fn new() -> Self {
        Self(CRC64.digest())
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// As the header `x-cos-hash-crc64ecma` has it.
    pub(crate) fn end(self) -> String {
        self.0.finalize().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let of = |text: &str| {
            let mut checksum = Checksum::new();
            let (one, two) = text.split_at(text.len() / 2);
            checksum.add(one.as_bytes());
            checksum.add(two.as_bytes());
            checksum.end()
        };
        assert_eq!(of("123456789"), "11051210869376104954");
        assert_eq!(of(""), "0");
    }
}
