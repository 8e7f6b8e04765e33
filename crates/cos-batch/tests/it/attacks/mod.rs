//! What somebody with a key of his own may try, and what is seen of it from outside the process.

mod bombs;
// Names of files as Linux has them.
#[cfg(target_os = "linux")]
mod doors;
#[cfg(target_os = "linux")]
mod outside;
mod secrets;
mod seen;
mod traps;
