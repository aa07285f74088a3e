//! Durable runner for CasareRPA workflow files.
//!
//! So far the part that reads: files of ten shapes become one [`Workflow`](document::Workflow), every repair is
//! told, and what can be checked without knowing the node types is checked.
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

pub mod catalogue;
pub mod check;
pub mod diagnostic;
pub mod document;
pub mod expression;
mod fault;
mod format;
mod host;
pub mod mermaid;
mod nodes;
mod plan;
pub mod pointer;
mod record;
pub mod run;
pub mod structure;
pub mod template;
pub mod value;
mod visit;
mod walk;

pub use fault::Fault;
pub use host::Host;
pub use record::{Items, LogLine, Next, Record, VisitStatus};
pub use visit::{Call, Work};
pub use walk::Scope;
