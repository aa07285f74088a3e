//! Who waits for what to be written, and how they learn of it.
//!
//! Waiters are woken at once by what is written in this process. What is written elsewhere is told by NOTIFY, where the
//! database has it; of a file it is seen that others wrote, and everybody looks. And as a notification may be lost, and
//! some writers never send any, every waiter looks for itself from time to time.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::{Engine, Phase, patiently};
use crate::error::StoreError;
use crate::store::{Channel, Effect, Heard, Listener, NO_TOPIC, StoreResult, ended};
use crate::{clock, ids};

/// How often a waiter looks for itself while a listener hears what others write, and while none does.
const RECHECK_LISTENING: Duration = Duration::from_secs(60);
const RECHECK: Duration = Duration::from_secs(1);
/// How long notifications gather after some were sent.
const GATHER: Duration = Duration::from_millis(10);
/// How many go in one statement, and how many wait at most while the database is away.
const CHUNK: usize = 1000;
const OUTBOX: usize = 16 * CHUNK;
/// A listener that heard nothing for this long tells itself something, to find out whether it is deaf.
const SILENCE: Duration = Duration::from_secs(60);
/// How long what it tells itself may take.
const ECHO: Duration = Duration::from_secs(10);
/// The first wait before listening again, and the longest.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LONGEST: Duration = Duration::from_secs(60);

/// Something that may be written: on which channel, with which payload.
type Topic = (Channel, String);

#[derive(Debug)]
pub(crate) struct Notifier {
    waiting: Arc<Waiting>,
    outbox: Mutex<HashSet<Topic>>,
    filled: Notify,
    /// Others are told, and heard.
    is_shared: bool,
    /// A listener hears what others write.
    listening: AtomicBool,
    /// Somebody wants to hear of it.
    wanted: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Waiting {
    topics: Mutex<HashMap<Topic, watch::Sender<()>>>,
}

impl Waiting {
    fn topics(&self) -> MutexGuard<'_, HashMap<Topic, watch::Sender<()>>> {
        // Insertions and removals leave the map whole even if a panic interrupts their caller.
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits for something to be written. Registered before the first look, so that nothing is missed between a
/// look and the wait that follows it.
#[derive(Debug)]
pub(crate) struct Interest {
    waiting: Arc<Waiting>,
    topic: Topic,
    written: watch::Receiver<()>,
}

impl Interest {
    /// To be called before each look at the database: what is written from now on ends the next wait.
    pub(crate) fn look(&mut self) {
        self.written.mark_unchanged();
    }

    /// Completes when something was written since the last look. Cancel safe.
    pub(crate) async fn written(&mut self) {
        if self.written.changed().await.is_err() {
            // The sender goes after its last receiver: it cannot be gone while this runs.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        let mut topics = self.waiting.topics();
        let last = topics
            .get(&self.topic)
            .is_some_and(|sender| sender.receiver_count() <= 1);
        if last {
            topics.remove(&self.topic);
        }
    }
}

impl Notifier {
    /// `is_shared`: other processes use the database, and can be told and heard. A runtime wants to hear from the start,
    /// a client when it begins to wait for something.
    pub(super) fn new(is_shared: bool, is_client: bool) -> Self {
        Self {
            waiting: Arc::default(),
            outbox: Mutex::default(),
            filled: Notify::new(),
            is_shared,
            listening: AtomicBool::new(false),
            wanted: watch::Sender::new(!is_client),
        }
    }

    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn outbox(&self) -> MutexGuard<'_, HashSet<Topic>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that somebody begins to wait.
    pub(crate) fn interest(&self, channel: Channel, payload: String) -> Interest {
        self.want();
        let topic = (channel, payload);
        let mut topics = self.waiting.topics();
        let sender = topics
            .entry(topic.clone())
            .or_insert_with(|| watch::Sender::new(()));
        Interest {
            written: sender.subscribe(),
            waiting: Arc::clone(&self.waiting),
            topic,
        }
    }

    /// Takes note that this process waits for something that others may write.
    pub(crate) fn want(&self) {
        self.wanted
            .send_if_modified(|wanted| !std::mem::replace(wanted, true));
    }

    /// How long a waiter waits before it looks for itself.
    pub(crate) fn recheck(&self) -> Duration {
        match self.listening.load(Ordering::Acquire) {
            true => RECHECK_LISTENING,
            false => RECHECK,
        }
    }

    /// Something was written by this process, and is durable.
    pub(crate) fn wrote(&self, channel: Channel, payload: String) {
        let topic = (channel, payload);
        self.wake(&topic);
        // A trigger of the database tells of messages.
        if self.is_shared && channel != Channel::Messages {
            let mut outbox = self.outbox();
            if outbox.len() < OUTBOX {
                outbox.insert(topic);
            }
            drop(outbox);
            self.filled.notify_one();
        }
    }

    /// What a step wrote is durable.
    pub(super) fn wrote_effect(&self, workflow_id: &str, effect: &Effect) {
        match effect {
            Effect::Event { key, .. } => self.wrote(Channel::Events, payload(workflow_id, key)),
            Effect::Append { key, .. } => self.wrote(Channel::Streams, payload(workflow_id, key)),
            Effect::Message(message) => {
                let topic = message.topic.as_deref().unwrap_or(NO_TOPIC);
                self.wrote(Channel::Messages, payload(&message.destination, topic));
            }
            Effect::Consume { .. } => {}
        }
    }

    fn wake(&self, topic: &Topic) {
        if let Some(sender) = self.waiting.topics().get(topic) {
            sender.send_replace(());
        }
    }

    fn wake_all(&self) {
        for sender in self.waiting.topics().values() {
            sender.send_replace(());
        }
    }
}

/// What is told of a key or topic of a workflow.
pub(crate) fn payload(workflow_id: &str, key: &str) -> String {
    format!("{workflow_id}::{key}")
}

impl Engine {
    /// Looks until there is something, or the time is up.
    pub(crate) async fn look_until<T, F>(
        &self,
        interest: &mut Interest,
        end: i64,
        mut look: impl FnMut() -> F,
    ) -> StoreResult<Option<T>>
    where
        F: Future<Output = StoreResult<Option<T>>>,
    {
        loop {
            interest.look();
            let found = patiently(&mut look).await?;
            let left = clock::until(end);
            if found.is_some() || left.is_zero() {
                return Ok(found);
            }
            let wait = left.min(self.notifier.recheck());
            // Whether something was written or not, the next look tells.
            let _ = clock::timeout(wait, interest.written()).await;
        }
    }

    /// A workflow was put on a queue, and is durable.
    pub(crate) fn enqueued(&self, queue: &str) {
        self.wake_queue(queue);
        self.notifier.wrote(Channel::Queues, queue.to_owned());
    }

    /// Tells others what gathered. Best effort: what cannot be told, they find out by looking.
    pub(super) async fn tell_others(&self) {
        let written: Vec<Topic> = self.notifier.outbox().drain().collect();
        for chunk in written.chunks(CHUNK) {
            if let Err(error) = self.store.notify(chunk).await {
                tracing::debug!(%error, "cannot tell others what was written; they look for themselves");
            }
        }
    }

    fn heard(&self, heard: Heard) {
        match heard.channel {
            Channel::Queues => self.wake_queue(&heard.payload),
            Channel::Completions => {
                for id in ended(&heard.payload) {
                    self.may_have_ended(&id);
                    self.notifier.wake(&(Channel::Completions, id));
                }
                return;
            }
            Channel::Messages | Channel::Events | Channel::Streams => {}
        }
        self.notifier.wake(&(heard.channel, heard.payload));
    }

    /// How long it takes at least until everybody looks again because a file changed: the longer, the more there are, so
    /// that their looks are a small part of what the machine does.
    fn pause(&self) -> Duration {
        const TOGETHER: usize = 10;
        let waiting = self.notifier.waiting.topics().len() + self.completions.len();
        let all = waiting + self.running().len();
        let times = u32::try_from(1 + all / TOGETHER).unwrap_or(u32::MAX);
        GATHER.saturating_mul(times).min(RECHECK)
    }

    /// Lets everybody look: notifications may have been missed.
    fn recheck_all(&self) {
        self.notifier.wake_all();
        self.completions.ask_all();
        self.wake_queues();
    }
}

/// Tells others what this process writes, until the runtime stops.
pub(super) async fn tell(engine: Arc<Engine>) {
    loop {
        tokio::select! {
            () = engine.notifier.filled.notified() => {}
            () = engine.reached(Phase::Stopped) => return,
        }
        engine.tell_others().await;
        clock::sleep(GATHER).await;
    }
}

/// Hears what others write, until the runtime stops.
pub(super) async fn listen(engine: Arc<Engine>) {
    let mut wanted = engine.notifier.wanted.subscribe();
    let listening = async {
        // The sender lives in the engine, so this ends only by somebody wanting it.
        let _ = wanted.wait_for(|wanted| *wanted).await;
        let mut wait = RETRY_FIRST;
        loop {
            match listen_once(&engine, &mut wait).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(%error, "cannot hear what others write; asking once a second");
                }
            }
            if engine.notifier.listening.swap(false, Ordering::AcqRel) {
                engine.recheck_all();
            }
            clock::sleep(wait).await;
            wait = (wait * 2).min(RETRY_LONGEST);
        }
    };
    tokio::select! {
        () = listening => {}
        () = engine.reached(Phase::Stopped) => {}
    }
}

/// Lets everybody look when another process wrote something, until the runtime stops.
pub(super) async fn watch(engine: Arc<Engine>) {
    let mut wanted = engine.notifier.wanted.subscribe();
    let watching = async {
        // The sender lives in the engine, so this ends only by somebody wanting it.
        let _ = wanted.wait_for(|wanted| *wanted).await;
        loop {
            engine.store.changed().await;
            engine.recheck_all();
            clock::sleep(engine.pause()).await;
        }
    };
    tokio::select! {
        () = watching => {}
        () = engine.reached(Phase::Stopped) => {}
    }
}

/// Listens until the connection is lost; `Ok` where there is nothing to listen to.
async fn listen_once(engine: &Engine, wait: &mut Duration) -> StoreResult<()> {
    let Some(mut listener) = engine.store.listen().await? else {
        return Ok(());
    };
    // A connection pooler may take the request to listen and never deliver anything.
    echo(engine, listener.as_mut()).await?;
    engine.notifier.listening.store(true, Ordering::Release);
    // What was written before this connection listened is not told.
    engine.recheck_all();
    *wait = RETRY_FIRST;
    loop {
        match clock::timeout(SILENCE, listener.next()).await {
            Some(heard) => engine.heard(heard?),
            None => echo(engine, listener.as_mut()).await?,
        }
    }
}

/// Tells the listener something, and waits until it hears it.
async fn echo(engine: &Engine, listener: &mut dyn Listener) -> StoreResult<()> {
    let token = ids::token();
    engine
        .store
        .notify(&[(Channel::Completions, token.clone())])
        .await?;
    let heard = clock::timeout(ECHO, async {
        loop {
            let heard = listener.next().await?;
            if heard.channel == Channel::Completions && ended(&heard.payload).contains(&token) {
                return Ok(());
            }
            engine.heard(heard);
        }
    });
    heard.await.unwrap_or(Err(StoreError::Deaf))
}
