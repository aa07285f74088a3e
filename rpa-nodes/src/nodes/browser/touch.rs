//! Nodes that do in a page what a person does: click, type, choose.

use std::time::Instant;

use serde_json::{Value, json};

use super::act::{Manner, limit, milliseconds, note, on_page, wanted};
use crate::browser::{Click, Found, Page, modifier};
use crate::fault::Fault;
use crate::value::text;
use crate::visit::Work;

pub(super) fn click(work: &mut Work) -> Result<(), Fault> {
    modifiers(work)?;
    on_page(work, Manner::Changes, |work, _, page| {
        work.give("page", page.handle());
        let fast = work.flag("fast_mode") || work.flag("force");
        let wanted = wanted(
            work,
            "selector",
            if fast { "attached" } else { "visible" },
            "click",
        );
        let at = (work.number("position_x"), work.number("position_y"));
        if work.flag("highlight_before_click") {
            let found = page.find(&wanted)?;
            page.of("mark", &found, &Value::Null)?;
        }
        let (found, point) = page.point(&wanted, at, fast)?;
        note(work, &found);
        if work.flag("trial") {
            return Ok(());
        }
        let click = Click {
            button: work.text("button"),
            count: work.integer("click_count").unwrap_or(1),
            delay: milliseconds(work, "delay", 0),
            modifiers: modifiers(work)?,
        };
        page.click(point, &click)?;
        settle(work, page, wanted.end)
    })
}

/// The keys that are held during a click.
fn modifiers(work: &Work) -> Result<i64, Fault> {
    let mut modifiers = 0;
    let given = match work.get("modifiers") {
        Some(Value::Array(names)) => names.iter().map(text).collect(),
        Some(Value::String(names)) => names.split(['+', ',', ' ']).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    for name in given.iter().filter(|name| !name.trim().is_empty()) {
        modifiers |= modifier(name).ok_or_else(|| {
            Fault::value(format!(
                "`{name}` in `modifiers` is none of Alt, Control, Meta, Shift"
            ))
        })?;
    }
    Ok(modifiers)
}

pub(super) fn type_text(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Changes, |work, _, page| {
        work.give("page", page.handle());
        let fast = work.flag("fast_mode") || work.flag("force");
        let wanted = wanted(
            work,
            "selector",
            if fast { "attached" } else { "visible" },
            "type into",
        );
        let found = page.find(&wanted)?;
        note(work, &found);
        let clear = work.flag("clear_first");
        if !fast {
            usable(page, &found, clear, &wanted)?;
        }
        let written = work.text("text");
        let delay = milliseconds(work, "delay", 0);
        if work.flag("press_sequentially") || !delay.is_zero() {
            page.of("focus", &found, &json!({"clear": clear}))?;
            if clear {
                page.press("Backspace", std::time::Duration::ZERO)?;
            }
            page.type_text(&written, delay)?;
        } else {
            let filled = page.of("fill", &found, &json!({"text": written, "clear": clear}))?;
            if filled.get("took").is_some_and(|took| *took == false) {
                return Err(Fault::value(format!(
                    "the field `{}` does not take this text; write it as its type asks for",
                    found.selector
                )));
            }
        }
        if work.flag("press_enter_after") {
            page.press("Enter", std::time::Duration::ZERO)?;
            settle(work, page, wanted.end)?;
        }
        if work.flag("press_tab_after") {
            page.press("Tab", std::time::Duration::ZERO)?;
        }
        Ok(())
    })
}

/// Waits until a field can be typed into.
fn usable(
    page: &Page,
    found: &Found,
    clear: bool,
    wanted: &crate::browser::Wanted,
) -> Result<(), Fault> {
    loop {
        let state = page.of("focus", found, &json!({"clear": clear}))?;
        let is = |name: &str| state.get(name).is_some_and(|value| *value == true);
        if !is("editable") {
            return Err(Fault::value(format!(
                "`{}` is no field that can be typed into",
                found.selector
            )));
        }
        if is("enabled") {
            return Ok(());
        }
        if Instant::now() >= wanted.end {
            return Err(Fault::of(
                "ElementNotReadyError",
                format!(
                    "cannot type into `{}`: it is switched off after {} ms; wait for it, or set `force`",
                    found.selector,
                    wanted.limit.as_millis()
                ),
            ));
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

pub(super) fn select(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Changes, |work, _, page| {
        work.give("page", page.handle());
        let state = if work.flag("force") {
            "attached"
        } else {
            "visible"
        };
        let wanted = wanted(work, "selector", state, "choose in");
        let found = page.find(&wanted)?;
        note(work, &found);
        let how = json!({"by": work.text("select_by"), "value": work.text("value")});
        loop {
            let chosen = page.of("choose", &found, &how)?;
            let Some(has) = chosen.get("missing").and_then(Value::as_str) else {
                break;
            };
            // Options may come later than their dropdown.
            if Instant::now() >= wanted.end {
                return Err(Fault::value(format!(
                    "`{}` has no option with the {} `{}`; it has {has}",
                    found.selector,
                    work.text("select_by"),
                    work.text("value"),
                )));
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        settle(work, page, wanted.end)
    })
}

pub(super) fn press(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Changes, |work, _, page| {
        work.give("page", page.handle());
        let end = Instant::now() + limit(work);
        page.press(&work.text("key"), milliseconds(work, "delay", 0))?;
        settle(work, page, end)
    })
}

/// Waits until the page is where it goes by what was done, if it is to be waited for.
pub(super) fn settle(work: &mut Work, page: &Page, end: Instant) -> Result<(), Fault> {
    if work.flag("no_wait_after") {
        return Ok(());
    }
    if !page.settle(end.saturating_duration_since(Instant::now()))? {
        work.warn("the page that it goes to is not there yet".to_owned());
    }
    if let Err(fault) = page.is_there() {
        work.warn(fault.to_string());
    }
    Ok(())
}
