//! Triggers that fire when a mail comes.
//!
//! A mail is known by its head: what servers on the way wrote there makes it another than all others, and it stays the same
//! when the folder numbers its mails anew. A mail is marked as read when its run is durable, not before.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch as signal;
use tokio::task::JoinSet;

use super::key::hash;
use super::poll::{Missed, Poll, Source, aside, first, poll};
use super::settings::Settings;
use super::starter::{Started, Starter};
use super::{ServeError, ServeOptions};
use crate::fault::Fault;
use crate::host::Host;
use crate::mail::{Account, Line, Mailbox, Stored, attachments, content};
use crate::nodes::write_whole;
use crate::value::Object;

/// How long the server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// In seconds.
const DAY: i64 = 86_400;

/// A folder of mails, and which of them count.
#[derive(Debug, Clone)]
pub(super) struct Inbox {
    node: String,
    account: Account,
    folder: String,
    subject: String,
    from: String,
    unread: bool,
    marks: bool,
    every: Duration,
    saves: Option<Shelf>,
}

/// Where attachments are written to, a folder for each mail.
#[derive(Debug, Clone)]
struct Shelf {
    host: Host,
    here: String,
    folder: PathBuf,
}

impl Inbox {
    pub(super) fn new(settings: &Settings, options: &ServeOptions) -> Result<Self, ServeError> {
        let provider = settings.text("provider");
        if provider != "imap" {
            return Err(settings.refuse(format!(
                "`provider` is `{provider}`, which lets programs in by OAuth only, and that cannot be done here; choose `imap` with \
                 the server's name and a password for programs"
            )));
        }
        let needed = |property: &str| match settings.text(property) {
            text if text.is_empty() => {
                Err(settings.refuse(format!("`{property}` is empty; set it")))
            }
            text => Ok(text),
        };
        let port = u16::try_from(settings.integer("port"))
            .ok()
            .filter(|port| *port > 0);
        let port = port.ok_or_else(|| settings.refuse("`port` is no port; that of IMAP is 993"))?;
        let saves = match settings.flag("download_attachments") {
            false => None,
            true => {
                let here = options.folder.to_str().unwrap_or_default();
                let host = options.work.host.clone();
                let folder = host.file(here, &needed("attachment_dir")?);
                let folder = folder.map_err(|fault| settings.refuse(fault.message))?;
                let here = here.to_owned();
                Some(Shelf { host, here, folder })
            }
        };
        Ok(Self {
            node: settings.node.clone(),
            account: Account {
                host: needed("server")?,
                port,
                username: needed("username")?,
                password: needed("password")?,
                is_secure: settings.flag("use_ssl"),
                patience: PATIENCE,
            },
            folder: needed("folder")?,
            subject: settings.text("filter_subject").to_lowercase(),
            from: settings.text("filter_from").to_lowercase(),
            unread: settings.flag("unread_only"),
            marks: settings.flag("mark_as_read"),
            every: settings.interval("poll_interval_seconds", 1.0)?,
            saves,
        })
    }

    fn counts(&self, mail: &Value) -> bool {
        let has = |field: &str, text: &str| {
            let said = mail.get(field).and_then(Value::as_str).unwrap_or_default();
            said.to_lowercase().contains(text)
        };
        has("subject", &self.subject) && has("from", &self.from)
    }

    fn open(&self) -> Result<(Mailbox, u32), Fault> {
        let mut mailbox = Mailbox::open(&self.account)?;
        let valid = mailbox.select(&self.folder, self.marks)?;
        Ok((mailbox, valid))
    }
}

impl Shelf {
    /// Writes what a mail has with it. Gives the paths.
    fn keep(&self, key: &str, mail: &Stored) -> Result<Vec<String>, Fault> {
        let mut paths = Vec::new();
        for attached in attachments(&mail.content) {
            let path = self.folder.join(key).join(&attached.name);
            // A link there may lead out of what runs may use.
            let path = self.host.file(&self.here, &path.to_string_lossy())?;
            write_whole(&path, &attached.content, true)?;
            let path = std::path::absolute(&path).unwrap_or(path);
            paths.push(path.display().to_string());
        }
        Ok(paths)
    }
}

/// What a run is told of a mail.
fn outputs(mail: &Stored, paths: &[String]) -> Object {
    let mut content = content(mail, true);
    if let Some(Value::Array(attached)) = content.get_mut("attachments") {
        for (attached, path) in attached.iter_mut().zip(paths) {
            if let Value::Object(attached) = attached {
                attached.insert("path".to_owned(), path.as_str().into());
            }
        }
    }
    let of = |field: &str| content.get(field).cloned().unwrap_or_default();
    let outputs = json!({
        "subject": of("subject"),
        "sender": of("from"),
        "body": of("body_text"),
        "html_body": of("body_html"),
        "attachments": of("attachments"),
        "received_at": of("date"),
        "email": content,
    });
    outputs.as_object().cloned().unwrap_or_default()
}

impl Source for Inbox {
    fn node(&self) -> &str {
        &self.node
    }

    fn says(&self) -> String {
        format!(
            "reads the mails of {} in {} on {}",
            self.account.username, self.folder, self.account.host
        )
    }

    fn wait(
        self: Box<Self>,
        starter: Arc<Starter>,
        tasks: &mut JoinSet<()>,
        end: signal::Receiver<()>,
    ) {
        let look = Look {
            inbox: *self,
            starter,
            begun: None,
            valid: 0,
            seen: BTreeSet::new(),
        };
        tasks.spawn(poll(look, end));
    }
}

/// What was seen of a folder.
struct Look {
    inbox: Inbox,
    starter: Arc<Starter>,
    begun: Option<Begun>,
    /// What the numbers of mails are valid with.
    valid: u32,
    /// The numbers of mails that are settled.
    seen: BTreeSet<u32>,
}

/// How the folder was when it was looked at for the first time, by anybody.
#[derive(Debug, Clone)]
struct Begun {
    valid: u32,
    /// The number of the last mail.
    last: u32,
    /// When that was, in seconds since 1970.
    time: i64,
}

impl Begun {
    fn read(said: &[String]) -> Option<Self> {
        let [valid, last, time] = said else {
            return None;
        };
        Some(Self {
            valid: valid.parse().ok()?,
            last: last.parse().ok()?,
            time: time.parse().ok()?,
        })
    }
}

impl Poll for Look {
    fn every(&self) -> Duration {
        self.inbox.every
    }

    fn place(&self) -> String {
        format!(
            "{}:{} {}",
            self.inbox.account.host, self.inbox.account.port, self.inbox.folder
        )
    }

    async fn once(&mut self) -> Result<Duration, Missed> {
        let inbox = self.inbox.clone();
        let (mut mailbox, valid) = aside(move || inbox.open()).await?;
        if valid != self.valid {
            self.valid = valid;
            self.seen.clear();
        }
        let begun = match &self.begun {
            Some(begun) => begun.clone(),
            None => {
                let found;
                (mailbox, found) = aside(move || {
                    let found = mailbox.search(Line::new("ALL"))?;
                    Ok((mailbox, found))
                })
                .await?;
                let last = found.last().copied().unwrap_or_default();
                self.begin(valid, last).await?
            }
        };
        let mut criteria = match begun.valid == valid {
            true => format!("UNDELETED UID {}:*", begun.last.saturating_add(1)),
            // Its mails have other numbers now, and only their time tells which of them are new. Days begin elsewhere earlier.
            false => {
                let before = Timestamp::from_second(begun.time - DAY).unwrap_or_default();
                format!("UNDELETED SINCE {}", before.strftime("%d-%b-%Y"))
            }
        };
        if self.inbox.unread {
            criteria.push_str(" UNSEEN");
        }
        let uids;
        (mailbox, uids) = aside(move || {
            let uids = mailbox.search(Line::new(&criteria))?;
            Ok((mailbox, uids))
        })
        .await?;
        for uid in uids {
            // `n:*` also means the last one if it is before n.
            let is_old = begun.valid == valid && uid <= begun.last;
            if !is_old && !self.seen.contains(&uid) {
                let since = (begun.valid != valid).then_some(begun.time);
                mailbox = self.mail(mailbox, uid, since).await?;
                self.seen.insert(uid);
            }
        }
        aside(move || {
            mailbox.close();
            Ok(())
        })
        .await?;
        Ok(self.inbox.every)
    }
}

impl Look {
    async fn begin(&mut self, valid: u32, last: u32) -> Result<Begun, Missed> {
        let account = &self.inbox.account;
        let place = format!(
            "{}\n{}\n{}",
            account.host, account.username, self.inbox.folder
        );
        let id = format!(
            "mail:{}{}",
            self.starter.prefix(&self.inbox.node),
            hash(place.as_bytes())
        );
        let now = Timestamp::now().as_second();
        let found = vec![valid.to_string(), last.to_string(), now.to_string()];
        let recorded = first(&self.starter, id, found).await?;
        let begun = Begun::read(&recorded)
            .ok_or_else(|| Fault::value("what was recorded of the folder cannot be read"))?;
        self.begun = Some(begun.clone());
        Ok(begun)
    }

    /// Starts the run of a mail that came since then, and marks it.
    async fn mail(
        &self,
        mut mailbox: Mailbox,
        uid: u32,
        since: Option<i64>,
    ) -> Result<Mailbox, Missed> {
        let head;
        (mailbox, head) = aside(move || {
            let head = mailbox.head(uid)?;
            Ok((mailbox, head))
        })
        .await?;
        // Somebody else may have removed it meanwhile.
        let Some(head) = head else {
            return Ok(mailbox);
        };
        let received = head.received.map(Timestamp::as_second);
        let is_old = received
            .zip(since)
            .is_some_and(|(time, since)| time < since);
        if is_old || !self.inbox.counts(&content(&head, false)) {
            return Ok(mailbox);
        }
        let key = hash(&head.content);
        let id = format!("{}{key}", self.starter.prefix(&self.inbox.node));
        if !self.starter.is_known(&id).await? {
            let shelf = self.inbox.saves.clone();
            let given;
            (mailbox, given) = aside(move || {
                let Some(mail) = mailbox.fetch(uid)? else {
                    return Ok((mailbox, None));
                };
                let paths = shelf.map_or(Ok(Vec::new()), |shelf| shelf.keep(&key, &mail))?;
                Ok((mailbox, Some(outputs(&mail, &paths))))
            })
            .await?;
            let Some(given) = given else {
                return Ok(mailbox);
            };
            match self.starter.start(&self.inbox.node, &id, given).await? {
                Started::New(_) => tracing::info!(id, "a mail started its workflow"),
                Started::Known(_) | Started::Other => {}
            }
        }
        if !self.inbox.marks {
            return Ok(mailbox);
        }
        let marked = aside(move || {
            mailbox.mark(uid, "\\Seen", true)?;
            Ok(mailbox)
        });
        Ok(marked.await?)
    }
}
