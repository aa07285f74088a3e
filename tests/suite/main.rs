//! The integration tests, in one binary.

mod kit;
mod schema;
