//! How fast operations begin: how many at once ([`slots`]), and how many in a second ([`rate`]). Pure; times are arguments.

pub mod rate;
pub mod slots;

pub use self::{rate::TokenBucket, slots::Slots};
