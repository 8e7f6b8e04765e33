//! The accounts of all APPIDs, in bounded memory. Pure; times are arguments.

use std::{collections::BTreeMap, time::Duration};

use cos_batch_model::AppId;

use super::bucket::Bucket;

/// APPIDs that have an account of their own at a time. Each takes some hundred bytes, and more than have keys there are only
/// where everybody is let in. Those who find no place share one account.
pub(super) const ACCOUNTS_MAX: usize = 4_096;

/// How often room is looked for in a full table at most, since that looks at each account.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The accounts. One is only dropped when it owes nothing and counts as a new one does: nobody gets a burst anew by having
/// others come.
#[derive(Debug, Default)]
pub(super) struct Table {
    own: BTreeMap<AppId, Bucket>,
    /// Of those who find no place.
    shared: Bucket,
    swept: Duration,
}

impl Table {
    /// The account of an APPID.
    pub(super) fn account(&mut self, appid: &AppId, now: Duration) -> &mut Bucket {
        let is_full = self.own.len() >= ACCOUNTS_MAX;
        if is_full && now >= self.swept + SWEEP_EVERY && !self.own.contains_key(appid) {
            self.own.retain(|_, bucket| !bucket.is_idle(now));
            self.swept = now;
        }
        if self.own.len() < ACCOUNTS_MAX && !self.own.contains_key(appid) {
            self.own.insert(appid.clone(), Bucket::default());
        }
        self.own.get_mut(appid).unwrap_or(&mut self.shared)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::{
        super::{Rate, bucket::Turn},
        *,
    };

    fn appid(number: usize) -> AppId {
        AppId::new(format!("{}", 1_250_000_000 + number)).unwrap()
    }

    /// One in a second: each that asked owes for a second.
    const RATE: Rate = Rate { per_second: NonZeroU32::MIN, burst: NonZeroU32::MIN };

    #[test]
    fn there_are_so_many_accounts_and_who_finds_no_place_shares_one() {
        let mut table = Table::default();
        let now = Duration::from_secs(10);
        for number in 0..ACCOUNTS_MAX {
            assert_eq!(table.account(&appid(number), now).take(RATE, 1, now), Turn::Now, "{number}");
            assert_eq!(table.own.len(), number + 1);
        }
        // All owe something, so none has to go.
        assert_eq!(table.account(&appid(ACCOUNTS_MAX), now).take(RATE, 1, now), Turn::Now);
        assert_ne!(table.account(&appid(ACCOUNTS_MAX + 1), now).take(RATE, 1, now), Turn::Now, "it shares");
        assert_ne!(table.account(&appid(0), now).take(RATE, 1, now), Turn::Now, "it has its own, and owes");
        assert_eq!(table.own.len(), ACCOUNTS_MAX);
    }

    #[test]
    fn who_owes_nothing_makes_room_and_nobody_else() {
        let mut table = Table::default();
        let now = Duration::from_secs(10);
        for number in 0..ACCOUNTS_MAX {
            // The first owes for longer than the others.
            let cost = if number == 0 { 5 } else { 1 };
            table.account(&appid(number), now).take(RATE, cost, now);
        }
        let later = now + Duration::from_secs(2);
        assert_eq!(table.account(&appid(ACCOUNTS_MAX), later).take(RATE, 1, later), Turn::Now);
        assert_eq!(table.own.len(), 2, "those that owe nothing are gone");
        assert!(matches!(table.account(&appid(0), later).take(RATE, 1, later), Turn::Never(_)), "what is owed stays");
    }
}
