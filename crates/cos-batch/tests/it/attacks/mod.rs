//! What somebody with a key of his own may try, and what is seen of it from outside the process.

mod bombs;
mod outside;
mod secrets;
mod traps;
