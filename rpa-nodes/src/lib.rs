//! Durable runner for CasareRPA workflow files.
//!
//! Files of ten shapes become one [`Workflow`](document::Workflow), and every repair is told. What is wrong with it is
//! [told](check::check) before anything runs. A [run](run::run) records each visit of a node, and survives a crash at any
//! moment.
//!
//! ```
//! use rpa_nodes::{document, structure};
//!
//! let text = r#"{
//!     "name": "Greeting",
//!     "nodes": [{"id": "start", "type": "StartNode"}, {"id": "log", "type": "LogNode"}],
//!     "connections": [{"out": ["start", "exec_out"], "in": ["log", "exec_in"]}]
//! }"#;
//! let loaded = document::load(text)?;
//! assert_eq!(loaded.workflow.nodes.len(), 2);
//! assert!(structure::check(&loaded).is_empty());
//! # Ok::<(), document::LoadError>(())
//! ```

mod browser;
pub mod catalogue;
pub mod check;
mod database;
pub mod diagnostic;
pub mod document;
mod doubt;
pub mod expression;
mod fault;
mod format;
mod ftp;
pub mod headless;
mod host;
mod http;
pub mod lenient;
#[cfg(feature = "mail")]
mod mail;
pub mod mermaid;
mod nodes;
mod plan;
pub mod pointer;
mod process;
pub mod progress;
mod record;
pub mod run;
mod script;
pub mod secrets;
pub mod serve;
pub mod structure;
mod subflow;
pub mod template;
#[cfg(any(feature = "mail", feature = "ftp"))]
mod tls;
pub mod value;
mod visit;
mod walk;

pub use browser::{BrowserState, Healed, PageNote, TabState};
pub use database::Statement;
pub use doubt::{Decision, OnUncertain, Question};
pub use fault::Fault;
pub use ftp::FtpPlace;
pub use host::Host;
pub use record::{Items, LogLine, Next, Record, Transact, VisitStatus};
pub use visit::{Call, Work};
pub use walk::Scope;
