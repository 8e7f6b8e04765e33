//! The console over real sockets: who gets in, and what pages of other sites cannot do.

mod doors;
mod names;
mod world;
