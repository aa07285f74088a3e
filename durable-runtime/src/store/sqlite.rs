//! The store in one SQLite file.

pub(crate) mod migrations;
