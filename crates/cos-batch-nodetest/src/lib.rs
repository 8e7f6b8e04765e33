//! What tests with many nodes need: a PostgreSQL server of their own ([`Postgres`]), and a way to it that can be slow, cut
//! off or silent ([`Proxy`]).
//!
//! Both end when they are dropped. The server's programs are those on the `PATH`, of the system's packages, or of the
//! folder that the variable `POSTGRES_BIN` names.

mod postgres;
mod proxy;

pub use postgres::{BIN_VARIABLE, Failed, Postgres, Tls};
pub use proxy::{Proxy, Way};
