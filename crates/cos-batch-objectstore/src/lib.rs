//! Object stores a batch job works on: one trait, a local folder and memory.
