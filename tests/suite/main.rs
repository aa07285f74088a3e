//! The integration tests, in one binary.

#[macro_use]
mod both;

mod arguments;
mod children;
mod connections;
mod contradictions;
mod debounce;
mod durability;
mod failures;
mod fencing;
mod ingest;
mod journal;
mod kill;
mod kit;
mod launch;
mod numbering;
mod queues;
mod recovery;
mod replay;
mod retries;
mod schedules;
mod schema;
mod start;
mod transactions;
