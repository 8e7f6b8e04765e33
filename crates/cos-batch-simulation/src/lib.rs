//! The engine in a world of its own: simulated time, stores, processes and faults, on one thread.
//!
//! A [`Plan`] is drawn from a seed: how many processes there are, which jobs run, what goes wrong and how often. [`run`]
//! carries it out. The same seed gives the same run, to the last effect: a hash over the trace says so. While it runs, a
//! witness looks at every change of a job; when it is over, everything is held against what the plan says must be: what was done
//! to each object, the counts, the report.
//!
//! A process of the engine reaches the world through a `link` only. To kill it is to answer it no more; what it had
//! sent may still arrive. So nothing of the engine has to know that it is simulated.
//!
//! | module | holds |
//! |---|---|
//! | `plan` | what is drawn from a seed |
//! | `fault` | what can go wrong |
//! | `clock` | simulated time |
//! | `world` | what outlives a process |
//! | `disk` | what does not last yet |
//! | `power` | what a loss of power leaves |
//! | `leases` | who holds what |
//! | `life` | whether a process is alive, and its clock |
//! | `link` | what goes wrong on the way from a process to the world |
//! | `jobs`, `objects` | the two stores as a process sees them |
//! | `user` | who makes jobs and changes them |
//! | `watcher` | who looks at jobs through the API |
//! | `keeper` | who starts processes again |
//! | `witness` | what must hold at every step |
//! | `judge` | what must hold at the end |
//! | `story` | all of it together |

mod clock;
mod disk;
mod fault;
mod jobs;
mod judge;
mod keeper;
mod leases;
mod life;
mod link;
mod objects;
mod plan;
mod power;
mod story;
mod trace;
mod user;
mod watcher;
mod witness;
mod world;

pub use fault::Fault;
pub use plan::{Aim, Call, Plan, Sabotage};
pub use story::{Outcome, run};
