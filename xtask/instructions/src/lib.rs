//! Work that hot paths do, each piece beside the least that it can take: small enough to be counted in instructions, and
//! with no dependency that takes long to build. The program `instructions` does a piece so many times.

pub mod codec;
mod refusal;
pub mod signature;
pub mod task;
pub mod timing;

use std::hint::black_box;

/// A piece of work, done so many times by each call.
pub type Work = Box<dyn FnMut(u32)>;

/// The pieces by name, each ready to be done.
///
/// # Panics
///
/// If the fixture does not decode, which the model's own tests exclude. The work itself, if a job does not end well.
pub fn workloads() -> Vec<(&'static str, Work)> {
    let mut all = codec::workloads();
    all.extend(signature::workloads());
    // All at once: what a job takes besides its tasks is the same, however many they are.
    all.push(("task", Box::new(|times| task::copied(times).expect("stores in memory refuse nothing"))));
    all
}

/// Makes a refusal of a signature so many times; false if there is none of this name. Refusals are not among the [`workloads`],
/// for what counts is that they take the same, not how much.
pub fn refuse(name: &str, times: u32) -> bool {
    refusal::refuse(name, times)
}

/// What is made is dropped within the call: it belongs to the work.
fn work<T>(mut call: impl FnMut() -> T + 'static) -> Work {
    Box::new(move |times| (0..times).for_each(|_| drop(black_box(call()))))
}
