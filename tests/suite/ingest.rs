//! The ingestion of documents, from the outside: the program is run as its users run it.

mod bad_input;
mod commands;
mod fleet;
mod formats;
mod kill;
mod minilm;
mod replay;
mod rerun;
mod seed_defects;
mod upkeep;
mod workers;
