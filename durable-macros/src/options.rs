//! The options in an attribute's parentheses.
//!
//! Each option is read for itself, so that one that cannot be read does not hide the others.

pub(crate) mod call;
pub(crate) mod duration;
mod entry;
pub(crate) mod part;
mod spelling;
mod table;
pub(crate) mod workflow;
