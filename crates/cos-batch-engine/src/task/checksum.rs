//! Checksums of objects' contents.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use cos_batch_objectstore::{ErrorKind, GetRequest, ObjectStore, StoreError};
use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, CRC_64_NVME, Crc, Table};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::{Outcome, Task};
use crate::spec::ChecksumAlgorithm;

/// Bytes that are read at once. As many pieces are in memory as operations are under way, and one is worked on without a
/// pause, for some milliseconds.
const PIECE_BYTES: u64 = 1024 * 1024;

/// Tables for sixteen bytes at a time.
type Wide = Table<16>;

static CRC32: Crc<u32, Wide> = Crc::<u32, Wide>::new(&CRC_32_ISO_HDLC);
static CRC32C: Crc<u32, Wide> = Crc::<u32, Wide>::new(&CRC_32_ISCSI);
static CRC64_NVME: Crc<u64, Wide> = Crc::<u64, Wide>::new(&CRC_64_NVME);

/// A checksum of what was seen so far.
enum Running {
    Crc32(crc::Digest<'static, u32, Wide>),
    Crc64(crc::Digest<'static, u64, Wide>),
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Running {
    fn new(algorithm: ChecksumAlgorithm) -> Self {
        match algorithm {
            ChecksumAlgorithm::Crc32 => Self::Crc32(CRC32.digest()),
            ChecksumAlgorithm::Crc32c => Self::Crc32(CRC32C.digest()),
            ChecksumAlgorithm::Crc64Nvme => Self::Crc64(CRC64_NVME.digest()),
            ChecksumAlgorithm::Md5 => Self::Md5(Md5::new()),
            ChecksumAlgorithm::Sha1 => Self::Sha1(Sha1::new()),
            ChecksumAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            ChecksumAlgorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    fn update(&mut self, piece: &Bytes) {
        match self {
            Self::Crc32(running) => running.update(piece),
            Self::Crc64(running) => running.update(piece),
            Self::Md5(running) => running.update(piece),
            Self::Sha1(running) => running.update(piece),
            Self::Sha256(running) => running.update(piece),
            Self::Sha512(running) => running.update(piece),
        }
    }

    /// The bytes of the checksum, the most significant first.
    fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc32(running) => running.finalize().to_be_bytes().to_vec(),
            Self::Crc64(running) => running.finalize().to_be_bytes().to_vec(),
            Self::Md5(running) => running.finalize().to_vec(),
            Self::Sha1(running) => running.finalize().to_vec(),
            Self::Sha256(running) => running.finalize().to_vec(),
            Self::Sha512(running) => running.finalize().to_vec(),
        }
    }
}

/// The checksum of an object's whole content, which is read piece by piece; of one content, whoever writes meanwhile.
pub(super) async fn compute(
    store: &dyn ObjectStore,
    task: &Task,
    algorithm: ChecksumAlgorithm,
) -> Result<Outcome, StoreError> {
    let (bucket, key, version) = (&*task.bucket, task.key.as_str(), &task.version);
    let object = store.head(bucket, key, version).await?;
    let mut running = Running::new(algorithm);
    let mut at = 0;
    while at < object.size {
        let range = at..object.size.min(at + PIECE_BYTES);
        let piece = store.get_range(GetRequest { bucket, key, version, range, pin: Some(&object.pin) }).await?;
        if piece.is_empty() {
            // A checksum of a part of it would look as right as any.
            let reason = format!("the store gave nothing of the object from byte {at} on, of {}", object.size);
            return Err(StoreError::new(ErrorKind::InternalError, reason));
        }
        running.update(&piece);
        at += piece.len() as u64;
        // Others of this thread have their turn, and whoever wants this to end is heard.
        tokio::task::yield_now().await;
    }
    Ok(Outcome::success(200).telling(told(algorithm, &object.etag, &running.finish())))
}

/// What the report says of a checksum: members and their order as in the reports of S3.
fn told(algorithm: ChecksumAlgorithm, etag: &str, checksum: &[u8]) -> String {
    let etag = serde_json::Value::from(etag);
    format!(
        r#"{{"checksum_base64":"{}","etag":{etag},"checksumAlgorithm":"{}","checksumType":"FULL_OBJECT","checksum_hex":"{}"}}"#,
        BASE64_STANDARD.encode(checksum),
        algorithm.name(),
        hex::encode_upper(checksum),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogue of CRCs, of RFC 1321, and of FIPS 180-4 for the same text.
    #[test]
    fn published_values() {
        for (algorithm, expected) in [
            (ChecksumAlgorithm::Crc32, "cbf43926"),
            (ChecksumAlgorithm::Crc32c, "e3069283"),
            (ChecksumAlgorithm::Crc64Nvme, "ae8b14860a799888"),
            (ChecksumAlgorithm::Md5, "25f9e794323b453885f5181f1b624d0b"),
            (ChecksumAlgorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (ChecksumAlgorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
            (
                ChecksumAlgorithm::Sha512,
                "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d4\
                 99c95455b6b5bb503acf574fba8ffe85",
            ),
        ] {
            let mut running = Running::new(algorithm);
            running.update(&Bytes::from_static(b"12345"));
            running.update(&Bytes::from_static(b"6789"));
            assert_eq!(hex::encode(running.finish()), expected, "{algorithm:?}");
            assert_eq!(ChecksumAlgorithm::of_name(algorithm.name()), Some(algorithm));
        }
    }

    #[test]
    fn what_is_told_is_json() {
        let text = told(ChecksumAlgorithm::Crc32c, "a\"b", &[0x6d, 0x2f, 0x53, 0x39]);
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        let expected = serde_json::json!({
            "checksum_base64": "bS9TOQ==", "etag": "a\"b", "checksumAlgorithm": "CRC32C", "checksumType": "FULL_OBJECT",
            "checksum_hex": "6D2F5339",
        });
        assert_eq!(read, expected);
    }
}
