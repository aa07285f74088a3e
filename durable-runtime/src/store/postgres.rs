//! The store in a PostgreSQL database.

pub(crate) mod migrations;
