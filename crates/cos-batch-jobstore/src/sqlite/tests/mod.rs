//! Tests that look inside.

mod check;
mod group;
mod plans;
mod purge;
mod renditions;
