//! Nodes that work with regular expressions, in the syntax of Python's `re`.

use fancy_regex::{Captures, Regex};
use serde_json::{Value, json};

use crate::catalogue::{Kind, NodeType};
use crate::fault::Fault;
use crate::visit::Call;

pub(super) fn types() -> Vec<NodeType> {
    let flags = |node_type: NodeType| {
        node_type
            .property("ignore_case", Kind::Boolean, false)
            .property("multiline", Kind::Boolean, false)
            .property("dotall", Kind::Boolean, false)
    };
    vec![
        flags(
            NodeType::compute("RegexMatchNode", "Looks for a pattern in a text.", find)
                .input("text", Kind::Text)
                .needs("pattern", Kind::Text),
        )
        .output("match_found", Kind::Boolean)
        .output("first_match", Kind::Text)
        .output("all_matches", Kind::List)
        .output("groups", Kind::List)
        .output("match_count", Kind::Integer),
        flags(
            NodeType::compute(
                "RegexReplaceNode",
                "Replaces what a pattern matches; `\\1` and `\\g<name>` stand for groups.",
                |call| {
                    let limit = call
                        .integer("max_count")
                        .and_then(|count| usize::try_from(count).ok());
                    let (result, count) =
                        replace(call, &call.text("replacement"), limit.unwrap_or(0))?;
                    call.give("result", result);
                    call.give("count", count);
                    Ok(())
                },
            )
            .input("text", Kind::Text)
            .needs("pattern", Kind::Text)
            .input("replacement", Kind::Text),
        )
        .property("max_count", Kind::Integer, 0)
        .output("result", Kind::Text)
        .output("count", Kind::Integer),
        flags(
            NodeType::compute(
                "TextExtractNode",
                "Takes what a pattern matches, with its groups.",
                extract,
            )
            .input("text", Kind::Text)
            .needs("pattern", Kind::Text)
            .property("all_matches", Kind::Boolean, false),
        )
        .output("match", Kind::Any)
        .output("groups", Kind::List)
        .output("found", Kind::Boolean),
        flags(
            NodeType::compute(
                "TextReplaceNode",
                "Replaces a text, or a pattern, in another one.",
                replace_text,
            )
            .input("text", Kind::Text)
            .input("old_value", Kind::Text)
            .input("new_value", Kind::Text)
            .property("count", Kind::Integer, -1)
            .property("use_regex", Kind::Boolean, false),
        )
        .key("old", "old_value")
        .key("new", "new_value")
        .output("result", Kind::Text)
        .output("replacements", Kind::Integer),
    ]
}

fn compiled(pattern: &str, call: &Call<'_>) -> Result<Regex, Fault> {
    let mut flags = String::new();
    for (name, flag) in [("ignore_case", 'i'), ("multiline", 'm'), ("dotall", 's')] {
        if call.flag(name) {
            flags.push(flag);
        }
    }
    match flags.is_empty() {
        true => read(pattern),
        false => read(&format!("(?{flags}){pattern}")),
    }
}

fn read(pattern: &str) -> Result<Regex, Fault> {
    Regex::new(pattern).map_err(|error| {
        Fault::of(
            "PatternError",
            format!("the pattern cannot be read: {error}"),
        )
    })
}

fn gave_up(error: &fancy_regex::Error) -> Fault {
    Fault::of(
        "PatternError",
        format!("the pattern could not be matched ({error}); write it without nested repetitions"),
    )
}

/// Whether a pattern matches anywhere in a text.
pub(super) fn is_match(pattern: &str, text: &str) -> Result<bool, Fault> {
    read(pattern)?
        .is_match(text)
        .map_err(|error| gave_up(&error))
}

/// What a pattern matches first: its group if it has one; nothing if it matches nowhere.
pub(super) fn first(pattern: &str, text: &str) -> Result<Value, Fault> {
    let all = matches(&read(pattern)?, text)?;
    Ok(all.first().map(|found| shown(found)).unwrap_or_default())
}

/// All matches, as texts of groups: the whole first.
fn matches(pattern: &Regex, text: &str) -> Result<Vec<Vec<Value>>, Fault> {
    let mut all = Vec::new();
    for found in pattern.captures_iter(text) {
        let found = found.map_err(|error| gave_up(&error))?;
        let groups = found.iter().map(|group| match group {
            Some(group) => group.as_str().into(),
            None => Value::Null,
        });
        all.push(groups.collect());
    }
    Ok(all)
}

/// What Python's `findall` gives for a match: the whole without groups, the group if there is one, else all of them.
fn shown(found: &[Value]) -> Value {
    match found {
        [whole] => whole.clone(),
        [_, group] => group.clone(),
        [_, groups @ ..] => groups.to_vec().into(),
        [] => Value::Null,
    }
}

fn find(call: &mut Call<'_>) -> Result<(), Fault> {
    let pattern = compiled(&call.text("pattern"), call)?;
    let all = matches(&pattern, &call.text("text"))?;
    let first = all.first();
    let whole = first.and_then(|found| found.first()).cloned();
    let groups: Vec<Value> = first
        .map(|found| found.iter().skip(1).cloned().collect())
        .unwrap_or_default();
    call.give("match_found", first.is_some());
    call.give("first_match", whole.unwrap_or_else(|| json!("")));
    call.give("groups", groups);
    call.give("match_count", all.len());
    call.give(
        "all_matches",
        all.iter().map(|found| shown(found)).collect::<Vec<_>>(),
    );
    Ok(())
}

fn extract(call: &mut Call<'_>) -> Result<(), Fault> {
    let pattern = compiled(&call.text("pattern"), call)?;
    let all = matches(&pattern, &call.text("text"))?;
    call.give("found", !all.is_empty());
    if call.flag("all_matches") {
        call.give(
            "match",
            all.iter().map(|found| shown(found)).collect::<Vec<_>>(),
        );
    } else {
        let whole = all.first().and_then(|found| found.first()).cloned();
        call.give("match", whole.unwrap_or_else(|| json!("")));
    }
    let groups = all
        .first()
        .map(|found| found.iter().skip(1).cloned().collect::<Vec<_>>());
    call.give("groups", groups.unwrap_or_default());
    Ok(())
}

/// Replaces up to `limit` matches; 0 is all of them. Gives the result and how many there were.
fn replace(call: &Call<'_>, replacement: &str, limit: usize) -> Result<(String, usize), Fault> {
    let name = if call.get("pattern").is_some() {
        "pattern"
    } else {
        "old_value"
    };
    let pattern = compiled(&call.text(name), call)?;
    let text = call.text("text");
    let mut count = 0;
    let result = pattern
        .try_replacen(&text, limit, |found: &Captures<'_, str>| {
            count += 1;
            filled(replacement, found)
        })
        .map_err(|error| gave_up(&error))?;
    Ok((result.into_owned(), count))
}

/// A replacement with its references to groups filled in.
fn filled(replacement: &str, found: &Captures<'_, str>) -> String {
    let mut result = String::new();
    let mut rest = replacement;
    while let Some((before, after)) = rest.split_once('\\') {
        result.push_str(before);
        let named = after
            .strip_prefix("g<")
            .and_then(|inner| inner.split_once('>'));
        if let Some((name, behind)) = named {
            let group = match name.parse() {
                Ok(number) => found.get(number),
                Err(_) => found.name(name),
            };
            result.push_str(group.map_or("", |group| group.as_str()));
            rest = behind;
            continue;
        }
        let mut characters = after.chars();
        match characters.next() {
            Some(digit) if digit.is_ascii_digit() => {
                let number = digit.to_digit(10).unwrap_or_default() as usize;
                result.push_str(found.get(number).map_or("", |group| group.as_str()));
            }
            Some('n') => result.push('\n'),
            Some('t') => result.push('\t'),
            Some('\\') => result.push('\\'),
            Some(other) => result.extend(['\\', other]),
            None => result.push('\\'),
        }
        rest = characters.as_str();
    }
    result + rest
}

fn replace_text(call: &mut Call<'_>) -> Result<(), Fault> {
    let limit = call
        .integer("count")
        .and_then(|count| usize::try_from(count).ok());
    let (old, new) = (call.text("old_value"), call.text("new_value"));
    let (result, count) = if old.is_empty() {
        return Err(Fault::value(
            "`old_value` is empty: there is nothing to replace",
        ));
    } else if call.flag("use_regex") {
        replace(call, &new, limit.unwrap_or(0))?
    } else if call.flag("ignore_case") {
        let pattern = read(&format!("(?i){}", fancy_regex::escape(&old)))?;
        let text = call.text("text");
        let mut count = 0;
        let result = pattern
            .try_replacen(&text, limit.unwrap_or(0), |_: &Captures<'_, str>| {
                count += 1;
                new.clone()
            })
            .map_err(|error| gave_up(&error))?;
        (result.into_owned(), count)
    } else {
        let text = call.text("text");
        let count = text.matches(&old).count();
        let limit = limit.unwrap_or(count);
        (text.replacen(&old, &new, limit), count.min(limit))
    };
    call.give("result", result);
    call.give("replacements", count);
    Ok(())
}
