//! What somebody with a key of his own may try, and what is seen of it from outside the process.

mod bombs;
// What is opened is seen by inotify, which only Linux has.
#[cfg(target_os = "linux")]
mod doors;
#[cfg(target_os = "linux")]
mod outside;
mod secrets;
mod traps;
