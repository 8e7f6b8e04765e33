//! The COS Batch Operations protocol as validated Rust types, with their XML and HTTP forms.
