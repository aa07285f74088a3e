//! The runner of workflow files, from the outside: the program is run as its users run it.

mod again;
mod browser;
mod chats;
mod errors;
mod exactly_once;
mod excel;
mod feeds;
mod forms;
mod ftp;
mod inbox;
mod kill;
mod lenient;
mod llm;
mod mail;
mod maria_db;
mod runs;
mod secrets;
mod serve;
mod streams;
mod subflows;
mod worker;
