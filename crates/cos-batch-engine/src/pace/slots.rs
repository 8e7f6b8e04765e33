//! How many operations a store is given at once: found out, because nobody can say it beforehand.
//!
//! Additive increase, multiplicative decrease. While all slots are in use and the store copes, there are more with each answer
//! (at first one for each, until the store is met for the first time). When the store asks for less, or answers become slow
//! without becoming more, there are fewer. One decrease answers for everything that had begun before it: a burst of refusals
//! is one piece of news.
//!
//! The number has a fraction, which is carried out by [rests](Slots::rest): with 5.5 slots there are six, and each rests after an
//! operation for so long that half a slot is idle. A store that takes less than one slot can ask for is given a part of one.

use std::time::Duration;

/// Slots to begin with: enough to use a near store, few enough not to frighten a small one.
pub const START: usize = 16;

/// Fewest slots, which may rest for up to [`REST_MAX`]: with none, nothing would ever find out that the store copes again.
pub const MIN: usize = 1;

/// Longest rest of a slot. A store that takes less than an operation in this time is asked too often.
pub const REST_MAX: Duration = Duration::from_secs(1);

/// Shortest rest of a slot: a timer has whole milliseconds. With many slots the fraction of one matters to nobody.
pub const REST_MIN: Duration = Duration::from_millis(1);

/// Of ten slots, so many are left when the store is met for the first time, when it took nothing at all, and when its answers
/// became slow. Gentle, since it comes again after a round if it was not enough.
pub const DECREASE_TENTHS: usize = 7;

/// Of ten slots, so many are left when a few answers are refusals among others: the limit is near, and what is left is what a store
/// is given until it is met again.
pub const MET_TENTHS: usize = 9;

/// More than one refusal in so many answers, and the store takes less than was thought: as much of what it is asked for as it
/// took …
pub const REFUSED_OF: u64 = 16;

/// … once there are so many answers to tell by, and so many times more than the spread that chance gives to such a number: stores
/// that refuse one request in twenty however few they are asked are not to be taken for slow ones.
pub const TOLD_BY: u64 = 24;
const SPREADS: f64 = 4.0;

/// … unless for each one that it took it refused no more than this. A store that saves nothing up refuses every other request
/// when it is asked a little too often: how much it takes, that does not tell, and slots become fewer as when it is met.
const REFUSED_EACH_OTHER: f64 = 1.2;

/// Slots that are left at least where that cannot be told: such stores must not be asked for ever fewer.
pub const UNTOLD_MIN: f64 = 0.8;

/// What is left at least of what answers told. Where it is more, it may be a little more than the store takes, and then nothing
/// makes it less; where there were nothing, stores that refuse by chance would be asked for ever fewer.
const UNTOLD_OF_TOLD: f64 = 1.0 / 3.0;

/// Of ten slots, so many are left at least, however few of a few answers were no refusals.
pub const DECREASE_MOST_TENTHS: usize = 3;

/// A decrease to more than this part of what there was is none: what answers told before it is still true.
const TO_THE_SAME: f64 = 0.95;

/// Once so many answers have told something, they count for a half: what they told is long ago.
const TOLD_MAX: u64 = 512;

/// So many answers count as taken besides those that came, where the part that was taken is reckoned: rather a refusal too many
/// than a store that is given a half.
const TAKEN_BEFOREHAND: f64 = 4.0;

/// Answers that earn one more slot, at least. Where a store takes so many and no more, each time that it is met costs a refusal
/// or two: with half as many answers in between, more than one request in a hundred would be refused.
pub const INCREASE_MIN: usize = 200;

/// What an answer adds to each slot, at most: from [`MET_TENTHS`] back to the whole takes some 130 answers, of which one is a
/// refusal.
const INCREASE_SHARE: f64 = 0.000_8;

/// After so many answers without a decrease, or so many for each slot, whichever is more, slots come twice as fast; then ever
/// faster: the store takes more than it did.
const CALM_MIN: f64 = 300.0;
const CALM_OF_A_SLOT: f64 = 20.0;

/// Of sixteen answers each, how long one usually takes.
const USUAL_OF: f64 = 16.0;

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
    /// More than zero.
    share: f64,
    most: usize,
    /// Slots that are left at least unless answers tell otherwise: [`UNTOLD_MIN`], or [`UNTOLD_OF_TOLD`].
    least: f64,
    /// One more for each answer: nothing was ever too much yet.
    finding: bool,
    /// Answers since a refusal made the last decrease, while all slots were in use; none if slow answers did: a queue that grows
    /// is not seen at once.
    calm: Option<u64>,
    decreased_at: Option<Duration>,
    since: SinceDecrease,
    /// How many seconds an answer usually takes that is no refusal.
    usual: f64,
    round: Round,
    /// How long an answer takes when the store is at its best.
    best: Option<Duration>,
    /// Answers per second in the last round.
    last_rate: Option<f64>,
    /// Answers per second before a decrease for slowness, until it is known whether it was right.
    on_trial: Option<f64>,
}

/// What came of all that began since the last decrease.
#[derive(Clone, Copy, Debug, Default)]
struct SinceDecrease {
    taken: u64,
    refused: u64,
    /// Seconds that slots were in use for what was taken, and in all, with their rests.
    taking: f64,
    all: f64,
}

impl SinceDecrease {
    /// There are few enough refusals to be those of a store that is asked a little too often.
    fn is_near(&self) -> bool {
        self.refused as f64 <= self.taken as f64 * REFUSED_EACH_OTHER
    }

    /// There are so many refusals that the store takes less than it is asked for.
    fn tells_of_fewer(&self) -> bool {
        let answers = self.taken + self.refused;
        let few = answers as f64 / REFUSED_OF as f64;
        answers >= TOLD_BY && self.refused as f64 > few + SPREADS * few.sqrt()
    }

    fn add(&mut self, is_taken: bool, took: f64, rest: f64) {
        if self.taken + self.refused >= TOLD_MAX {
            *self = Self {
                taken: self.taken / 2,
                refused: self.refused / 2,
                taking: self.taking / 2.0,
                all: self.all / 2.0,
            };
        }
        self.all += took + rest;
        if is_taken {
            self.taken += 1;
            self.taking += took;
        } else {
            self.refused += 1;
        }
    }
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
            share: limit as f64,
            most,
            least: UNTOLD_MIN,
            finding: true,
            calm: None,
            decreased_at: None,
            since: SinceDecrease::default(),
            usual: 0.0,
            round: Round::new(Duration::ZERO, limit),
            best: None,
            last_rate: None,
            on_trial: None,
        }
    }

    /// Operations that may be in flight or at rest now, between [`MIN`] and what was allowed.
    #[must_use]
    pub fn limit(&self) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "more than zero, and at most what was allowed")]
        let slots = self.share.ceil() as usize;
        slots.clamp(MIN, self.most)
    }

    /// How long a slot rests after an operation: not at all, or from [`REST_MIN`] to [`REST_MAX`].
    #[must_use]
    pub fn rest(&self) -> Duration {
        let rest = self.usual * (self.limit() as f64 / self.share - 1.0);
        let rest = Duration::try_from_secs_f64(rest).unwrap_or_default().min(REST_MAX);
        if rest < REST_MIN { Duration::ZERO } else { rest }
    }

    /// Learns from an operation that ended.
    pub fn observe(&mut self, seen: Observation) {
        let took = seen.ended.saturating_sub(seen.began).as_secs_f64();
        let is_news = self.is_news(seen.began);
        if is_news && seen.answer != Answer::Unclear {
            self.since.add(seen.answer == Answer::Coped, took, self.rest().as_secs_f64());
        }
        match seen.answer {
            Answer::Throttled => {
                if is_news {
                    let left = self.after_refusal();
                    self.decrease(left, seen.ended);
                    self.last_rate = None;
                }
            }
            Answer::Coped => {
                self.usual = if self.usual == 0.0 { took } else { self.usual + (took - self.usual) / USUAL_OF };
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
        self.calm = self.calm.map(|answers| answers.saturating_add(1));
        let by = if self.finding {
            1.0
        } else {
            let calm = self.calm.unwrap_or(0) as f64 / CALM_MIN.max(self.share * CALM_OF_A_SLOT);
            let each = (1.0 / self.share.max(INCREASE_MIN as f64)).min(self.share * INCREASE_SHARE);
            (each * (1.0 + calm * calm)).min(1.0)
        };
        self.share = (self.share + by).min(self.most as f64);
        if self.share >= MIN as f64 {
            self.least = UNTOLD_MIN;
        }
    }

    /// How many slots are left after a refusal.
    fn after_refusal(&mut self) -> f64 {
        let tenths = |tenths: usize| self.share * tenths as f64 / 10.0;
        let SinceDecrease { taken, taking, all, .. } = self.since;
        if taken > 0 && self.since.tells_of_fewer() {
            let (taking, all) = (taking + TAKEN_BEFOREHAND * self.usual, all + TAKEN_BEFOREHAND * self.usual_turn());
            let took = self.limit() as f64 * taking / all.max(f64::MIN_POSITIVE);
            let least = if self.since.is_near() { MET_TENTHS } else { DECREASE_MOST_TENTHS };
            let left = took.clamp(tenths(least), tenths(MET_TENTHS));
            self.least = UNTOLD_MIN.min(left * UNTOLD_OF_TOLD);
            return left;
        }
        tenths(if self.finding || taken == 0 { DECREASE_TENTHS } else { MET_TENTHS }).max(self.least)
    }

    /// Seconds that a slot is in use for an operation, with the rest.
    fn usual_turn(&self) -> f64 {
        self.usual + self.rest().as_secs_f64()
    }

    fn decrease(&mut self, to: f64, now: Duration) {
        // With fewer, rests would have to be longer than they may be.
        let least = self.usual / (self.usual + REST_MAX.as_secs_f64());
        // Before anything was taken nobody knows how long a rest would have to be: then slots are whole.
        let to = if self.usual > 0.0 { to.max(least) } else { to.floor().max(MIN as f64) };
        if to >= self.share {
            return;
        }
        if to < self.share * TO_THE_SAME {
            self.since = SinceDecrease::default();
        }
        self.share = to;
        self.finding = false;
        self.calm = Some(0);
        self.decreased_at = Some(now);
        self.round = Round::new(now, self.limit());
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
        let fewer = (self.share * DECREASE_TENTHS as f64 / 10.0).floor().max(MIN as f64);
        if slow && no_more && seen.full && self.share > fewer {
            self.decrease(fewer, seen.ended);
            self.calm = None;
            self.on_trial = Some(rate);
        }
        self.last_rate = Some(rate);
        self.round = Round::new(seen.ended, self.limit());
    }
}

#[cfg(test)]
mod tests;
