//! What a benchmark measured, and the page that shows it.
//!
//! `cos-batch-bench` makes a [`Report`] of the groups that it ran; `cargo xtask bench` puts these in the place of what was
//! committed, and writes the page from the whole. Nothing here measures, reads or writes anything.

mod chart;
mod compare;
mod goal;
mod number;
mod page;
mod report;
mod row;
mod spread;

pub use chart::{Chart, Scale, Series};
pub use compare::{Change, changes};
pub use goal::{Goal, Verdict};
pub use page::{Text, page};
pub use report::{GROUPS, Group, Machine, Report, title};
pub use row::{Other, Role, Row};
pub use spread::Spread;
