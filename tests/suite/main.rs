//! The integration tests, in one binary.

#[macro_use]
mod both;

mod arguments;
mod children;
mod connections;
mod contradictions;
mod durability;
mod enqueue;
mod failures;
mod fencing;
mod formats;
mod ingest;
mod interop;
mod journal;
mod kill;
mod kit;
mod launch;
mod numbering;
mod patches;
mod queues;
mod recovery;
mod replay;
mod retries;
mod roles;
mod schema;
mod sleeps;
mod start;
mod transactions;
mod waits;
