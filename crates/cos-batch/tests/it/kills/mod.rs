//! A server that is killed with SIGKILL at random, again and again in the middle of one job. Nothing is lost, each count that
//! is read is true, each row is reported once, and what may be done twice is known beforehand: the rows that were done and
//! not yet counted when the server was killed.
//!
//! In `cargo xtask test` it is the program as users build it that is killed, else that of the tests. `cargo xtask torture kill`
//! does the same with more rows and more kills.

mod books;
mod folder;
mod plan;
mod remote;
mod run;
