//! Workflows that start by themselves: when their address is asked, at the times of a schedule, when a file changes, when
//! there is something new in a feed, a mailbox or a stream, when another run fails.
//!
//! What a trigger starts is a run on the queue of the database, under an id that is made of what happened: the key of the
//! request, the time, the version of the file, the item of the feed. So whatever happens twice, or is seen by several servers, starts one run.

mod access;
mod chat;
mod errors;
mod failure;
#[cfg(feature = "feeds")]
mod feed;
mod form;
#[cfg(feature = "mail")]
mod inbox;
mod key;
mod listen;
mod page;
mod poll;
mod schedule;
mod settings;
mod starter;
mod stream;
mod watch;
mod webhook;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch as signal;

pub use self::failure::ServeError;
use self::listen::Door;
use self::poll::Source;
use self::starter::Starter;
use crate::document::Workflow;
use crate::run::{WorkOptions, interrupted, launch};

/// A workflow with triggers.
#[derive(Debug, Clone)]
pub struct Served {
    /// What its runs are called: they have ids that begin so.
    pub name: String,
    /// The workflow.
    pub workflow: Workflow,
    /// What was repaired so that it can be run; none if it was not loaded leniently.
    pub repairs: Option<Vec<String>>,
}

/// How workflows are served.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The database, and how runs are worked on.
    pub work: WorkOptions,
    /// Whether this process works on what is started; else workers do.
    pub works: bool,
    /// The workflows.
    pub workflows: Vec<Served>,
    /// Where webhooks are waited for.
    pub listen: SocketAddr,
    /// The folder that relative paths begin at.
    pub folder: PathBuf,
}

/// Waits for triggers, and starts what they ask for, until the process is asked to end. What is served is told, a line for
/// each trigger.
///
/// # Errors
/// The database or the address cannot be used, or a trigger means nothing.
pub async fn serve(options: ServeOptions, mut tell: impl FnMut(String)) -> Result<(), ServeError> {
    let mut doors = Vec::new();
    let mut watches = Vec::new();
    let mut ticks = Vec::new();
    let mut sources: Vec<(&Served, Box<dyn Source>)> = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    for served in &options.workflows {
        if !names.insert(&served.name) {
            return Err(ServeError::SameName {
                name: served.name.clone(),
            });
        }
        let mut any = false;
        for (settings, trigger) in settings::triggers(served, &options.work.host)? {
            any = true;
            match trigger {
                settings::Trigger::Webhook => {
                    doors.push((served, Door::Hook(webhook::Hook::new(&settings)?)));
                }
                settings::Trigger::Chat => {
                    doors.push((served, Door::Chat(chat::Chat::new(&settings)?)));
                }
                settings::Trigger::Form => {
                    doors.push((served, Door::Form(form::Form::new(&settings)?)));
                }
                settings::Trigger::Watch => {
                    watches.push((served, watch::Watched::new(&settings, &options)?));
                }
                settings::Trigger::Schedule => ticks.push((served, settings)),
                settings::Trigger::Call => {}
                settings::Trigger::Stream => {
                    sources.push((served, Box::new(stream::Stream::new(&settings)?)));
                }
                settings::Trigger::Errors => {
                    sources.push((served, Box::new(errors::Errors::new(&settings)?)));
                }
                #[cfg(feature = "feeds")]
                settings::Trigger::Feed => {
                    sources.push((served, Box::new(feed::Feed::new(&settings)?)));
                }
                #[cfg(feature = "mail")]
                settings::Trigger::Inbox => {
                    let inbox = inbox::Inbox::new(&settings, &options)?;
                    sources.push((served, Box::new(inbox)));
                }
            }
        }
        if !any {
            return Err(ServeError::NoTrigger {
                name: served.name.clone(),
            });
        }
    }
    let listener =
        match doors.is_empty() {
            true => None,
            false => Some(TcpListener::bind(options.listen).await.map_err(|reason| {
                ServeError::Listen {
                    address: options.listen,
                    reason,
                }
            })?),
        };
    let durable = launch(&options.work, options.works).await?;
    let starter =
        |served: &Served, node: &str| Starter::new(&durable, &options, served, node).map(Arc::new);
    let (end, ended) = signal::channel(());
    let mut tasks = tokio::task::JoinSet::new();
    for line in schedule::apply(&durable, &options, &ticks).await? {
        tell(line);
    }
    for (served, watched) in watches {
        tell(format!("{}: watches {}", served.name, watched.folder()));
        let starter = starter(served, watched.node())?;
        let look = watch::Look::new(watched, starter).await?;
        tasks.spawn(watch::watch(look, ended.clone()));
    }
    for (served, source) in sources {
        tell(format!("{}: {}", served.name, source.says()));
        let starter = starter(served, source.node())?;
        source.wait(starter, &mut tasks, ended.clone());
    }
    if let Some(listener) = listener {
        let address = listener.local_addr().unwrap_or(options.listen);
        let mut served_doors = Vec::new();
        for (served, door) in doors {
            tell(format!("{}: {}", served.name, door.says(address)));
            served_doors.push((door, starter(served, "")?));
        }
        let server = listen::Server::new(served_doors)?;
        tasks.spawn(listen::serve(listener, Arc::new(server), ended.clone()));
    }
    tell("ready".to_owned());
    interrupted().await;
    drop(ended);
    drop(end);
    while tasks.join_next().await.is_some() {}
    durable.shutdown(options.work.grace).await;
    Ok(())
}
