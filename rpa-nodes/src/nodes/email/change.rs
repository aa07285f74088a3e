use serde_json::{Value, json};

use super::fetch::{is_same, missing, open, uid};
use crate::fault::Fault;
use crate::mail::{Line, Mailbox, Stored, content};
use crate::value::text;
use crate::visit::Work;

/// What there is before a mail is deleted or moved: whether it is there, and how many like it are where it goes.
pub(super) fn look(work: &Work, folder: &str) -> Result<Value, Fault> {
    let mut mailbox = open(work)?;
    let uid = uid(work)?;
    let valid = mailbox.select(&work.text(folder), false)?;
    let mail = mailbox.head(uid)?;
    let target = work.text("target_folder");
    let copies = match &mail {
        Some(mail) if !target.trim().is_empty() && !mailbox.moves_at_once() => {
            copies(&mut mailbox, &target, mail)?
        }
        _ => 0,
    };
    mailbox.close();
    Ok(json!({"valid": valid, "there": mail.is_some(), "copies": copies}))
}

/// How many mails in a folder have the Message-ID of this one.
fn copies(mailbox: &mut Mailbox, folder: &str, mail: &Stored) -> Result<usize, Fault> {
    let id = content(mail, false).get("message_id").map(text);
    let id = id.unwrap_or_default();
    if id.is_empty() {
        return Ok(0);
    }
    mailbox.select(folder, false)?;
    let line = Line::new("HEADER Message-ID ").value(&format!("<{id}>"));
    Ok(mailbox.search(line)?.len())
}

fn was_there(work: &Work) -> bool {
    work.found("there").and_then(Value::as_bool) == Some(true)
}

pub(super) fn mark(work: &mut Work) -> Result<(), Fault> {
    let (uid, folder) = (uid(work)?, work.text("folder"));
    let (flag, is_set) = match work.text("mark_as").as_str() {
        "unread" | "false" => ("\\Seen", false),
        "flagged" => ("\\Flagged", true),
        "unflagged" => ("\\Flagged", false),
        _ => ("\\Seen", true),
    };
    let mut mailbox = open(work)?;
    mailbox.select(&folder, true)?;
    mailbox.head(uid)?.ok_or_else(|| missing(uid, &folder))?;
    mailbox.mark(uid, flag, is_set)?;
    mailbox.close();
    work.give("success", true);
    Ok(())
}

pub(super) fn delete(work: &mut Work) -> Result<(), Fault> {
    let (uid, folder) = (uid(work)?, work.text("folder"));
    let mut mailbox = open(work)?;
    let valid = mailbox.select(&folder, true)?;
    is_same(work, valid, &folder)?;
    match mailbox.head(uid)? {
        // Gone before a crash, by this visit.
        None if was_there(work) => {}
        None => return Err(missing(uid, &folder)),
        Some(_) if work.flag("permanent") => remove(work, &mut mailbox, uid)?,
        Some(_) => mailbox.mark(uid, "\\Deleted", true)?,
    }
    mailbox.close();
    work.give("success", true);
    Ok(())
}

fn remove(work: &mut Work, mailbox: &mut Mailbox, uid: u32) -> Result<(), Fault> {
    if mailbox.remove(uid)? {
        work.warn(
            "the server can only remove all mails at once that are marked as deleted: others may be gone too"
                .to_owned(),
        );
    }
    Ok(())
}

pub(super) fn relocate(work: &mut Work, source: &str) -> Result<(), Fault> {
    let (uid, folder) = (uid(work)?, work.text(source));
    let target = work.text("target_folder");
    if target.trim().is_empty() {
        return Err(Fault::value("the mail goes nowhere; set `target_folder`"));
    }
    let mut mailbox = open(work)?;
    let valid = mailbox.select(&folder, true)?;
    is_same(work, valid, &folder)?;
    match mailbox.head(uid)? {
        None if was_there(work) => {}
        None => return Err(missing(uid, &folder)),
        Some(_) if mailbox.moves_at_once() => mailbox.relocate(uid, &target)?,
        Some(mail) => {
            let before = work.found("copies").and_then(Value::as_u64).unwrap_or(0);
            let now = copies(&mut mailbox, &target, &mail)?;
            mailbox.select(&folder, true)?;
            // One more than before is the copy that this visit made before a crash.
            if now as u64 <= before {
                mailbox.copy(uid, &target)?;
            }
            remove(work, &mut mailbox, uid)?;
        }
    }
    mailbox.close();
    work.give("success", true);
    Ok(())
}
