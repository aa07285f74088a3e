//! Durable execution for async Rust: an `async fn` whose every durable call is checkpointed, so that it goes on exactly
//! where a crash interrupted it. In PostgreSQL, or in one SQLite file.
//!
//! ```
//! use durable_runtime::prelude::*;
//!
//! #[step(max_attempts = 3, interval = "1s")]
//! async fn fetch(ctx: StepContext, url: String) -> anyhow::Result<String> {
//!     Ok(format!("the text at {url}"))
//! }
//!
//! #[workflow]
//! async fn summarize(ctx: WorkflowContext, urls: Vec<String>) -> anyhow::Result<usize> {
//!     let mut length = 0;
//!     for url in urls {
//!         length += fetch(&ctx, url).await?.len();
//!     }
//!     Ok(length)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> anyhow::Result<()> {
//! # let folder = tempfile::tempdir()?;
//! # let url = format!("sqlite://{}", folder.path().join("app.db").display());
//! let durable = Durable::open(url).register::<summarize>().launch().await?;
//! let length = summarize(&durable, vec!["a".into(), "b".into()]).id("run-1").await?;
//! assert_eq!(length, 26);
//! # durable.shutdown(std::time::Duration::from_secs(1)).await;
//! # Ok(())
//! # }
//! ```

#[cfg(not(any(feature = "postgres", feature = "sqlite")))]
compile_error!("durable-runtime needs a store: enable its feature `sqlite`, `postgres`, or both");

mod call;
#[cfg(feature = "cli")]
pub mod cli;
mod client;
mod clock;
mod context;
mod cron;
mod durable;
mod engine;
mod error;
mod failure;
mod ids;
mod journal;
mod machine;
mod queue;
mod saga;
mod schedule;
mod select;
mod state;
mod store;
mod task;
pub mod testing;
mod value;
mod workflow;

pub use call::{
    Enqueue, Fork, Message, Retry, Rewind, RunsAgain, RunsInTransaction, RunsOnce, Sending,
    Spawned, StepCall, StepCaller, StreamReader, Untyped, WorkflowCall, WorkflowCaller,
    WorkflowHandle, WorkflowIds,
};
pub use client::{Client, GarbageCollection, RenameApplication};
pub use context::{Connection, StepContext, TransactionContext, WorkflowContext};
pub use durable::{Builder, Durable};
pub use durable_macros::{step, transaction, workflow, workflow_part};
pub use engine::{DuplicationPolicy, ForeignWakes};
pub use error::{
    CodeNow, Divergence, Error, ErrorRecord, NotUndone, RecordedCode, Result, SagaError,
    StoreError, Undo,
};
pub use failure::DurableError;
pub use machine::{
    Code, DeployedMachine, Edge, Joint, JointKind, Machine, MachineFilter, Node, Part, PartCode,
    Site, SiteKind, Way, WorkflowPart,
};
pub use queue::{OnConflict, Queue};
pub use saga::Saga;
pub use schedule::{Schedule, ScheduleFilter, ScheduleState, ScheduleStatus};
pub use store::{
    ApplicationVersion, GroupBy, RegisteredQueue, RenamedRows, Status, StepCount, StepCountFilter,
    StepFilter, StepStatus, Synchronous, WorkflowCount, WorkflowFilter, WorkflowStatus,
};
/// Waits for several calls at once, each in one branch: a call takes its position when it is made, so the branches may
/// end in any order. A branch is one call; what needs several belongs into a child workflow.
pub use tokio::join;
pub use uuid::Uuid;
pub use value::{Passed, StepResult, Value};
pub use workflow::Workflow;

/// What most programs need: `use durable_runtime::prelude::*`.
pub mod prelude {
    pub use crate::{
        Connection, Durable, Queue, StepContext, TransactionContext, WorkflowContext,
        WorkflowHandle,
    };
    pub use crate::{step, transaction, workflow, workflow_part};
}

/// What the attribute macros expand to. No part of the interface: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::call::{
        Repeatable, StepCaller, StepOptions, Won, WorkflowCaller, never, repeatable_step, select,
        step, transaction, workflow,
    };
    pub use crate::failure::{ErrorCodec, error_codec};
    pub use crate::machine::{combined, edge, hash_text, joint, part, site};
    pub use crate::value::StepResult;
}

/// The examples in the documents of the repository compile.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/queues.md")]
    struct Queues;
    #[doc = include_str!("../../docs/schedules.md")]
    struct Schedules;
    #[doc = include_str!("../../docs/workflows.md")]
    struct Workflows;
    #[doc = include_str!("../../docs/communication.md")]
    struct Communication;
    #[doc = include_str!("../../docs/operations.md")]
    struct Operations;
    #[doc = include_str!("../../docs/sagas.md")]
    struct Sagas;
    #[doc = include_str!("../../docs/managing.md")]
    struct Managing;
    #[doc = include_str!("../../docs/versioning.md")]
    struct Versioning;
    #[doc = include_str!("../../docs/machine.md")]
    struct Machine;
}
