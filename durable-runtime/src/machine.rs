//! What the attribute macros know about a workflow: its durable calls, and the ways between them.

mod code;
mod deployed;
mod drawing;
mod edge;
mod site;

pub use code::Code;
pub use deployed::{DeployedMachine, MachineFilter};
pub use drawing::Machine;
pub use edge::{Edge, Way};
pub use site::{Site, SiteKind, site};
