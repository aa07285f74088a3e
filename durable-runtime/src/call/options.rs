use std::time::Duration;

use serde_json::Value as Json;

use super::enqueue::Enqueue;
use super::workflow::WorkflowCall;
use crate::engine::{DuplicationPolicy, Timeout};
use crate::workflow::Workflow;

/// How a workflow is started is said in the same words whether it is known by its type or by its name.
macro_rules! options_of {
    (impl[$($generics:tt)*] $call:ty) => {
        impl<$($generics)*> $call {
            /// Makes a start under an id that exists an error, [`Error::WorkflowIdInUse`](crate::Error::WorkflowIdInUse).
            pub fn reject_existing(self) -> Self {
                self.with(|options| options.reject_existing = true)
            }

            /// Its priority on the queue, from 1: the lowest number goes first. Unset it goes before all others.
            pub fn priority(self, priority: u32) -> Self {
                self.with(|options| options.priority = Some(priority))
            }

            /// The partition of the queue that it waits in: limits of a partition hold for each key.
            pub fn partition_key(self, key: impl Into<String>) -> Self {
                self.with(|options| options.partition_key = Some(key.into()))
            }

            /// Lets only one workflow with this id be on the queue, from its enqueueing to its end.
            pub fn deduplication_id(self, id: impl Into<String>) -> Self {
                self.with(|options| options.deduplication_id = Some(id.into()))
            }

            /// What happens when the queue holds a workflow with the deduplication id.
            pub fn duplication_policy(self, policy: DuplicationPolicy) -> Self {
                self.with(|options| options.duplication_policy = policy)
            }

            /// Lets it wait before it takes its place on the queue.
            pub fn delay(self, delay: Duration) -> Self {
                self.with(|options| options.delay = Some(delay))
            }

            /// Cancels it when it takes longer, counted from its start; what waits on a queue has not started. Unless
            /// set, a child has the deadline of its parent.
            pub fn timeout(self, limit: Duration) -> Self {
                self.with(|options| options.timeout = Timeout::After(limit))
            }

            /// Lets it take as long as it likes, whatever the deadline of its parent.
            pub fn no_timeout(self) -> Self {
                self.with(|options| options.timeout = Timeout::None)
            }

            /// On whose behalf it runs. Unless set, a child runs on behalf of whom its parent does.
            pub fn user(self, name: impl Into<String>) -> Self {
                self.with(|options| options.user = Some(name.into()))
            }

            /// The roles of the user. A workflow that requires roles runs only for somebody who has one of them.
            pub fn roles<R: Into<String>>(self, roles: impl IntoIterator<Item = R>) -> Self {
                self.with(|options| {
                    options.roles = Some(roles.into_iter().map(Into::into).collect());
                })
            }

            /// Notes something about it, to find it by. Not passed on to children.
            pub fn attribute(self, key: impl Into<String>, value: impl Into<Json>) -> Self {
                self.with(|options| {
                    let attributes = options.attributes.get_or_insert_default();
                    attributes.insert(key.into(), value.into());
                })
            }
        }
    };
}

options_of!(impl[W: Workflow] WorkflowCall<'_, W>);
options_of!(impl[] Enqueue<'_>);
