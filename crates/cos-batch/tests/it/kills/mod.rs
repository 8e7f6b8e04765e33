//! A server that is killed with SIGKILL at random, again and again in the middle of one job. Nothing is lost, each count that
//! is read is true, each row is reported once, and what may be done twice is known beforehand: the rows that were done and
//! not yet counted when the server was killed.
//!
//! `cargo xtask torture kill` does the same to a release build, with more rows and more kills.

mod books;
mod folder;
mod plan;
mod remote;
mod run;
