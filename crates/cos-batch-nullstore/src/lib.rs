//! An object store over HTTP for tests and benchmarks.
//!
//! It speaks as much of the object APIs of COS and S3 as a batch job needs, path style, and answers at once: a copy, a
//! delete, a tag set or a restore is counted and not carried out, so that a million of them measure the client alone.
//! What is put is kept (manifests, reports); every other object is pretended to be there. Signatures are not looked at.
//!
//! It can fail as it is told ([`Faults`]), in a sequence that depends on a seed only, and tells what it saw ([`Seen`]):
//! in the same process through [`NullStore::seen`], from outside as JSON under [`SEEN_PATH`].
//!
//! ```
//! use cos_batch_nullstore::{NullStore, Options};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let store = NullStore::start(Options::default()).await?;
//! println!("http://{}", store.address());
//! assert_eq!(store.seen().requests, 0);
//! # Ok(())
//! # }
//! ```

mod answer;
mod ask;
mod body;
mod bucket;
mod faults;
mod kept;
mod listen;
mod seen;

pub use faults::{Fault, Faults};
pub use listen::{NullStore, Options};
pub use seen::{OnBucket, SEEN_PATH, Seen};
