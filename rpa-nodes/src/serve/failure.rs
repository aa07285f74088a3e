use std::net::SocketAddr;

use crate::run::StartError;
use crate::secrets::SecretError;

/// Why workflows cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Nothing would ever start it.
    #[error(
        "nothing starts the workflow `{name}`; add a WebhookTriggerNode, a ScheduleTriggerNode or another trigger"
    )]
    NoTrigger {
        /// The workflow.
        name: String,
    },
    /// Two workflows are called the same, so that their runs could not be told apart.
    #[error("two workflows are called `{name}`; rename one of the files")]
    SameName {
        /// The name.
        name: String,
    },
    /// Two triggers wait at the same address.
    #[error("two triggers wait at {path}; set another `endpoint` for one of them")]
    SamePath {
        /// The address.
        path: String,
    },
    /// A trigger means nothing.
    #[error("the trigger `{node}` of the workflow `{name}`: {reason}")]
    Trigger {
        /// The workflow.
        name: String,
        /// The id of the node.
        node: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The address cannot be used.
    #[error("cannot wait for requests at {address}: {reason}; choose another one with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        reason: std::io::Error,
    },
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A run cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The runtime reports something.
    #[error(transparent)]
    Durable(#[from] durable_runtime::Error),
}
