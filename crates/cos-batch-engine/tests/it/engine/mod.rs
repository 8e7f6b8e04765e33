//! Jobs from their creation to their end, on stores in memory.

#[macro_use]
mod passes_on;

mod adverse;
mod compressed;
mod corpus;
mod counted;
mod disk;
mod faulty;
mod flaky;
mod kinds;
mod large;
mod life;
mod listed;
mod lost;
mod manifests;
mod nth;
mod operations;
mod parted;
mod reading;
mod refusals;
mod same_way;
mod sharing;
mod speed;
mod stops;
mod together;
mod troubles;
mod unsynced;
mod views;
mod weather;
mod world;
