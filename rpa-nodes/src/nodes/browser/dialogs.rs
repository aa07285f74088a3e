//! Dialogs of pages.

use std::time::Instant;

use super::act::{Manner, limit, note, on_page, wanted};
use super::touch::settle;
use crate::browser::{Click, Reply};
use crate::fault::Fault;
use crate::visit::Work;

pub(super) fn answer(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Changes, |work, _, page| {
        work.give("page", page.handle());
        let end = Instant::now() + limit(work);
        let text = work.text("prompt_text");
        let accepts = work.text("action") != "dismiss";
        page.reply(Some(Reply {
            accepts,
            text: (!text.is_empty()).then_some(text),
        }));
        if !work.text("trigger_selector").trim().is_empty() {
            let wanted = wanted(work, "trigger_selector", "visible", "click");
            let (found, point) = page.point(&wanted, (None, None), false)?;
            note(work, &found);
            let click = Click {
                button: "left".to_owned(),
                count: 1,
                delay: std::time::Duration::ZERO,
                modifiers: 0,
            };
            page.click(point, &click)?;
        }
        let dialog = page.dialog(end)?;
        page.reply(None);
        let Some(dialog) = dialog else {
            return Err(Fault::of(
                "TimeoutError",
                format!("no dialog was opened within {} ms", limit(work).as_millis()),
            ));
        };
        work.give("message", dialog.message);
        work.give("dialog_type", dialog.kind);
        work.give(
            "action_taken",
            if dialog.accepted { "accept" } else { "dismiss" },
        );
        work.give("success", true);
        settle(work, page, end)
    })
}
