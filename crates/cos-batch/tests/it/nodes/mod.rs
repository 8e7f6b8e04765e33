//! Many nodes on one database: real processes, a real PostgreSQL, and an object store in another process than they are,
//! whose own log gives the verdict.

mod chaos;
mod clock;
mod cluster;
mod history;
mod prepare;
mod roles;
mod takeover;
