//! What the attribute macros know about a workflow: its durable calls, and the ways between them.

mod code;
mod deployed;
mod dot;
mod drawing;
mod edge;
mod joint;
mod mermaid;
mod part;
mod picture;
mod site;
mod splice;

pub use code::{Code, combined, hash_text};
pub use deployed::{DeployedMachine, MachineFilter};
pub use drawing::Machine;
pub use edge::{Edge, Node, Way, edge};
pub use joint::{Joint, JointKind, joint};
pub use part::{Part, PartCode, WorkflowPart, part};
pub use site::{Site, SiteKind, site};
