use std::time::Duration;

use serde_json::Value;

use crate::fault::Fault;
use crate::mail::{Enclosed, Letter, Server, Wrapping, message_id, one_line, people};
use crate::value::text;
use crate::visit::Work;

pub(super) fn send(work: &mut Work) -> Result<(), Fault> {
    let letter = letter(work)?;
    let id = letter.id.clone();
    let message = letter.message()?;
    let server = server(work)?;
    let mut left = work.integer("retry_count").unwrap_or(0);
    while let Err(unsent) = server.send(&message) {
        if left <= 0 || !unsent.may_pass {
            return Err(unsent.fault);
        }
        work.warn(format!("sent again after: {}", unsent.fault));
        left -= 1;
        std::thread::sleep(pause(work));
    }
    work.give("success", true);
    work.give("message_id", id);
    Ok(())
}

/// How long to wait before it is tried again.
pub(super) fn pause(work: &Work) -> Duration {
    let pause = work.integer("retry_interval").unwrap_or(2000);
    Duration::from_millis(u64::try_from(pause).unwrap_or(0).min(3_600_000))
}

/// A port that an input names.
pub(super) fn port(work: &Work, name: &str) -> Result<u16, Fault> {
    let port = work.integer(name).unwrap_or(0);
    match u16::try_from(port) {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(Fault::value(format!("`{name}`: {port} is no port"))),
    }
}

fn server(work: &Work) -> Result<Server, Fault> {
    let wrapping = match (work.flag("use_tls"), is_secure(work)) {
        (_, true) => Wrapping::Always,
        (true, false) => Wrapping::Later,
        (false, false) => Wrapping::Plain,
    };
    Ok(Server {
        host: work.text("smtp_server").trim().to_owned(),
        port: port(work, "smtp_port")?,
        username: work.text("username"),
        password: work.text("password"),
        wrapping,
        patience: work.patience("timeout", Duration::from_secs(30)),
    })
}

/// The node for all has IMAP's `use_ssl` too, which says nothing of SMTP.
fn is_secure(work: &Work) -> bool {
    match work.get("use_smtp_ssl") {
        Some(_) => work.flag("use_smtp_ssl"),
        None => work.flag("use_ssl"),
    }
}

fn letter(work: &Work) -> Result<Letter, Fault> {
    let said = |name: &str| people(name, &work.text(name));
    let from = match work.text("from_email").trim() {
        "" => people("username", &work.text("username"))?,
        _ => said("from_email")?,
    };
    let Some(mut from) = from.into_iter().next() else {
        return Err(Fault::value(
            "nobody sends the mail; set `from_email`, or `username` to an address",
        ));
    };
    let name = work.text("sender_name");
    one_line("sender_name", &name)?;
    if !name.trim().is_empty() {
        from.name = Some(name.trim().to_owned());
    }
    let (to, cc, bcc) = (said("to_email")?, said("cc")?, said("bcc")?);
    if to.is_empty() && cc.is_empty() && bcc.is_empty() {
        return Err(Fault::value("the mail goes to nobody; set `to_email`"));
    }
    // Runs without a database are all called the same: their mails are told apart by chance.
    let visit = match work.host().is_recorded() {
        true => work.key().to_owned(),
        false => format!("{}/{}", work.key(), uuid::Uuid::new_v4()),
    };
    Ok(Letter {
        id: message_id(&visit, &from),
        from,
        to,
        cc,
        bcc,
        reply_to: said("reply_to")?,
        subject: work.text("subject"),
        body: work.text("body"),
        is_html: work.flag("is_html"),
        priority: work.text("priority"),
        wants_receipt: work.flag("read_receipt"),
        enclosed: enclosed(work)?,
    })
}

/// The files that go with the mail: paths, or dicts of `path` and the `filename` that whoever gets it sees.
fn enclosed(work: &Work) -> Result<Vec<Enclosed>, Fault> {
    let list = match work.get("attachments") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list.clone(),
        Some(Value::String(said)) if said.trim().is_empty() => Vec::new(),
        Some(Value::String(said)) => match crate::catalogue::written(said) {
            Some(Value::Array(list)) => list,
            _ => vec![said.trim().into()],
        },
        Some(one) => vec![one.clone()],
    };
    let mut enclosed = Vec::new();
    for one in list {
        let said = |name: &str| one.get(name).map(text).unwrap_or_default();
        let path = match &one {
            Value::Object(_) => ["path", "file_path"].map(said).concat(),
            one => text(one),
        };
        if path.trim().is_empty() {
            return Err(Fault::value(
                "`attachments` has an entry without a path; write paths, or dicts with `path` and `filename`",
            ));
        }
        let path = work.file(&path)?;
        let content = std::fs::read(&path).map_err(|error| Fault::file("attach", &path, &error))?;
        let own = path.file_name().unwrap_or_default().to_string_lossy();
        let name = match &one {
            Value::Object(_) if !said("filename").trim().is_empty() => said("filename"),
            _ => own.into_owned(),
        };
        enclosed.push(Enclosed { name, content });
    }
    Ok(enclosed)
}
