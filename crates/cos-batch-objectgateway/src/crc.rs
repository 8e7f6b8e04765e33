//! The checksum of COS: CRC-64 with the polynomial of ECMA-182, reflected, as in XZ.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crc::{CRC_64_XZ, Crc, Table};

use crate::limits::CHECKSUMS_KEPT;

static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

/// The polynomial, reflected: the lowest bit is that of the highest power.
const POLYNOMIAL: u64 = CRC_64_XZ.poly.reverse_bits();

/// One, as a polynomial in that form, and the eighth power of x: what a byte of zeros multiplies a checksum by.
const ONE: u64 = 1 << 63;
const BYTE: u64 = ONE >> 8;

/// A checksum in the making.
pub(crate) struct Checksum(crc::Digest<'static, u64, Table<16>>, u64);

/// The checksum of so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) crc: u64,
    pub(crate) size: u64,
}

impl Checksum {
    pub(crate) fn new() -> Self {
        Self(CRC64.digest(), 0)
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
        self.1 += bytes.len() as u64;
    }

    pub(crate) fn end(self) -> Sum {
        Sum { crc: self.0.finalize(), size: self.1 }
    }
}

/// The checksum of what these are the checksums of, one after the other.
pub(crate) fn join(sums: impl IntoIterator<Item = Sum>) -> Sum {
    let mut all = Sum { crc: 0, size: 0 };
    // Parts but for the last are of one size as a rule.
    let mut known = (0, ONE);
    for sum in sums {
        if known.0 != sum.size {
            known = (sum.size, power(sum.size));
        }
        // What stands before other bytes counts as often as if zeros came after it: as many as those bytes are.
        all = Sum { crc: product(known.1, all.crc) ^ sum.crc, size: all.size + sum.size };
    }
    all
}

/// What so many bytes of zeros multiply a checksum by.
fn power(mut bytes: u64) -> u64 {
    let (mut result, mut square) = (ONE, BYTE);
    while bytes > 0 {
        if bytes & 1 == 1 {
            result = product(square, result);
        }
        square = product(square, square);
        bytes >>= 1;
    }
    result
}

/// The product of two polynomials, modulo the polynomial of the checksum.
fn product(one: u64, mut other: u64) -> u64 {
    let mut result = 0;
    for bit in (0..u64::BITS).rev() {
        if one >> bit & 1 == 1 {
            result ^= other;
        }
        other = if other & 1 == 1 { other >> 1 ^ POLYNOMIAL } else { other >> 1 };
    }
    result
}

/// What an ETag says: an MD5, and of how many parts.
type Tag = ([u8; 16], u16);

/// Checksums of content that came through here, by its ETag, which is made of the content. Objects do not keep theirs; these
/// are the ones that came last.
#[derive(Default)]
pub(crate) struct Checksums(Mutex<[BTreeMap<Tag, Sum>; 2]>);

impl Checksums {
    pub(crate) fn note(&self, etag: &str, sum: Sum) {
        let Some(tag) = tag(etag) else { return };
        let mut ages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ages[0].len() >= CHECKSUMS_KEPT {
            ages[1] = std::mem::take(&mut ages[0]);
        }
        ages[0].insert(tag, sum);
    }

    pub(crate) fn of(&self, etag: &str) -> Option<Sum> {
        let tag = tag(etag)?;
        let ages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ages.iter().find_map(|sums| sums.get(&tag)).copied()
    }
}

/// An ETag as it is kept; none if it is not made of content.
fn tag(etag: &str) -> Option<Tag> {
    let (digest, parts) = match etag.split_once('-') {
        Some((digest, parts)) => (digest, parts.parse().ok()?),
        None => (etag, 0),
    };
    Some((md5_of(digest)?, parts))
}

/// The bytes of an MD5 that is written in hexadecimal.
pub(crate) fn md5_of(hex: &str) -> Option<[u8; 16]> {
    if hex.len() != 32 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(hex, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Sum {
        let mut checksum = Checksum::new();
        checksum.add(bytes);
        checksum.end()
    }

    #[test]
    fn known_values() {
        let mut checksum = Checksum::new();
        checksum.add(b"1234");
        checksum.add(b"56789");
        assert_eq!(checksum.end(), Sum { crc: 11_051_210_869_376_104_954, size: 9 });
        assert_eq!(of(b""), Sum { crc: 0, size: 0 });
    }

    #[test]
    fn parts_make_the_whole() {
        let bytes: Vec<u8> = (0..20_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
        for sizes in [&[20_000][..], &[0, 20_000, 0], &[1, 19_999], &[7000, 7000, 6000], &[1; 300], &[0, 0], &[]] {
            let mut start = 0;
            let parts: Vec<Sum> = sizes
                .iter()
                .map(|size| {
                    start += size;
                    of(&bytes[start - size..start])
                })
                .collect();
            assert_eq!(join(parts), of(&bytes[..start]), "{sizes:?}");
        }
        // Lengths that cannot be tried: twice so many zeros are as many, and as many again.
        assert_eq!(product(power(1 << 40), power(3 << 40)), power(4 << 40));
    }

    #[test]
    fn the_latest_are_known_by_their_content() {
        let sums = Checksums::default();
        let etag = |number: usize| format!("{number:032x}");
        let sum = |size: usize| Sum { crc: 1, size: size as u64 };
        for number in 0..CHECKSUMS_KEPT * 3 {
            sums.note(&etag(number), sum(number));
        }
        assert_eq!(sums.of(&etag(0)), None);
        for number in CHECKSUMS_KEPT * 2..CHECKSUMS_KEPT * 3 {
            assert_eq!(sums.of(&etag(number)), Some(sum(number)));
        }
        let parts = format!("{}-2", etag(0));
        sums.note(&parts, sum(7));
        assert_eq!((sums.of(&parts), sums.of(&format!("{}-3", etag(0)))), (Some(sum(7)), None));
        for odd in ["", "e", "0-1-2", "-1", &"g".repeat(32), &"é".repeat(16)] {
            sums.note(odd, sum(1));
            assert_eq!(sums.of(odd), None, "{odd}");
        }
    }
}
