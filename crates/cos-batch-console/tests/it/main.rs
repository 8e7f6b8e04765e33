//! The console over real sockets: who gets in, and what pages of other sites cannot do.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is how a test fails")]

mod chinese;
mod doors;
mod names;
mod world;
