//! The ingestion of documents, from the outside: the program is run as its users run it.

mod bad_input;
mod embedder;
mod folders;
mod identity;
mod kill;
mod minilm;
mod rerun;
mod retry;
mod seed;
mod upkeep;
