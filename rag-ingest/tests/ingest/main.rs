//! The ingestion of documents inside the test's process, with a model that the test controls.
//!
//! What the program does from the outside is in `tests/suite/ingest` of the workspace.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub
)]

#[macro_use]
#[path = "../../../tests/suite/both.rs"]
mod both;

mod chunks;
mod commits;
mod embedder;
mod folders;
mod identity;
mod members;
mod pgvector;
mod plain;
mod quality;
mod rerank;
mod retry;
mod seed;
mod service;
mod words;
