//! The attribute macros of durable-runtime.
