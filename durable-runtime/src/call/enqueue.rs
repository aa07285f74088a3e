use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::caller::Caller;
use super::handle::{Untyped, WorkflowHandle};
use super::workflow::{CallSite, start_or_put_off};
use crate::context::{Connection, WorkflowContext};
use crate::engine::{StartOptions, Target, Watched};
use crate::error::{Error, Result};
use crate::value::{self, Passed, Value};

/// A workflow that is about to be put on a queue by its name: one of another program, perhaps in another language.
///
/// # Durability
/// It is in the database when [`start`](Self::start) returns.
#[must_use = "nothing is enqueued before `start`"]
pub struct Enqueue<'c> {
    caller: Caller,
    site: Option<CallSite>,
    target: Target,
    arguments: Result<Passed>,
    options: StartOptions,
    context: PhantomData<&'c ()>,
}

impl fmt::Debug for Enqueue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enqueue")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl WorkflowContext {
    /// Puts a child workflow on a queue by its name: one that this program does not have.
    #[track_caller]
    pub fn enqueue(&self, workflow: impl Into<String>, queue: impl Into<String>) -> Enqueue<'_> {
        let execution = self.execution();
        let site = CallSite {
            position: execution.claim_position(),
            second: None,
            location: Location::caller(),
        };
        let caller = Caller {
            engine: std::sync::Arc::clone(&execution.engine),
            parent: Some(std::sync::Arc::clone(execution)),
            application: None,
        };
        Enqueue::new(caller, Some(site), workflow.into(), queue.into())
    }
}

impl<'c> Enqueue<'c> {
    pub(crate) fn new(
        caller: Caller,
        site: Option<CallSite>,
        workflow: String,
        queue: String,
    ) -> Self {
        let application = caller.application.clone();
        Self {
            caller,
            site,
            target: Target::Named {
                name: workflow,
                class: None,
                config: None,
                application,
            },
            arguments: Ok(Passed::default()),
            options: StartOptions {
                queue: Some(queue),
                ..StartOptions::default()
            },
            context: PhantomData,
        }
    }

    /// The next argument.
    pub fn arg(self, value: &(impl Serialize + ?Sized)) -> Self {
        let text = self.text(value);
        self.add(text, |arguments, text| arguments.positional.push(text))
    }

    /// An argument by its name.
    pub fn named_arg(self, name: impl Into<String>, value: &(impl Serialize + ?Sized)) -> Self {
        let text = self.text(value);
        self.add(text, |arguments, text| {
            arguments.named.push((name.into(), text))
        })
    }

    /// The class that the workflow belongs to.
    pub fn class(self, name: impl Into<String>) -> Self {
        self.with_target(|class, _, _| *class = Some(name.into()))
    }

    /// The configured instance of the class, in languages that have those.
    pub fn instance(self, name: impl Into<String>) -> Self {
        self.with_target(|_, config, _| *config = Some(name.into()))
    }

    /// The application that runs the workflow. Unless set, that of the caller.
    pub fn application(self, name: impl Into<String>) -> Self {
        self.with_target(|_, _, application| *application = Some(name.into()))
    }

    /// Runs under this id. Enqueueing an id that exists gives the handle of that run.
    pub fn id(self, id: impl Into<String>) -> Self {
        self.with(|options| options.id = Some(id.into()))
    }

    /// The application version that may run it. Unless set, the latest.
    pub fn version(self, version: impl Into<String>) -> Self {
        self.with(|options| options.version = Some(version.into()))
    }

    fn text(&self, value: &(impl Serialize + ?Sized)) -> Result<Box<RawValue>> {
        to_raw_value(value).map_err(|reason| {
            let what = format!("an argument of workflow `{}`", self.target.name());
            Error::unwritable(what, &reason)
        })
    }

    /// Adds an argument; the first one that cannot be written is told when it is started.
    fn add(
        mut self,
        text: Result<Box<RawValue>>,
        push: impl FnOnce(&mut Passed, Box<RawValue>),
    ) -> Self {
        match (&mut self.arguments, text) {
            (Ok(arguments), Ok(text)) => push(arguments, text),
            (arguments @ Ok(_), Err(error)) => *arguments = Err(error),
            (Err(_), _) => {}
        }
        self
    }

    /// Takes one more position for a debounced call.
    pub(super) fn debounced(mut self) -> Self {
        if let (Some(site), Some(parent)) = (&mut self.site, &self.caller.parent) {
            site.second.get_or_insert_with(|| parent.claim_position());
        }
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut StartOptions)) -> Self {
        change(&mut self.options);
        self
    }

    fn with_target(
        mut self,
        change: impl FnOnce(&mut Option<String>, &mut Option<String>, &mut Option<String>),
    ) -> Self {
        if let Target::Named {
            class,
            config,
            application,
            ..
        } = &mut self.target
        {
            change(class, config, application);
        }
        self
    }

    /// Puts it on the queue. `T` is what its result is read as.
    ///
    /// # Errors
    /// An argument cannot be written as JSON; the options contradict each other; the id belongs to another workflow;
    /// the deduplication id is held; the database refuses.
    pub fn start<T: Value>(
        self,
    ) -> impl Future<Output = Result<WorkflowHandle<Untyped<T>>>> + Send + 'c {
        let input = self.arguments;
        let input = input.and_then(|input| value::encode_arguments(input, self.target.name()));
        async move {
            let watched = match self.site {
                Some(site) => {
                    let name = self.target.name().to_owned();
                    self.caller.watched(name, site.location)
                }
                None => Watched::outside(),
            };
            let start = start_or_put_off(self.caller, self.site, self.target, input?, self.options);
            watched.around(start).await
        }
    }

    /// Puts it on the queue in a transaction of the caller's own: it exists when that commits. Gives the id.
    ///
    /// # Errors
    /// As [`start`](Self::start); within a workflow this is not allowed, because the call would not be recorded.
    pub async fn start_in(self, connection: Connection<'_>) -> Result<String> {
        let input = value::encode_arguments(self.arguments?, self.target.name())?;
        if self.caller.parent.is_some() {
            return Err(Error::Misuse(format!(
                "workflow `{}` cannot be enqueued in a transaction of another workflow's code; use `start`",
                self.target.name()
            )));
        }
        if self.options.debounce.is_some() {
            return Err(Error::Misuse(format!(
                "workflow `{}` cannot be debounced in a transaction of the caller's; use `start`",
                self.target.name()
            )));
        }
        let engine = self.caller.engine;
        engine
            .start_in(connection.into(), self.target, input, self.options)
            .await
    }
}
