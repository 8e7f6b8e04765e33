//! Ids of requests.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Makes ids like those of COS: Base64 of hexadecimal numbers with underscores between, the first of which is the
/// time in Unix seconds. Here the others are a number drawn once at the start, and a count.
pub(crate) struct RequestIds {
    start: u64,
    count: AtomicU32,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        // Without a source of randomness ids are still different within this process, which is what they are for.
        Self { start: getrandom::u64().unwrap_or_default(), count: AtomicU32::new(0) }
    }

    pub(crate) fn next(&self, now: i64) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let (high, low) = (self.start >> 32, self.start & 0xffff_ffff);
        STANDARD.encode(format!("{now:08x}_{high:08x}_{low:08x}_{count:x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_the_time_and_differ() {
        let ids = RequestIds { start: 0x0000_0011_0000_0022, count: AtomicU32::new(0x33) };
        let decode = |id: String| String::from_utf8(STANDARD.decode(id).unwrap()).unwrap();
        assert_eq!(decode(ids.next(0x6923_aabb)), "6923aabb_00000011_00000022_33");
        assert_eq!(decode(ids.next(0x6923_aabb)), "6923aabb_00000011_00000022_34");
        assert!(decode(ids.next(-1)).starts_with("ffffffffffffffff_"));
    }

    #[test]
    fn two_services_do_not_share_ids() {
        assert_ne!(RequestIds::new().next(1), RequestIds::new().next(1));
    }
}
