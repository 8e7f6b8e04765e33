//! The engine that carries COS batch jobs out.
