//! Dry runs: recorded histories against the code of this program.

mod effects;
mod outcomes;
