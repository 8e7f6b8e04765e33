//! A web console for batch jobs, over an engine: a service of hyper that answers below [`PREFIX`].
//!
//! Pages are written on the server and work without script; a small script of our own keeps them up to date. Whoever
//! signs in has a key of the API, and sees and does what this key may see and do through the API: each page asks the
//! engine on behalf of the key's account.
//!
//! ```
//! use cos_batch_console::{Console, Key};
//! use cos_batch_engine::{Access, Buckets, Config, Engine, MemoryJobStore, Parts, Spool, SystemClock};
//! use cos_batch_objectstore::MemoryStore;
//! use cos_signature::SecretKey;
//! use std::{collections::BTreeMap, sync::Arc};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let (objects, spool) = (MemoryStore::new(), MemoryStore::new());
//! # spool.create_bucket("segments")?;
//! # let parts = Parts {
//! #     jobs: Arc::new(MemoryJobStore::new(Arc::new(SystemClock))),
//! #     buckets: Buckets::new(Arc::new(objects)),
//! #     access: Access::new(),
//! #     spool: Spool::new(Arc::new(spool), "segments"),
//! #     config: Config::default(),
//! # };
//! let engine = Arc::new(Engine::start(parts, true).await?);
//! let appid = "1250000000".parse()?;
//! let key = Key { secret: SecretKey::new("exampleSecret"), appid, uin: None, security_token: None };
//! let keys = BTreeMap::from([("AKIDEXAMPLE".to_owned(), key)]);
//! let console = Console::with_keys(engine, keys);
//! // `console` is a service of hyper.
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | look in | for |
//! |---|---|
//! | `service` | the way of a request |
//! | `session`, `guard` | who is signed in; what pages of other sites cannot do |
//! | `page` | the pages, each with its template in `templates` |
//! | `words`, `phrase` | every text, in English and Chinese |
//! | `said` | what servers and stores say, in Chinese |
//! | `format` | numbers and times for people |
//! | `inert` | why no name can be more than a name |

mod answer;
mod assets;
mod chart;
mod form;
mod format;
mod frame;
mod guard;
mod inert;
mod page;
mod phrase;
mod said;
mod service;
mod session;
mod visit;
mod words;

pub use answer::Body;
pub use frame::PREFIX;
pub use service::{Console, FORM_BYTES_MAX};
pub use session::{IDLE_SECONDS_MAX, Key, Keys, SESSION_SECONDS_MAX};
pub use visit::UPLOAD_BYTES_MAX;
