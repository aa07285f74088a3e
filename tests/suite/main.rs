//! The integration tests, in one binary.

#[macro_use]
mod both;

mod arguments;
mod children;
mod connections;
mod contradictions;
mod debounce;
mod delays;
mod durability;
mod enqueue;
mod events;
mod failures;
mod fencing;
mod formats;
mod ingest;
mod interop;
mod journal;
mod kill;
mod kit;
mod launch;
mod leases;
mod management;
mod messages;
mod names;
mod notify;
mod numbering;
mod patches;
mod queues;
mod recovery;
mod replay;
mod retries;
mod roles;
mod rpa;

mod schedules;
mod schema;
mod sleeps;
mod start;
mod streams;
mod timeouts;
mod transactions;
mod waits;
