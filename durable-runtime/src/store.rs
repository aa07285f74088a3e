//! Where records are kept.

pub(crate) mod migrations;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
