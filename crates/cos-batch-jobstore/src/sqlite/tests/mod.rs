//! Tests that look inside.

mod group;
mod plans;
mod purge;
mod renditions;
