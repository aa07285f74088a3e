//! What the tests of the workspace share: databases of their own, a directory of their own, the
//! look of a schema, and the means to hold and to watch a running workflow.

pub mod catalogue;
pub mod certificate;
pub mod corpus;
pub mod counter;
pub mod embeddings;
pub mod feed;
pub mod ftp;
pub mod gates;
pub mod journey;
pub mod logs;
pub mod mail;
pub mod maria_db;
pub mod postgres;
pub mod program;
pub mod proxy;
pub mod questions;
pub mod rag;
pub mod rpa;
pub mod scratch;
pub mod script;
pub mod site;
pub mod statements;
pub mod store;
pub mod stream;
pub mod tally;
