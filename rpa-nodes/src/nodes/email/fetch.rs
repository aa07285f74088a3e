use std::time::Duration;

use serde_json::{Value, json};

use super::send::{pause, port};
use crate::fault::Fault;
use crate::mail::{Account, Mailbox, attachments, content, criteria};
use crate::nodes::files::write_whole;
use crate::visit::Work;

/// The mailbox of a node.
pub(super) fn open(work: &Work) -> Result<Mailbox, Fault> {
    Mailbox::open(&Account {
        host: work.text("imap_server").trim().to_owned(),
        port: port(work, "imap_port")?,
        username: work.text("username"),
        password: work.text("password"),
        is_secure: work.flag("use_ssl"),
        patience: work.patience("timeout", Duration::from_secs(30)),
    })
}

/// The mail that a node means.
pub(super) fn uid(work: &Work) -> Result<u32, Fault> {
    let said = work.text("email_uid");
    said.trim().parse().map_err(|_| {
        Fault::value(format!(
            "`email_uid`: `{said}` is not the number of a mail; take `uid` of what ReadEmailsNode gives"
        ))
    })
}

/// A folder whose numbers of mails are others than before the crash cannot be gone on with.
pub(super) fn is_same(work: &Work, valid: u32, folder: &str) -> Result<(), Fault> {
    match work.found("valid").and_then(Value::as_u64) {
        Some(before) if before != u64::from(valid) => Err(Fault::of(
            "EmailError",
            format!(
                "the folder `{folder}` was made anew since this began, and its mails have other numbers; read it again"
            ),
        )),
        _ => Ok(()),
    }
}

/// Which mails are meant: so a second time they are the same, though they are marked then.
pub(super) fn find(work: &Work) -> Result<Value, Fault> {
    let mut mailbox = open(work)?;
    let valid = mailbox.select(&work.text("folder"), false)?;
    let uids = newest(work, &mut mailbox)?;
    mailbox.close();
    Ok(json!({"valid": valid, "uids": uids}))
}

fn newest(work: &Work, mailbox: &mut Mailbox) -> Result<Vec<u32>, Fault> {
    let mut uids = mailbox.search(criteria(&work.text("search_criteria"))?)?;
    let limit = work.integer("limit").unwrap_or(10);
    if let Some(limit) = usize::try_from(limit).ok().filter(|limit| *limit > 0) {
        uids.drain(..uids.len().saturating_sub(limit));
    }
    if work.flag("newest_first") {
        uids.reverse();
    }
    Ok(uids)
}

pub(super) fn read(work: &mut Work) -> Result<(), Fault> {
    let mut left = work.integer("retry_count").unwrap_or(0);
    let emails = loop {
        match read_once(work) {
            Ok(emails) => break emails,
            Err(fault)
                if left > 0
                    && matches!(
                        fault.error_type.as_str(),
                        "ConnectionError" | "TimeoutError"
                    ) =>
            {
                work.warn(format!("read again after: {fault}"));
                left -= 1;
                std::thread::sleep(pause(work));
            }
            Err(fault) => return Err(fault),
        }
    };
    work.give("count", emails.len());
    work.give("emails", emails);
    Ok(())
}

fn read_once(work: &Work) -> Result<Vec<Value>, Fault> {
    let marks = work.flag("mark_as_read");
    let folder = work.text("folder");
    let mut mailbox = open(work)?;
    let valid = mailbox.select(&folder, marks)?;
    let uids = match work.found("uids").and_then(Value::as_array) {
        Some(known) => {
            is_same(work, valid, &folder)?;
            let known = known
                .iter()
                .filter_map(|uid| u32::try_from(uid.as_u64()?).ok());
            known.collect()
        }
        None => newest(work, &mut mailbox)?,
    };
    let mut emails = Vec::new();
    for uid in uids {
        // Somebody else may have deleted it meanwhile.
        let Some(mail) = mailbox.fetch(uid)? else {
            continue;
        };
        emails.push(content(&mail, work.flag("include_body")));
        if marks {
            mailbox.mark(uid, "\\Seen", true)?;
        }
    }
    mailbox.close();
    Ok(emails)
}

pub(super) fn save(work: &mut Work) -> Result<(), Fault> {
    let (uid, folder) = (uid(work)?, work.text("folder"));
    let target = work.path("save_path")?;
    let mut mailbox = open(work)?;
    mailbox.select(&folder, false)?;
    let mail = mailbox.fetch(uid)?.ok_or_else(|| missing(uid, &folder))?;
    mailbox.close();
    let mut saved = Vec::new();
    for attached in attachments(&mail.content) {
        let path = target.join(&attached.name);
        // A link there may lead out of what the run may use.
        let path = work.file(&path.to_string_lossy())?;
        write_whole(&path, &attached.content, true)?;
        let path = std::path::absolute(&path).unwrap_or(path);
        saved.push(path.display().to_string());
    }
    work.give("count", saved.len());
    work.give("saved_files", saved);
    Ok(())
}

/// There is no such mail.
pub(super) fn missing(uid: u32, folder: &str) -> Fault {
    Fault::of(
        "EmailError",
        format!("there is no mail with the uid {uid} in `{folder}`; read the folder again"),
    )
}
