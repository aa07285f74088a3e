//! The ingestion of documents, from the outside: the program is run as its users run it.

mod bad_input;
mod formats;
mod kill;
mod minilm;
mod replay;
mod rerun;
mod service;
mod upkeep;
