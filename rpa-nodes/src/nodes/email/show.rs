use serde_json::Value;

use crate::fault::Fault;
use crate::value::{text, truth};
use crate::visit::Call;

/// Takes a mail that was read apart.
pub(super) fn content(call: &mut Call<'_>) -> Result<(), Fault> {
    let mail = call.dict("email");
    for name in ["subject", "from", "to", "date", "body_text", "body_html"] {
        let said = mail.get(name).map(text).unwrap_or_default();
        call.give(name, said);
    }
    let attachments = mail.get("attachments").filter(|list| list.is_array());
    call.give(
        "attachments",
        attachments
            .cloned()
            .unwrap_or_else(|| Value::Array(Vec::new())),
    );
    Ok(())
}

/// The mails that all criteria fit.
pub(super) fn filter(call: &mut Call<'_>) -> Result<(), Fault> {
    let wanted = |name: &str| call.text(name).to_lowercase();
    let (subject, from) = (wanted("subject_contains"), wanted("from_contains"));
    let with_attachments = call.flag("has_attachments");
    let has = |mail: &Value, name: &str, wanted: &str| {
        let said = mail.get(name).map(text).unwrap_or_default();
        said.to_lowercase().contains(wanted)
    };
    let mut mails = call.list("emails");
    mails.retain(|mail| {
        has(mail, "subject", &subject)
            && has(mail, "from", &from)
            && (!with_attachments || mail.get("attachments").is_some_and(truth))
    });
    call.give("count", mails.len());
    call.give("filtered", mails);
    Ok(())
}
