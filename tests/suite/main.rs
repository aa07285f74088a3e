//! The integration tests, in one binary.

#[macro_use]
mod both;

mod arguments;
mod asleep;
mod bench;
mod children;
mod code_versions;
mod connections;
mod contradictions;
mod debounce;
mod delays;
mod deployed;
mod divergence;
mod durability;
mod enqueue;
mod events;
mod failures;
mod fencing;
mod formats;
mod guard;
mod ingest;
mod interop;
mod journal;
mod kill;
mod kit;
mod launch;
mod leases;
mod machines;
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

mod sagas;
mod schedules;
mod schema;
mod sleeps;
mod spawn;
mod start;
mod step_calls;
mod streams;
mod timeouts;
mod transactions;
mod values;
mod verify;
mod waits;
