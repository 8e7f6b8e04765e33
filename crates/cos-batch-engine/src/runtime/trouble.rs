//! What went wrong around pieces of work, remembered between two tries of the same piece.
//!
//! A piece that could not go on for a reason outside its job rests before its next try, longer each time, and takes no
//! worker meanwhile. What never gets better ends the job by name. All of this is of this process alone: after a restart
//! everything is tried at once.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use uuid::Uuid;

use super::core::Piece;
use crate::task::retry::{REST_EACH, REST_FIRST, REST_MANY_MAX, REST_MAX};

/// A piece that nobody has tried again for so long was taken up elsewhere.
const FORGET_AFTER: Duration = Duration::from_secs(3600);

/// Troubles of pieces of work.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Mutex<BTreeMap<Piece, Trouble>>);

#[derive(Clone, Copy, Debug)]
struct Trouble {
    since: Instant,
    times: u32,
    /// How far the piece had come.
    progress: u64,
    rest_until: Instant,
}

impl Troubles {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Piece, Trouble>> {
        // Consistent after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A piece that has come this far could not go on. How long it is to rest; none: this has lasted for `most` without
    /// any progress, and is given up.
    pub(crate) fn met(&self, piece: Piece, progress: u64, most: Duration) -> Option<Duration> {
        let now = Instant::now();
        let mut troubles = self.lock();
        troubles.retain(|_, trouble| now.saturating_duration_since(trouble.rest_until) < FORGET_AFTER);
        let known = troubles.get(&piece).copied().filter(|known| known.progress == progress);
        let mut trouble = known.unwrap_or(Trouble { since: now, times: 0, progress, rest_until: now });
        if now.duration_since(trouble.since) >= most {
            troubles.remove(&piece);
            return None;
        }
        let many = u32::try_from(troubles.len()).unwrap_or(u32::MAX);
        let longest = REST_EACH.saturating_mul(many).clamp(REST_MAX, REST_MANY_MAX);
        let rest = REST_FIRST.saturating_mul(1 << trouble.times.min(16)).min(longest).min(most);
        trouble.times += 1;
        trouble.rest_until = now + rest;
        troubles.insert(piece, trouble);
        Some(rest)
    }

    /// How long the piece still has to rest.
    pub(crate) fn rest(&self, piece: Piece) -> Option<Duration> {
        let left = self.lock().get(&piece)?.rest_until.checked_duration_since(Instant::now())?;
        (!left.is_zero()).then_some(left)
    }

    /// Whether the piece could not go on when it was last tried.
    pub(crate) fn is_in_trouble(&self, piece: Piece) -> bool {
        self.lock().contains_key(&piece)
    }

    /// A piece is through.
    pub(crate) fn over(&self, piece: Piece) {
        self.lock().remove(&piece);
    }

    /// A job is over.
    pub(crate) fn forget(&self, job: Uuid) {
        self.lock().retain(|piece, _| piece.job != job);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::core::Kind, *};

    const DAY: Duration = Duration::from_secs(86_400);

    fn piece(shard: u32) -> Piece {
        Piece { job: Uuid::from_u128(1), kind: Kind::Shard(shard) }
    }

    #[tokio::test(start_paused = true)]
    async fn rests_grow_until_something_moves_and_end_after_a_time() {
        let troubles = Troubles::default();
        let seconds = |shard, progress| troubles.met(piece(shard), progress, DAY).map(|rest| rest.as_secs());
        assert_eq!([seconds(0, 5), seconds(0, 5), seconds(0, 5)], [Some(1), Some(2), Some(4)]);
        assert_eq!(seconds(1, 5), Some(1), "each for itself");
        assert_eq!(seconds(0, 6), Some(1), "it has come further");
        assert_eq!(troubles.rest(piece(0)), Some(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((troubles.rest(piece(0)), troubles.rest(piece(7))), (None, None));
        let began = Instant::now();
        let mut tries = 0;
        while let Some(rest) = troubles.met(piece(0), 6, DAY) {
            assert!(rest <= REST_MAX);
            tries += 1;
            tokio::time::advance(rest).await;
        }
        // Of 10 s each, but for the first four.
        assert_eq!(tries, (86_400 - 15) / 10 + 4);
        let took = began.elapsed();
        assert!(took >= DAY - REST_MAX && took <= DAY + REST_MAX, "{took:?}");
        assert_eq!(seconds(0, 6), Some(1), "and begins anew for whoever tries all the same");
    }

    #[tokio::test(start_paused = true)]
    async fn many_rest_longer_than_few() {
        let troubles = Troubles::default();
        let longest = |shard| (0..20).filter_map(|_| troubles.met(piece(shard), 0, DAY)).max();
        for (many, rest) in [(1, REST_MAX), (200, REST_MAX), (400, REST_MAX * 2), (9_000, REST_MANY_MAX)] {
            (0..many).for_each(|shard| assert!(troubles.met(piece(shard), 0, DAY).is_some()));
            assert_eq!(longest(0), Some(rest), "{many}");
        }
        troubles.forget(Uuid::from_u128(1));
        assert_eq!(longest(0), Some(REST_MAX), "those of a job that is over no longer count");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_is_forgotten() {
        let troubles = Troubles::default();
        for shard in 0..3 {
            troubles.met(piece(shard), 0, DAY);
        }
        troubles.over(piece(0));
        assert_eq!(troubles.lock().len(), 2);
        tokio::time::advance(FORGET_AFTER * 2).await;
        troubles.met(piece(0), 0, DAY);
        assert_eq!(troubles.lock().len(), 1, "nobody has tried the others for long");
        troubles.forget(Uuid::from_u128(1));
        assert!(troubles.lock().is_empty());
    }
}
