//! Ids of requests.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Makes ids like those of COS: Base64 of hexadecimal numbers with underscores between, the first of which is the time in
/// Unix seconds; then a number drawn once at the start, and a count.
pub(crate) struct RequestIds {
    start: u64,
    count: AtomicU32,
}

/// What names a request.
#[derive(Clone)]
pub(crate) struct Ids {
    pub(crate) request: String,
    /// What COS finds the request by in its own logs; here it says no more than the other.
    pub(crate) trace: String,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        // Without a source of randomness ids are still different within this process, which is what they are for.
        Self { start: getrandom::u64().unwrap_or_default(), count: AtomicU32::new(0) }
    }

    pub(crate) fn next(&self, now: i64) -> Ids {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let (high, low) = (self.start >> 32, self.start & 0xffff_ffff);
        let plain = format!("{now:08x}_{high:08x}_{low:08x}_{count:x}");
        Ids { trace: STANDARD.encode(format!("trace_{plain}")), request: STANDARD.encode(plain) }
    }
}
