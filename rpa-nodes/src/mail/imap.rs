//! What is said with an IMAP server: a line, and its answers up to the one that ends it.

use std::io::{Read, Write};

use imap_proto::{AttributeValue, Capability, MailboxDatum, Response, ResponseCode, Status};
use jiff::Timestamp;

use super::account::Account;
use super::folder;
use super::wire::Wire;
use crate::fault::Fault;

/// A part of an answer is read in pieces of this size.
const PIECE: usize = 64 * 1024;
/// Longer answers than this do not fit into a record anyway.
const LONGEST: usize = 256 * 1024 * 1024;

/// A line that is said. What may hold anything is quoted, or sent with its length.
#[derive(Debug, Default)]
pub(crate) struct Line(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Counted(Vec<u8>),
}

impl Line {
    pub(crate) fn new(text: &str) -> Self {
        Self::default().text(text)
    }

    /// Goes on with a text that is a part of the language.
    pub(crate) fn text(mut self, text: &str) -> Self {
        match self.0.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.0.push(Piece::Text(text.to_owned())),
        }
        self
    }

    /// Goes on with a value, whatever it holds.
    pub(crate) fn value(mut self, value: &str) -> Self {
        if value.is_ascii() && !value.contains(|letter: char| letter.is_ascii_control()) {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            return self.text(&format!("\"{quoted}\""));
        }
        self.0.push(Piece::Counted(value.as_bytes().to_vec()));
        self
    }

    fn folder(self, name: &str) -> Self {
        self.value(&folder::encoded(name))
    }
}

/// What is to be searched for, in the words of IMAP: `UNSEEN SUBJECT "invoice"`.
///
/// # Errors
/// It would be more than one line.
pub(crate) fn criteria(said: &str) -> Result<Line, Fault> {
    let said = said.trim();
    if said.chars().any(char::is_control) {
        return Err(Fault::value(
            "`search_criteria` holds a line break or another control character; write it in one line",
        ));
    }
    if said.is_empty() {
        return Ok(Line::new("ALL"));
    }
    if said.is_ascii() {
        return Ok(Line::new(said));
    }
    // Only what is quoted can hold other letters than those of ASCII.
    let mut line = Line::new("CHARSET UTF-8 ");
    for (number, part) in said.split('"').enumerate() {
        line = match number % 2 {
            0 => line.text(part),
            _ => line.value(part),
        };
    }
    Ok(line)
}

/// A mail as the server has it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Stored {
    pub(crate) uid: u32,
    pub(crate) flags: Vec<String>,
    /// When it came, to the second.
    pub(crate) received: Option<Timestamp>,
    pub(crate) content: Vec<u8>,
}

/// A connection to an IMAP server that let somebody in.
#[derive(Debug)]
pub(crate) struct Mailbox {
    wire: Wire,
    /// What was read and not understood yet.
    pending: Vec<u8>,
    lines: u32,
    capabilities: Vec<String>,
    place: String,
}

impl Mailbox {
    /// Connects and logs in.
    ///
    /// # Errors
    /// The server cannot be reached, or lets nobody in.
    pub(crate) fn open(account: &Account) -> Result<Self, Fault> {
        let place = format!("{}:{}", account.host, account.port);
        let mut wire = Wire::connect(&account.host, account.port, account.patience)
            .map_err(|error| lost(&place, &error))?;
        if account.is_secure {
            wire = wire.secure(&account.host)?;
        }
        let mut mailbox = Self {
            wire,
            pending: Vec::new(),
            lines: 0,
            capabilities: Vec::new(),
            place,
        };
        let greeting = mailbox.answer()?;
        if matches!(
            greeting,
            Response::Data {
                status: Status::Bye,
                ..
            }
        ) {
            return Err(mailbox.fault("ConnectionError", "it greets with BYE"));
        }
        mailbox.learn()?;
        if mailbox.knows("LOGINDISABLED") && !mailbox.wire.is_secure() {
            mailbox = mailbox.upgrade(&account.host)?;
        }
        let login = Line::new("LOGIN ")
            .value(&account.username)
            .text(" ")
            .value(&account.password);
        mailbox.say(login).map_err(|fault| match fault {
            fault if fault.error_type == REFUSED => Fault::of(
                "AuthenticationError",
                format!(
                    "{}; check `username` and `password`, or whether the account wants a password for programs",
                    fault.message
                ),
            ),
            fault => fault,
        })?;
        mailbox.learn()?;
        Ok(mailbox)
    }

    fn upgrade(mut self, host: &str) -> Result<Self, Fault> {
        self.say(Line::new("STARTTLS"))?;
        // What came before TLS began may be from somebody else.
        self.pending.clear();
        self.wire = self.wire.secure(host)?;
        self.learn()?;
        Ok(self)
    }

    fn learn(&mut self) -> Result<(), Fault> {
        let mut known = Vec::new();
        for answer in self.say(Line::new("CAPABILITY"))? {
            if let Response::Capabilities(capabilities) = answer {
                known.extend(capabilities.into_iter().map(|capability| match capability {
                    Capability::Atom(atom) => atom.to_uppercase(),
                    Capability::Auth(how) => format!("AUTH={how}"),
                    Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
                }));
            }
        }
        self.capabilities = known;
        Ok(())
    }

    fn knows(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|known| known == capability)
    }

    /// Opens a folder, to change it or only to read. Gives what its numbers of mails are valid with.
    pub(crate) fn select(&mut self, folder: &str, writes: bool) -> Result<u32, Fault> {
        let verb = if writes { "SELECT " } else { "EXAMINE " };
        let answers = self.say(Line::new(verb).folder(folder)).map_err(|fault| {
            let message = format!("the folder `{folder}`: {}", fault.message);
            Fault { message, ..fault }
        })?;
        let valid = answers.iter().find_map(|answer| match answer {
            Response::Data { outcome, .. } => match outcome.code {
                Some(ResponseCode::UidValidity(valid)) => Some(valid),
                _ => None,
            },
            _ => None,
        });
        Ok(valid.unwrap_or_default())
    }

    /// The numbers of the mails that are searched for, in ascending order.
    pub(crate) fn search(&mut self, criteria: Line) -> Result<Vec<u32>, Fault> {
        let mut line = Line::new("UID SEARCH ");
        for piece in criteria.0 {
            match piece {
                Piece::Text(text) => line = line.text(&text),
                counted => line.0.push(counted),
            }
        }
        let mut found = Vec::new();
        for answer in self.say(line)? {
            if let Response::MailboxData(MailboxDatum::Search(numbers)) = answer {
                found.extend(numbers);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// A mail; nothing if it is not there any more.
    pub(crate) fn fetch(&mut self, uid: u32) -> Result<Option<Stored>, Fault> {
        self.ask(uid, "(UID FLAGS INTERNALDATE BODY.PEEK[])")
    }

    /// The head of a mail; nothing if it is not there any more.
    pub(crate) fn head(&mut self, uid: u32) -> Result<Option<Stored>, Fault> {
        self.ask(uid, "(UID FLAGS INTERNALDATE BODY.PEEK[HEADER])")
    }

    fn ask(&mut self, uid: u32, what: &str) -> Result<Option<Stored>, Fault> {
        let answers = self.say(Line::new(&format!("UID FETCH {uid} {what}")))?;
        let mails = answers.into_iter().filter_map(|answer| match answer {
            Response::Fetch(_, attributes) => Some(stored(attributes)),
            _ => None,
        });
        // Servers also tell of flags that changed meanwhile.
        let mut mails = mails.filter(|mail| mail.uid == uid);
        Ok(mails.next())
    }

    /// Puts a flag on a mail, or takes it away.
    pub(crate) fn mark(&mut self, uid: u32, flag: &str, is_set: bool) -> Result<(), Fault> {
        let sign = if is_set { '+' } else { '-' };
        let line = format!("UID STORE {uid} {sign}FLAGS.SILENT ({flag})");
        self.say(Line::new(&line)).map(drop)
    }

    /// Removes a mail for good. True if the server could only remove all at once that are marked as deleted.
    pub(crate) fn remove(&mut self, uid: u32) -> Result<bool, Fault> {
        self.mark(uid, "\\Deleted", true)?;
        match self.knows("UIDPLUS") {
            true => self.say(Line::new(&format!("UID EXPUNGE {uid}")))?,
            false => self.say(Line::new("EXPUNGE"))?,
        };
        Ok(!self.knows("UIDPLUS"))
    }

    /// Whether a mail is moved at once, so that it cannot be in both folders.
    pub(crate) fn moves_at_once(&self) -> bool {
        self.knows("MOVE")
    }

    /// Moves a mail.
    pub(crate) fn relocate(&mut self, uid: u32, folder: &str) -> Result<(), Fault> {
        self.say(Line::new(&format!("UID MOVE {uid} ")).folder(folder))
            .map(drop)
    }

    /// Copies a mail.
    pub(crate) fn copy(&mut self, uid: u32, folder: &str) -> Result<(), Fault> {
        self.say(Line::new(&format!("UID COPY {uid} ")).folder(folder))
            .map(drop)
    }

    /// Ends in order. That it ends is all that counts, so nothing can go wrong.
    pub(crate) fn close(mut self) {
        if let Err(fault) = self.say(Line::new("LOGOUT")) {
            tracing::debug!(%fault, "an IMAP server did not say good-bye");
        }
    }

    /// Says a line, and gives what was answered.
    fn say(&mut self, line: Line) -> Result<Vec<Response<'static>>, Fault> {
        self.lines += 1;
        let tag = format!("R{}", self.lines);
        self.send(format!("{tag} ").as_bytes())?;
        for piece in &line.0 {
            match piece {
                Piece::Text(text) => self.send(text.as_bytes())?,
                Piece::Counted(bytes) => {
                    self.send(format!("{{{}}}\r\n", bytes.len()).as_bytes())?;
                    loop {
                        match self.answer()? {
                            Response::Continue(_) => break,
                            Response::Done { outcome, .. } => {
                                return Err(self.fault(REFUSED, &said(&outcome.information)));
                            }
                            _ => {}
                        }
                    }
                    self.send(bytes)?;
                }
            }
        }
        self.send(b"\r\n")?;
        let mut answers = Vec::new();
        loop {
            match self.answer()? {
                Response::Done {
                    tag: answered,
                    status,
                    outcome,
                } if answered.0 == tag => match status {
                    Status::Ok => return Ok(answers),
                    _ => return Err(self.fault(REFUSED, &said(&outcome.information))),
                },
                answer => answers.push(answer),
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let sent = self.wire.write_all(bytes).and_then(|()| self.wire.flush());
        sent.map_err(|error| lost(&self.place, &error))
    }

    /// The next answer.
    fn answer(&mut self) -> Result<Response<'static>, Fault> {
        loop {
            let mut understood = None;
            if !self.pending.is_empty() {
                match Response::parse(&self.pending) {
                    Ok((rest, response)) => {
                        understood = Some((rest.len(), Some(response.into_owned())));
                    }
                    Err(error) if error.is_incomplete() => {}
                    // A word of an extension that nobody asked for.
                    Err(_) => {
                        let end = self.pending.windows(2).position(|two| two == b"\r\n");
                        understood = end.map(|end| (self.pending.len() - end - 2, None));
                    }
                }
            }
            match understood {
                Some((rest, response)) => {
                    self.pending.drain(..self.pending.len() - rest);
                    if let Some(response) = response {
                        return Ok(response);
                    }
                }
                None => self.read()?,
            }
        }
    }

    fn read(&mut self) -> Result<(), Fault> {
        if self.pending.len() > LONGEST {
            return Err(self.fault("MemoryError", "its answer is longer than 256 MB"));
        }
        let mut piece = vec![0; PIECE];
        let read = self.wire.read(&mut piece);
        match read.map_err(|error| lost(&self.place, &error))? {
            0 => Err(self.fault("ConnectionError", "it closed the connection")),
            count => {
                self.pending
                    .extend_from_slice(piece.get(..count).unwrap_or_default());
                Ok(())
            }
        }
    }

    fn fault(&self, class: &str, reason: &str) -> Fault {
        Fault::of(class, format!("the IMAP server {}: {reason}", self.place))
    }
}

/// The class of what a server refuses.
const REFUSED: &str = "EmailError";

fn said(information: &Option<std::borrow::Cow<'_, str>>) -> String {
    match information {
        Some(text) => text.trim().to_owned(),
        None => "it refused without a reason".to_owned(),
    }
}

/// A connection that could not be made, or broke.
fn lost(place: &str, error: &std::io::Error) -> Fault {
    use std::io::ErrorKind;
    let class = match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "TimeoutError",
        ErrorKind::InvalidData => "SSLError",
        _ => "ConnectionError",
    };
    Fault::of(
        class,
        format!("the IMAP server {place}: {error}; check `imap_server` and `imap_port`"),
    )
}

fn stored(attributes: Vec<AttributeValue<'_>>) -> Stored {
    let mut mail = Stored::default();
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(uid) => mail.uid = uid,
            AttributeValue::Flags(flags) => {
                // Which connection saw a mail first is nothing that lasts.
                let lasting = flags.iter().filter(|flag| flag.as_ref() != "\\Recent");
                mail.flags = lasting.map(|flag| flag.to_string()).collect();
            }
            AttributeValue::InternalDate(said) => {
                let time = Timestamp::strptime("%d-%b-%Y %H:%M:%S %z", said.trim());
                mail.received = time.ok();
            }
            AttributeValue::BodySection {
                data: Some(data), ..
            } => mail.content = data.into_owned(),
            _ => {}
        }
    }
    mail
}
