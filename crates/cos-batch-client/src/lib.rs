//! A client for the COS Batch Operations API.
