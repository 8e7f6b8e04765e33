//! How many operations a store is given at once: found out, because nobody can say it beforehand.
//!
//! Additive increase, multiplicative decrease. While all slots are in use and the store copes, there is one more for each
//! round of answers (at first one more for each answer, until the store is met for the first time). When the store asks
//! for less, or answers become slow without becoming more, there are fewer by a fixed share. One decrease answers for
//! everything that had begun before it: a burst of refusals is one piece of news.

use std::time::Duration;

/// Slots to begin with: enough to use a near store, few enough not to frighten a small one.
pub const START: usize = 16;

/// Fewest slots: with none, nothing would ever find out that the store copes again.
pub const MIN: usize = 1;

/// Of ten slots, so many are left by a decrease. Gentle, since it comes again after a round if it was not enough.
pub const DECREASE_TENTHS: usize = 7;

/// Answers that earn one more slot, at least; and at least one for each slot. Where a store takes so many and no more, each
/// further slot ends in a refusal or two: with half as many answers in between, more than one request in a hundred would.
pub const INCREASE_MIN: usize = 100;

/// Answers are slow when they take this many times as long as the store's best …
pub const COLLAPSE_TIMES: u32 = 4;

/// … and so much longer besides: below that, waiting for a turn on our own machine looks the same.
pub const COLLAPSE_MARGIN: Duration = Duration::from_millis(20);

/// Answers that make a judgement on slowness, at least; and at least one for each slot.
pub const JUDGED_MIN: u64 = 64;

/// How a store answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It did what it was asked, or refused for a reason of the object.
    Coped,
    /// It asks for fewer requests (429, 503 SlowDown, 503 ServiceUnavailable).
    Throttled,
    /// It says nothing about how much it can take (a broken connection, an internal error).
    Unclear,
}

/// One operation that ended. Times are counted from any fixed moment.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// When it began.
    pub began: Duration,
    /// When it ended.
    pub ended: Duration,
    /// How.
    pub answer: Answer,
    /// Were all slots in use?
    pub full: bool,
}

/// The number of slots of one store, and what it is worked out from.
#[derive(Clone, Debug)]
pub struct Slots {
    limit: usize,
    most: usize,
    /// One more for each answer: nothing was ever too much yet.
    finding: bool,
    /// Answers towards the next slot.
    credit: usize,
    decreased_at: Option<Duration>,
    round: Round,
    /// How long an answer takes when the store is at its best.
    best: Option<Duration>,
    /// Answers per second in the last round.
    last_rate: Option<f64>,
    /// Answers per second before a decrease for slowness, until it is known whether it was right.
    on_trial: Option<f64>,
}

/// Answers since the last judgement.
#[derive(Clone, Copy, Debug)]
struct Round {
    since: Duration,
    /// When the first answer came.
    first: Duration,
    /// Answers that make it full.
    goal: u64,
    count: u64,
    total: Duration,
    fastest: Duration,
}

impl Round {
    fn new(since: Duration, limit: usize) -> Self {
        let goal = JUDGED_MIN.max(limit as u64);
        Self { since, first: since, goal, count: 0, total: Duration::ZERO, fastest: Duration::MAX }
    }
}

impl Slots {
    /// For a store that is given at most `most` operations at once.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let most = most.max(MIN);
        let limit = START.min(most);
        Self {
            limit,
            most,
            finding: true,
            credit: 0,
            decreased_at: None,
            round: Round::new(Duration::ZERO, limit),
            best: None,
            last_rate: None,
            on_trial: None,
        }
    }

    /// Operations that may be in flight now, between [`MIN`] and what was allowed.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Learns from an operation that ended.
    pub fn observe(&mut self, seen: Observation) {
        match seen.answer {
            Answer::Throttled => {
                if self.is_news(seen.began) {
                    self.decrease(seen.ended);
                    self.last_rate = None;
                }
            }
            Answer::Coped => {
                self.judge(seen);
                if seen.full && self.is_news(seen.began) {
                    self.increase();
                }
            }
            Answer::Unclear => {}
        }
    }

    /// Did it begin after the last decrease?
    fn is_news(&self, began: Duration) -> bool {
        self.decreased_at.is_none_or(|at| began > at)
    }

    fn increase(&mut self) {
        self.credit += 1;
        if self.finding || self.credit >= self.limit.max(INCREASE_MIN) {
            self.limit = (self.limit + 1).min(self.most);
            self.credit = 0;
        }
    }

    fn decrease(&mut self, now: Duration) {
        self.limit = (self.limit * DECREASE_TENTHS / 10).max(MIN);
        self.finding = false;
        self.credit = 0;
        self.decreased_at = Some(now);
        self.round = Round::new(now, self.limit);
        self.on_trial = None;
    }

    /// Counts an answer, and looks at each full round: did answers become slow without becoming more?
    fn judge(&mut self, seen: Observation) {
        if seen.began < self.round.since {
            return;
        }
        let took = seen.ended.saturating_sub(seen.began);
        if self.round.count == 0 {
            self.round.first = seen.ended;
        }
        self.round.count += 1;
        self.round.total += took;
        self.round.fastest = self.round.fastest.min(took);
        if self.round.count < self.round.goal {
            return;
        }
        let mean = self.round.total / u32::try_from(self.round.count).unwrap_or(u32::MAX);
        // Counted from the first answer on: before it, nothing could have come back yet.
        let lasted = seen.ended.saturating_sub(self.round.first).as_secs_f64().max(1e-6);
        let rate = (self.round.count - 1) as f64 / lasted;
        // With fewer at once there were fewer answers: it is the work that takes so long, not a queue.
        let in_vain = self.on_trial.take().is_some_and(|before| rate < before * 0.85);
        let best = match self.best {
            // The very first answers came before any queue.
            None => self.round.fastest,
            Some(_) if in_vain => mean,
            Some(best) => best.min(mean),
        };
        self.best = Some(best);
        let slow = mean > best * COLLAPSE_TIMES + COLLAPSE_MARGIN;
        let no_more = self.last_rate.is_some_and(|last| rate < last * 1.1);
        if slow && no_more && seen.full && self.limit > MIN {
            self.decrease(seen.ended);
            self.on_trial = Some(rate);
        }
        self.last_rate = Some(rate);
        self.round = Round::new(seen.ended, self.limit);
    }
}

#[cfg(test)]
mod tests;
