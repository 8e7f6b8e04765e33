//! Contenders measured in turn.
//!
//! A machine is faster in one minute than in the next. So each contender runs once in every round, the order turns from
//! round to round, and what is compared are the values of the same round.

use std::hint::black_box;

use cos_batch_figures::Spread;

use crate::cpu;

/// One of those who do the same work: does it once and gives what it took, in the row's unit.
pub type Round<'a> = Box<dyn FnMut() -> anyhow::Result<f64> + 'a>;

/// Processor time that one round of a contender in this process takes, at least: long enough to see past the clock's own
/// steps and short enough that the machine is the same for all in a round.
const ROUND_SECONDS: f64 = 0.03;

/// Measures each contender once in every round, forwards and backwards in turn, and gives the values of each, in the order
/// given.
///
/// # Errors
///
/// What a contender could not do.
pub fn alternate(rounds: usize, contenders: &mut [Round<'_>]) -> anyhow::Result<Vec<Spread>> {
    let mut values = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..rounds {
        for step in 0..contenders.len() {
            let index = if round % 2 == 0 { step } else { contenders.len() - 1 - step };
            values[index].push(contenders[index]()?);
        }
    }
    Ok(values.into_iter().map(Spread::new).collect())
}

/// A contender in this process: gives the processor time of one call, in microseconds. How many calls make up a round is
/// found out at first; that run also warms caches.
pub fn calls<'a, T>(mut call: impl FnMut() -> T + 'a) -> Round<'a> {
    let mut count = 0;
    Box::new(move || {
        if count == 0 {
            count = calls_of_a_round(&mut call);
        }
        let begin = cpu::own();
        for _ in 0..count {
            black_box(call());
        }
        Ok((cpu::own() - begin) * 1e6 / f64::from(count))
    })
}

fn calls_of_a_round<T>(call: &mut impl FnMut() -> T) -> u32 {
    let mut count = 1u32;
    loop {
        let begin = cpu::own();
        for _ in 0..count {
            black_box(call());
        }
        let taken = cpu::own() - begin;
        if taken >= ROUND_SECONDS || count >= u32::MAX / 2 {
            return count;
        }
        count *= 2;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn the_order_turns_and_values_keep_their_contender() {
        let seen = RefCell::new(Vec::new());
        let contender = |value: f64| -> Round<'_> {
            let seen = &seen;
            Box::new(move || {
                seen.borrow_mut().push(value);
                Ok(value)
            })
        };
        let spreads = alternate(3, &mut [contender(1.0), contender(2.0)]).unwrap();
        assert_eq!(*seen.borrow(), [1.0, 2.0, 2.0, 1.0, 1.0, 2.0]);
        assert_eq!(spreads, [Spread::new([1.0; 3]), Spread::new([2.0; 3])]);
    }

    #[test]
    fn twice_the_work_takes_about_twice_the_time() {
        let work = |n: u64| move || (0..n).fold(0u64, |sum, i| black_box(sum.wrapping_add(i)));
        let spreads = alternate(5, &mut [calls(work(1000)), calls(work(4000))]).unwrap();
        let times = spreads[1].times(&spreads[0]);
        assert!((2.0..8.0).contains(&times), "{times}");
    }
}
