//! JavaScript in pages.

use serde_json::Value;

use super::act::{Manner, limit, note, on_page, wanted};
use crate::browser::Page;
use crate::fault::Fault;
use crate::value::text;
use crate::visit::Work;

pub(super) fn evaluate(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Changes, |work, _, page| {
        if !work.text("wait_for_selector").trim().is_empty() {
            let found = page.find(&wanted(work, "wait_for_selector", "visible", "wait for"))?;
            note(work, &found);
        }
        let mut result = result(work, page)?;
        if !work.flag("return_json") {
            result = text(&result).into();
        }
        let variable = work.text("store_variable");
        if !variable.trim().is_empty() {
            work.set(variable.trim(), result.clone());
        }
        work.give("result", result);
        work.give("success", true);
        work.give("error", "");
        Ok(())
    })
}

pub(super) fn run(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Changes, |work, _, page| {
        work.give("page", page.handle());
        let result = result(work, page)?;
        work.give("result", result);
        Ok(())
    })
}

/// What a script gives: an expression its value, a function what it returns for `arg`, statements what they return, or else the
/// value of the last.
fn result(work: &Work, page: &Page) -> Result<Value, Fault> {
    let script = work.text("script");
    let script = script.trim().trim_end_matches(';');
    if script.is_empty() {
        return Err(Fault::value("there is no script; set `script`"));
    }
    let given = work.get("arg").cloned().unwrap_or_default();
    let expression = format!(
        "(async (arg) => {{ const value = ({script}\n); return typeof value === 'function' ? value(arg) : value; }})({given})"
    );
    let function = format!("(async (arg) => {{ {script}\n }})({given})");
    let refused = match page.compile(&expression)? {
        None => return answer(page, &expression, work),
        Some(refused) => refused,
    };
    let uses = |word: &str| {
        script
            .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .any(|found| found == word)
    };
    if ["return", "await", "arg"].into_iter().any(uses) && page.compile(&function)?.is_none() {
        return answer(page, &function, work);
    }
    match page.compile(script)? {
        None => answer(page, script, work),
        Some(_) => Err(Fault::of(
            "JavaScriptError",
            format!(
                "the script is no JavaScript: {refused}; scripts in Python cannot be run in a page, write it in JavaScript"
            ),
        )),
    }
}

fn answer(page: &Page, script: &str, work: &Work) -> Result<Value, Fault> {
    let given = page.evaluate(script, limit(work))?;
    page.settle(limit(work))?;
    Ok(given)
}
