//! Nodes that send and read mail.
//!
//! **After a crash.** Of a mail nobody knows whether the server took it before the crash: `on_uncertain` decides. Its Message-ID
//! is that of the visit, so a mail that is sent again is the same one to whoever gets it. To read changes nothing, unless what was
//! read is marked: then it is durable first which mails these are. To delete and to move looks first what there is, so that
//! the second time it is known what was done.

mod change;
mod fetch;
mod send;
mod show;

use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::visit::Work;

const ACTIONS: &[&str] = &[
    "Send Email",
    "Read Emails",
    "Mark Email",
    "Delete Email",
    "Move Email",
    "Save Attachment",
];
const PRIORITIES: Kind = Kind::Choice(&["high", "normal", "low"]);
/// Files also say `as_read: true`.
const MARKS: Kind = Kind::Choice(&["read", "unread", "flagged", "unflagged", "true", "false"]);

pub(super) fn types() -> Vec<NodeType> {
    let account = |node_type: NodeType| {
        node_type
            .input_or("imap_server", Kind::Text, "imap.gmail.com")
            .input_or("imap_port", Kind::Integer, 993)
            .input("username", Kind::Text)
            .input("password", Kind::Text)
            .property("use_ssl", Kind::Boolean, true)
            .property("timeout", Kind::Integer, 30)
    };
    let writes = |node_type: NodeType| {
        node_type
            .input("from_email", Kind::Text)
            .input("subject", Kind::Text)
            .input("body", Kind::Text)
            .input("cc", Kind::Text)
            .input("bcc", Kind::Text)
            .input("attachments", Kind::Any)
            .optional("reply_to", Kind::Text)
            .optional("sender_name", Kind::Text)
            .property("is_html", Kind::Boolean, false)
            .property("priority", PRIORITIES, "normal")
            .property("read_receipt", Kind::Boolean, false)
            .input_or("smtp_server", Kind::Text, "smtp.gmail.com")
            .input_or("smtp_port", Kind::Integer, 587)
            .property("use_tls", Kind::Boolean, true)
            .key("to", "to_email")
    };
    let again = |node_type: NodeType| {
        node_type
            .property("retry_count", Kind::Integer, 0)
            .property("retry_interval", Kind::Integer, 2000)
            .optional("credential_name", Kind::Text)
    };
    let one = |node_type: NodeType| account(node_type).needs("email_uid", Kind::Text);
    vec![
        again(writes(NodeType::work(
            "SendEmailNode",
            Effect::Once,
            "Sends a mail over SMTP, to all whom it goes to or to nobody. Its Message-ID is that of the visit. `use_tls` is \
             STARTTLS, `use_ssl` is TLS from the first byte on; without both, the server and all on the way read along.",
            send::send,
        )))
        .doubtful_if(|_| true)
        .needs("to_email", Kind::Text)
        .input("username", Kind::Text)
        .input("password", Kind::Text)
        .property("use_ssl", Kind::Boolean, false)
        .property("timeout", Kind::Integer, 30)
        .output("success", Kind::Boolean)
        .output("message_id", Kind::Text),
        again(account(NodeType::work(
            "ReadEmailsNode",
            Effect::Writes,
            "Reads the newest mails of a folder. With `mark_as_read` they are marked; which ones is durable before.",
            fetch::read,
        )))
        .reads_if(|config| is_off(config.get("mark_as_read")))
        .intends(fetch::find)
        .input_or("folder", Kind::Text, "INBOX")
        .input_or("limit", Kind::Integer, 10)
        .input_or("search_criteria", Kind::Text, "ALL")
        .property("mark_as_read", Kind::Boolean, false)
        .property("include_body", Kind::Boolean, true)
        .property("newest_first", Kind::Boolean, true)
        .output("emails", Kind::List)
        .output("count", Kind::Integer),
        NodeType::compute(
            "GetEmailContentNode",
            "Takes a mail that was read apart.",
            show::content,
        )
        .needs("email", Kind::Dict)
        .output("subject", Kind::Text)
        .output("from", Kind::Text)
        .output("to", Kind::Text)
        .output("date", Kind::Text)
        .output("body_text", Kind::Text)
        .output("body_html", Kind::Text)
        .output("attachments", Kind::List),
        NodeType::compute(
            "FilterEmailsNode",
            "The mails whose subject and sender contain a text, whatever its case; with `has_attachments`, only those that have some.",
            show::filter,
        )
        .needs("emails", Kind::List)
        .input("subject_contains", Kind::Text)
        .input("from_contains", Kind::Text)
        .input("has_attachments", Kind::Boolean)
        .output("filtered", Kind::List)
        .output("count", Kind::Integer),
        one(NodeType::work(
            "SaveAttachmentNode",
            Effect::Writes,
            "Writes what a mail has with it into a folder: each file is there as a whole, or as it was.",
            fetch::save,
        ))
        .input_or("folder", Kind::Text, "INBOX")
        .input_or("save_path", Kind::Text, ".")
        .key("output_folder", "save_path")
        .output("saved_files", Kind::List)
        .output("count", Kind::Integer),
        one(NodeType::work(
            "MarkEmailNode",
            Effect::Writes,
            "Marks a mail as read, unread, flagged or unflagged.",
            change::mark,
        ))
        .input_or("folder", Kind::Text, "INBOX")
        .input_or("mark_as", MARKS, "read")
        .key("as_read", "mark_as")
        .output("success", Kind::Boolean),
        one(NodeType::work(
            "DeleteEmailNode",
            Effect::Once,
            "Marks a mail as deleted; with `permanent` it is gone.",
            change::delete,
        ))
        .intends(|work| change::look(work, "folder"))
        .input_or("folder", Kind::Text, "INBOX")
        .property("permanent", Kind::Boolean, false)
        .output("success", Kind::Boolean),
        one(NodeType::work(
            "MoveEmailNode",
            Effect::Once,
            "Moves a mail to another folder.",
            |work| change::relocate(work, "source_folder"),
        ))
        .intends(|work| change::look(work, "source_folder"))
        .input_or("source_folder", Kind::Text, "INBOX")
        .needs("target_folder", Kind::Text)
        .key("folder", "target_folder")
        .output("success", Kind::Boolean),
        again(account(writes(NodeType::work(
            "EmailSuperNode",
            Effect::Once,
            "All of the mail nodes in one: `action` says which. `use_tls` and `use_smtp_ssl` are about SMTP, `use_ssl` is about IMAP.",
            act,
        ))))
        .doubtful_if(|work| work.text("action") == "Send Email")
        .intends(look)
        .input_or("action", Kind::Choice(ACTIONS), "Send Email")
        .input("to_email", Kind::Text)
        .property("use_smtp_ssl", Kind::Boolean, false)
        .input_or("folder", Kind::Text, "INBOX")
        .property("limit", Kind::Integer, 10)
        .property("search_criteria", Kind::Text, "ALL")
        .property("mark_as_read", Kind::Boolean, false)
        .property("include_body", Kind::Boolean, true)
        .property("newest_first", Kind::Boolean, true)
        .input("email_uid", Kind::Text)
        .property("mark_as", MARKS, "read")
        .property("permanent", Kind::Boolean, false)
        .input("target_folder", Kind::Text)
        .input_or("save_path", Kind::Text, ".")
        .output("success", Kind::Boolean)
        .output("message_id", Kind::Text)
        .output("emails", Kind::List)
        .output("count", Kind::Integer)
        .output("saved_files", Kind::List)
        .output("error", Kind::Text)
        .exits(&["exec_out", "exec_error"]),
    ]
}

/// Whether a config says so already, or says nothing.
fn is_off(value: Option<&serde_json::Value>) -> bool {
    value.is_none_or(|value| {
        let said = crate::value::text(value).to_lowercase();
        matches!(said.trim(), "" | "false" | "no" | "0" | "off" | "none")
    })
}

fn act(work: &mut Work) -> Result<(), Fault> {
    match work.text("action").as_str() {
        "Read Emails" => fetch::read(work),
        "Mark Email" => change::mark(work),
        "Delete Email" => change::delete(work),
        "Move Email" => change::relocate(work, "folder"),
        "Save Attachment" => fetch::save(work),
        _ => send::send(work),
    }?;
    work.give("success", true);
    work.give("error", "");
    Ok(())
}

fn look(work: &Work) -> Result<serde_json::Value, Fault> {
    match work.text("action").as_str() {
        "Read Emails" if work.flag("mark_as_read") => fetch::find(work),
        "Delete Email" | "Move Email" => change::look(work, "folder"),
        _ => Ok(serde_json::Value::Null),
    }
}
