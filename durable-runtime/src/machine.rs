//! What the attribute macros know about a workflow, as data.

mod site;
mod workflow;

pub use site::Site;
pub use workflow::Workflow;
