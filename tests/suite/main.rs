//! The integration tests, in one binary.

#[macro_use]
mod both;

mod kit;
mod numbering;
mod replay;
mod schema;
mod start;
