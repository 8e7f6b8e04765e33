//! The COS Batch Operations API as a tower and hyper service over any backend.
