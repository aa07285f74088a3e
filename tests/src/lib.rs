//! What the tests of the workspace share: databases of their own, a directory of their own, and
//! the look of a schema.

pub mod catalogue;
pub mod postgres;
pub mod scratch;
