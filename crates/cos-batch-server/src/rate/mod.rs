//! How many requests of one APPID are worked on in a second.

mod bucket;
mod cost;
mod table;

use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cos_batch_model::{ApiError, AppId, ErrorCode};
use tokio::time::Instant;

use self::{bucket::Turn, table::Table};

pub(crate) use self::cost::of;
pub use self::cost::{COST_BESIDE, COST_OF_A_CHANGE, COST_OF_A_LOOK, cost_of_a_list};

/// How long a request may wait for its turn; what would have to wait for longer is refused, after as long: whoever asks again
/// at once must not be quicker than whoever waits. Short beside what clients wait for an answer; long enough that so many
/// connections as there may be ask less than a thousand times in a second in vain.
pub const WAIT_MAX: Duration = Duration::from_secs(1);

/// What one APPID may ask for, counted in the work of a DescribeJob: a change, and a request to the extension, counts as
/// [ten](COST_OF_A_CHANGE), a list by its [length](cost_of_a_list).
///
/// See [`RateLimit`] for an example. Source: ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So much in a second.
    pub per_second: NonZeroU32,
    /// So much at once, after a pause.
    pub burst: NonZeroU32,
}

impl Rate {
    /// What passes until so much may be asked for.
    fn time_of(self, cost: u32) -> Duration {
        // Rounded up: never faster than asked for.
        let nanos = (u64::from(cost) * 1_000_000_000).div_ceil(u64::from(self.per_second.get()));
        Duration::from_nanos(nanos)
    }
}

/// Why a request is refused: more of its APPID wait than can be served in time.
///
/// See [`RateLimit`] for an example. Source: ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there are more requests of this APPID than the {} in a second that this server takes: try again in {} s",
    .rate.per_second,
    .retry_after_seconds
)]
#[non_exhaustive]
pub struct TooFast {
    /// What the APPID may ask for.
    pub rate: Rate,
    /// When it is worth to ask again.
    pub retry_after_seconds: u64,
}

impl From<TooFast> for ApiError {
    fn from(reason: TooFast) -> Self {
        Self::new(ErrorCode::SlowDown, reason.to_string())
    }
}

/// A limit on the requests of each APPID, so that one at its limit leaves the processors to others. Clones share everything: give
/// the same one to each service on the jobs.
///
/// A request that comes too soon waits for its turn, in order, for up to [`WAIT_MAX`]; so somebody who asks again when he was
/// answered is slowed down and sees no error. What would wait for longer is refused.
///
/// ```
/// use std::num::NonZeroU32;
///
/// use cos_batch_model::AppId;
/// use cos_batch_server::rate::{COST_OF_A_LOOK, Rate, RateLimit};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let few = NonZeroU32::MIN;
/// let limit = RateLimit::new(Rate { per_second: few, burst: few });
/// let (one, other) = (AppId::new("1250000000")?, AppId::new("1251111111")?);
/// limit.pass(&one, COST_OF_A_LOOK).await?;
/// limit.pass(&other, COST_OF_A_LOOK).await?;
/// // The second one of an APPID waits for a second, and one behind it is too much.
/// let (waits, refused) = tokio::join!(limit.pass(&one, COST_OF_A_LOOK), limit.pass(&one, COST_OF_A_LOOK));
/// assert!(waits.is_ok());
/// assert_eq!(refused.unwrap_err().retry_after_seconds, 1);
/// assert_eq!((limit.counts().delayed, limit.counts().refused), (1, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RateLimit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rate: Rate,
    began: Instant,
    table: Mutex<Table>,
    delayed: AtomicU64,
    refused: AtomicU64,
}

/// How often a limit did something so far.
///
/// See [`RateLimit`] for an example. Source: ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateCounts {
    /// Requests that waited for their turn.
    pub delayed: u64,
    /// Requests that were refused.
    pub refused: u64,
}

impl RateLimit {
    /// So much for each APPID. Source: ours.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let (delayed, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Inner { rate, began: Instant::now(), table: Mutex::default(), delayed, refused }))
    }

    /// Waits until a request may go on. Ask once it is known for sure whose it is, and before anything is done for it.
    ///
    /// Needs a tokio runtime with timers. Source: ours.
    ///
    /// # Errors
    /// [`TooFast`], after [`WAIT_MAX`].
    pub async fn pass(&self, appid: &AppId, cost: u32) -> Result<(), TooFast> {
        let Inner { rate, began, delayed, refused, .. } = &*self.0;
        let now = began.elapsed();
        let turn = self.table().account(appid, now).take(*rate, cost, now);
        match turn {
            Turn::Now => Ok(()),
            Turn::After(wait) => {
                delayed.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(wait).await;
                Ok(())
            }
            Turn::Never(wait) => {
                refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(WAIT_MAX).await;
                // What is left to wait for then, in the whole seconds that HTTP has for it.
                let left = wait.saturating_sub(WAIT_MAX);
                let retry_after_seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
                Err(TooFast { rate: *rate, retry_after_seconds: retry_after_seconds.max(1) })
            }
        }
    }

    /// Charges a request that went on for more than was known before. Source: ours.
    pub fn charge(&self, appid: &AppId, cost: u32) {
        let now = self.0.began.elapsed();
        self.table().account(appid, now).charge(self.0.rate, cost, now);
    }

    /// How often it did something so far. Source: ours.
    #[must_use]
    pub fn counts(&self) -> RateCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        RateCounts { delayed: read(&self.0.delayed), refused: read(&self.0.refused) }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Consistent after every statement.
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
