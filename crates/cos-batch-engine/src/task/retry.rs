//! Which failures are tried again, how often and for how long: one table.
//!
//! `docs/retries.md` is written from it ([`document`]).

mod document;

use std::time::Duration;

use cos_batch_objectstore::{ErrorKind, StoreError};

pub use self::document::document;

/// What a failure means for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Another try would end the same way.
    Permanent,
    /// May go away by itself at once. Where it does not, it is something about this object: a few tries must do.
    Transient,
    /// The store asks for fewer requests. It will take them, so time decides and not a number of tries.
    Throttled,
    /// The store cannot be reached. Nothing about this object, so time decides here too.
    Unreachable,
}

impl Class {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Permanent, Self::Transient, Self::Throttled, Self::Unreachable];

    /// Its name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
        }
    }
}

/// A code and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Code of an error answer.
    pub code: &'static str,
    /// Its class.
    pub class: Class,
    /// Why.
    pub because: &'static str,
}

const fn rule(code: &'static str, class: Class, because: &'static str) -> Rule {
    Rule { code, class, because }
}

/// All codes that are worth another try, and a few that look as if they were. In the order of their names.
pub const TABLE: &[Rule] = &[
    rule("BadDigest", Class::Transient, "the body did not arrive as it was sent"),
    rule("BandwidthLimitExceeded", Class::Throttled, "the store's own limit on traffic"),
    rule("ConditionalRequestConflict", Class::Transient, "somebody else writes the same key this very moment (S3)"),
    rule("EntitySizeNotMatch", Class::Transient, "the body did not arrive whole (COS)"),
    rule(
        "GlacierExpeditedRetrievalNotAvailable",
        Class::Throttled,
        "the store has no room for a quick restore just now (S3)",
    ),
    rule("IncompleteBody", Class::Transient, "the body did not arrive whole"),
    rule(
        "InsufficientStorage",
        Class::Permanent,
        "no room is left; somebody has to make some, and the shard waits for that",
    ),
    rule("InternalError", Class::Transient, "the store's own fault; also inside an answer that began with 200"),
    rule("KMS.ThrottlingException", Class::Throttled, "the key service asks for fewer requests (S3)"),
    rule("KmsFreqControl", Class::Throttled, "the key service asks for fewer requests (COS)"),
    rule("KmsInternalException", Class::Transient, "a fault of the key service (COS)"),
    rule("NoFreeConnection", Class::Unreachable, "our own connections to the store were all taken; nothing was sent"),
    rule("OperationAborted", Class::Transient, "another operation on the same object was under way (S3)"),
    rule("PathConflict", Class::Transient, "somebody else works on the same key this very moment (COS)"),
    rule("RequestLimitExceeded", Class::Throttled, "the store's own limit on requests"),
    rule("RequestThrottled", Class::Throttled, "the store's own limit on requests"),
    rule("RequestTimeTooSkewed", Class::Permanent, "this machine's clock is wrong, and will be at the next try"),
    rule("RequestTimeout", Class::Unreachable, "the request did not arrive in time"),
    rule("ServerBusy", Class::Throttled, "the store has too much to do"),
    rule("ServiceUnavailable", Class::Throttled, "the store has too much to do, or is being restarted"),
    rule("SlowDown", Class::Throttled, "the store asks for fewer requests"),
    rule("SlowDownRead", Class::Throttled, "the store asks for fewer reads (MinIO)"),
    rule("SlowDownWrite", Class::Throttled, "the store asks for fewer writes (MinIO)"),
    rule("TemporaryFailure", Class::Transient, "a function, or a kind of a server's own, says that it passes"),
    rule("Throttling", Class::Throttled, "the store asks for fewer requests"),
    rule("ThrottlingException", Class::Throttled, "the store asks for fewer requests"),
    rule("TooManyRequests", Class::Throttled, "the store asks for fewer requests"),
    rule("Unreachable", Class::Unreachable, "no answer came; whether the operation was done is not known"),
    rule("UploadConflict", Class::Transient, "somebody else writes the same key this very moment (COS)"),
    rule("XAmzContentSHA256Mismatch", Class::Transient, "the body did not arrive as it was sent (S3)"),
];

/// Tries of one task that fail in a [`Class::Transient`] way, the last included. With the waits below they take five
/// seconds: a row that fails for good must not hold up its shard's checkpoints for long.
pub const TRIES_MAX: u32 = 8;

/// A task that has spent so long on its tries and the waits between them is not tried again for any reason, so that no row
/// holds up its shard for longer. Of each try at most [`TRY_TIME_MAX`] counts.
pub const ROW_TIME_MAX: Duration = Duration::from_secs(60);

/// So much of the time of one try counts against [`ROW_TIME_MAX`]. A store that answers with an error does so sooner. What is
/// beyond is a store that does not answer, or this process standing still (a suspended machine): time in which nobody could try
/// is no reason to give a row up.
pub const TRY_TIME_MAX: Duration = Duration::from_secs(10);

/// Yet so many tries each task has, however long each of them takes and whatever waits the store asks for.
pub const TRIES_MIN: u32 = 3;

/// Wait before the second try; it doubles for each further one. From half of it to all of it: many rows that failed
/// together must not come back together.
pub const WAIT_FIRST: Duration = Duration::from_millis(50);

/// Longest wait between two tries.
pub const WAIT_MAX: Duration = Duration::from_secs(2);

/// The same where the store asked for fewer requests.
pub const THROTTLED_WAIT_FIRST: Duration = Duration::from_millis(200);

/// The same where the store asked for fewer requests.
pub const THROTTLED_WAIT_MAX: Duration = Duration::from_secs(5);

/// Longest wait that a store can ask for (`Retry-After`): one that asks for an hour must not hold a shard for an hour.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// What is no task (reading a manifest, writing a report) is not tried again at once so long after its first try: the piece
/// of work it belongs to is put back, and begins anew later. Long, for what is begun anew may have read much already.
pub const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Rest of a piece of work after its first trouble; it doubles.
pub const REST_FIRST: Duration = Duration::from_secs(1);

/// Longest rest, where [few](REST_EACH) pieces of work are in trouble. An operator who has made room, or mended something, looks
/// whether it helps, and does so for seconds.
pub const REST_MAX: Duration = Duration::from_secs(10);

/// Where many pieces of work of a process are in trouble, so long for each of them is the longest rest, up to [`REST_MANY_MAX`]: a
/// store that is full or gone, and the job store, are asked by no more than twenty of them in a second. Two hundred make
/// [`REST_MAX`].
pub const REST_EACH: Duration = Duration::from_millis(50);

/// Longest rest at all.
pub const REST_MANY_MAX: Duration = Duration::from_secs(5 * 60);

/// The class of a failure: by its code, else by its HTTP status.
#[must_use]
pub fn classify(error: &StoreError) -> Class {
    class_of(&error.code(), error.status())
}

/// The class of a code and an HTTP status.
#[must_use]
pub fn class_of(code: &str, status: u16) -> Class {
    match TABLE.binary_search_by(|rule| rule.code.cmp(code)) {
        Ok(place) => TABLE[place].class,
        // A refusal that the stores know by its code stays one, whatever status it comes with.
        Err(_) if ErrorKind::of_code(code).is_some_and(|kind| !kind.is_transient()) => Class::Permanent,
        Err(_) => match status {
            408 => Class::Transient,
            429 | 503 => Class::Throttled,
            // 501 and 505 say what the store cannot do, 507 that it is full.
            501 | 505 | 507 => Class::Permanent,
            500.. => Class::Transient,
            _ => Class::Permanent,
        },
    }
}

/// The failed tries of one task.
#[derive(Clone, Copy, Debug)]
pub struct Tries {
    /// Tries so far.
    pub count: u32,
    transient: u32,
    /// On tries, as far as it counts, and on the waits between them.
    spent: Duration,
    seed: u64,
    /// No number of failures is too many before this time is over.
    lasting: Option<Duration>,
}

impl Tries {
    /// None yet. The seed tells tasks apart, so that they do not wait for the same time.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { count: 0, transient: 0, spent: Duration::ZERO, seed, lasting: None }
    }

    /// None yet of something that is not a task: it is tried for so long in place of the limits above, and waits up to
    /// [`THROTTLED_WAIT_MAX`].
    #[must_use]
    pub fn lasting(time: Duration) -> Self {
        Self { lasting: Some(time), ..Self::new(0) }
    }

    /// Something that shows the store at work happened so long ago: what was spent before does not count.
    pub fn moved(&mut self, ago: Duration) {
        self.spent = self.spent.min(ago);
    }

    /// How long to wait after a try that took so long and failed like this; none: give up.
    pub fn failed(&mut self, class: Class, asked: Option<Duration>, took: Duration) -> Option<Duration> {
        self.count += 1;
        self.spent += took.min(TRY_TIME_MAX);
        let (first, most) = match class {
            Class::Permanent => return None,
            Class::Transient => {
                self.transient += 1;
                if self.transient >= TRIES_MAX && self.lasting.is_none() {
                    return None;
                }
                (WAIT_FIRST, WAIT_MAX)
            }
            Class::Unreachable => (WAIT_FIRST, WAIT_MAX),
            Class::Throttled => (THROTTLED_WAIT_FIRST, THROTTLED_WAIT_MAX),
        };
        let most = if self.lasting.is_some() { THROTTLED_WAIT_MAX } else { most };
        let doubled = first.saturating_mul(1 << (self.count - 1).min(16)).min(most);
        let spread = doubled / 2 + doubled.mul_f64(self.fraction() / 2.0);
        let wait = asked.map_or(spread, |asked| spread.max(asked.min(RETRY_AFTER_MAX)));
        self.spent += wait;
        (self.spent <= self.lasting.unwrap_or(ROW_TIME_MAX) || self.count < TRIES_MIN).then_some(wait)
    }

    /// A number below 1 that depends on the task and the try (SplitMix64).
    fn fraction(&self) -> f64 {
        let mut z = self.seed.wrapping_add(u64::from(self.count).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z >> 40) as f64 / (1_u64 << 24) as f64
    }
}

#[cfg(test)]
mod tests;
