//! Jobs from their creation to their end, on stores in memory.

mod adverse;
mod compressed;
mod corpus;
mod faulty;
mod large;
mod life;
mod operations;
mod parted;
mod refusals;
mod same_way;
mod sharing;
mod speed;
mod stops;
mod views;
mod weather;
mod world;
