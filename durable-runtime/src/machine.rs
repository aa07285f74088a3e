//! What the attribute macros know about a workflow, as data.

mod site;

pub use site::Site;
