//! The ingestion of documents, from the outside: the program is run as its users run it.

mod bad_input;
mod budget;
mod commands;
mod embedding;
mod fleet;
mod formats;
mod kill;
mod minilm;
mod replay;
mod rerun;
mod search;
mod seed_defects;
mod service;
mod upkeep;
mod workers;
