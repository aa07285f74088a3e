use serde_json::{Value, json};

use super::endpoint::Endpoint;
use super::parse::ask_for_dict;
use super::write::about;
use super::{choices, done, needed, share};
use crate::fault::Fault;
use crate::value::{Object, text};
use crate::visit::Work;

fn give(work: &mut Work, dict: &Object, confidence: f64) {
    work.give("confidence", confidence);
    work.give(
        "reasoning",
        dict.get("reasoning").map(text).unwrap_or_default(),
    );
}

pub(super) fn condition(work: &mut Work) -> Result<(), Fault> {
    let condition = needed(work, "condition")?;
    let question = about(work, &format!("Does this condition hold? {condition}"));
    let instructions = "Decide whether a condition holds of a context. Answer with a JSON object alone: \"result\" is true or \
        false, \"confidence\" a number from 0 to 1, \"reasoning\" a sentence.";
    let fits = |dict: &Object| match dict.get("result") {
        Some(Value::Bool(_)) => Ok(()),
        _ => Err("`result` is neither true nor false".to_owned()),
    };
    let mut endpoint = Endpoint::of(work)?;
    let (dict, _) = ask_for_dict(work, &mut endpoint, instructions, &question, &fits)?;
    let holds = dict.get("result") == Some(&Value::Bool(true));
    work.give("result", holds);
    give(work, &dict, share(&dict, "confidence"));
    work.leave_by(if holds { "exec_true" } else { "exec_false" });
    done(work)
}

pub(super) fn switch(work: &mut Work) -> Result<(), Fault> {
    let options = choices(work, "options")?;
    let question = match work.text("question").trim() {
        "" => "Which option fits best?".to_owned(),
        question => question.to_owned(),
    };
    let question = about(work, &question);
    let instructions = format!(
        "Choose an option by a context. The options are {}. Answer with a JSON object alone: \"option\" is one of them, spelled \
         as given, or null if none fits; \"scores\" is an object with a number from 0 to 1 for each option; \"reasoning\" is a \
         sentence.",
        json!(options)
    );
    let chosen = |dict: &Object| match dict.get("option") {
        Some(Value::Null) => Ok(None),
        Some(said) => {
            let said = text(said);
            let known = options
                .iter()
                .find(|option| option.eq_ignore_ascii_case(said.trim()));
            known
                .cloned()
                .map(Some)
                .ok_or_else(|| format!("`{said}` is none of the options"))
        }
        None => Err("`option` is missing".to_owned()),
    };
    let mut endpoint = Endpoint::of(work)?;
    let (dict, _) = ask_for_dict(work, &mut endpoint, &instructions, &question, &|dict| {
        chosen(dict).map(drop)
    })?;
    let chosen = chosen(&dict)?;
    let scores = match dict.get("scores") {
        Some(Value::Object(scores)) => scores.clone(),
        _ => Object::new(),
    };
    let all: Object = options
        .iter()
        .map(|option| (option.clone(), json!(share(&scores, option))))
        .collect();
    let confidence = chosen.as_ref().map_or(0.0, |option| share(&scores, option));
    let exit = chosen.as_ref().and_then(|option| {
        let plain = option.to_lowercase().replace([' ', '-'], "_");
        let ways = [format!("exec_{option}"), format!("exec_{plain}")];
        ways.into_iter().find(|way| work.has_way(way))
    });
    work.give("selected_option", chosen.unwrap_or_default());
    work.give("all_scores", all);
    give(work, &dict, confidence);
    work.leave_by(exit.as_deref().unwrap_or("exec_default"));
    done(work)
}

pub(super) fn table(work: &mut Work) -> Result<(), Fault> {
    let given = match work.get("decision_table") {
        Some(Value::String(said)) => serde_json::from_str(said)
            .map_err(|error| Fault::value(format!("`decision_table` is no JSON: {error}")))?,
        other => other.cloned().unwrap_or_default(),
    };
    let rules = match given.get("rules").unwrap_or(&given) {
        Value::Array(rules) if !rules.is_empty() => rules.clone(),
        _ => {
            return Err(Fault::value(
                "`decision_table` has no rules; write a list of dicts with an `action`",
            ));
        }
    };
    let numbered: Vec<Value> = rules
        .iter()
        .enumerate()
        .map(|(place, rule)| json!({"index": place, "rule": rule}))
        .collect();
    let question = about(work, "Which rules fit?");
    let instructions = format!(
        "Compare a context with the rules of a table. Answer with a JSON object alone: \"matches\" is a list of objects with the \
         \"index\" of a rule that fits and its \"confidence\" from 0 to 1, the best first, and empty if none fits; \"reasoning\" \
         is a sentence. The rules:\n{:#}",
        Value::from(numbered)
    );
    let place = |found: &Value| {
        let place = found.get("index").and_then(crate::value::read_integer);
        place
            .and_then(|place| usize::try_from(place).ok())
            .filter(|place| *place < rules.len())
    };
    let fits = |dict: &Object| match dict.get("matches") {
        Some(Value::Array(found)) if found.iter().all(|found| place(found).is_some()) => Ok(()),
        _ => Err("`matches` is no list of objects with the index of a rule".to_owned()),
    };
    let mut endpoint = Endpoint::of(work)?;
    let (dict, _) = ask_for_dict(work, &mut endpoint, &instructions, &question, &fits)?;
    let found = match dict.get("matches") {
        Some(Value::Array(found)) => found.clone(),
        _ => Vec::new(),
    };
    let action = |place: usize| {
        let rule = rules.get(place);
        let action = rule.and_then(|rule| {
            ["action", "then", "result"]
                .iter()
                .find_map(|key| rule.get(*key))
        });
        action.map(text).unwrap_or_default()
    };
    let confidence = |found: &Value| {
        found
            .as_object()
            .map_or(0.0, |found| share(found, "confidence"))
    };
    let matches = found.iter().filter_map(|one| {
        let place = place(one)?;
        Some(json!({"rule_index": place, "action": action(place), "confidence": confidence(one)}))
    });
    let matches: Vec<Value> = matches.collect();
    let best = found.first().and_then(place);
    work.give("matched_action", best.map(action).unwrap_or_default());
    work.give(
        "matched_rule_index",
        best.and_then(|place| i64::try_from(place).ok())
            .unwrap_or(-1),
    );
    work.give("all_matches", matches);
    give(work, &dict, found.first().map_or(0.0, confidence));
    done(work)
}
