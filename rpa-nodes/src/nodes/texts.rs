//! Nodes that take texts apart and put them together. Lengths and places count characters.

use serde_json::{Value, json};

use crate::catalogue::{Kind, NodeType};
use crate::expression::bounds;
use crate::fault::Fault;
use crate::format;
use crate::value::text;
use crate::visit::Call;

const SIDES: &[&str] = &["both", "left", "right"];
const CASES: &[&str] = &["upper", "lower", "title", "capitalize", "swapcase"];

/// The longest text that padding makes.
const LONGEST: usize = 1_000_000;

pub(super) fn types() -> Vec<NodeType> {
    let compute = NodeType::compute;
    vec![
        compute(
            "ConcatenateNode",
            "Joins two texts, with a separator between.",
            |call| {
                let joined =
                    call.text("string_1") + &call.text("separator") + &call.text("string_2");
                call.give("result", joined);
                Ok(())
            },
        )
        .input("string_1", Kind::Text)
        .input("string_2", Kind::Text)
        .optional("separator", Kind::Text)
        .key("string1", "string_1")
        .key("string2", "string_2")
        .output("result", Kind::Text),
        compute(
            "FormatStringNode",
            "Puts the values of a dict into a template in Python's format: `{name:>8.2f}`.",
            |call| {
                let result = format::format(&call.text("template"), &call.dict("variables"), &[])?;
                call.give("result", result);
                Ok(())
            },
        )
        .input("template", Kind::Text)
        .input_or("variables", Kind::Dict, json!({}))
        .output("result", Kind::Text),
        compute(
            "TextSplitNode",
            "Splits a text at a separator, or at white space if there is none.",
            split,
        )
        .input("text", Kind::Text)
        .input("separator", Kind::Text)
        .property("max_split", Kind::Integer, -1)
        .key("delimiter", "separator")
        .output("result", Kind::List)
        .output("count", Kind::Integer)
        .port("parts", "result"),
        compute(
            "TextTrimNode",
            "Removes white space, or other characters, from the ends of a text.",
            trim,
        )
        .input("text", Kind::Text)
        .property("mode", Kind::Choice(SIDES), "both")
        .optional("characters", Kind::Text)
        .output("result", Kind::Text),
        compute("TextCaseNode", "Changes the case of a text.", |call| {
            let result = change_case(&call.text("text"), &call.text("case"));
            call.give("result", result);
            Ok(())
        })
        .input("text", Kind::Text)
        .property("case", Kind::Choice(CASES), "lower")
        .output("result", Kind::Text),
        compute(
            "TextPadNode",
            "Fills a text up to a length, on the left, on the right, or on both sides.",
            pad,
        )
        .input("text", Kind::Text)
        .input("length", Kind::Integer)
        .property("mode", Kind::Choice(&["left", "right", "center"]), "left")
        .property("fill_char", Kind::Text, " ")
        .key("width", "length")
        .key("pad_char", "fill_char")
        .key("side", "mode")
        .output("result", Kind::Text),
        compute("TextReverseNode", "Turns a text around.", |call| {
            let reversed: String = call.text("text").chars().rev().collect();
            call.give("result", reversed);
            Ok(())
        })
        .input("text", Kind::Text)
        .output("result", Kind::Text),
        compute(
            "TextLinesNode",
            "Splits a text into lines, or joins lines.",
            lines,
        )
        .input("text", Kind::Text)
        .input("lines", Kind::List)
        .property("mode", Kind::Choice(&["split", "join"]), "split")
        .property(
            "line_separator",
            Kind::Choice(&["newline", "crlf", "comma"]),
            "newline",
        )
        .property("remove_empty", Kind::Boolean, false)
        .output("text", Kind::Text)
        .output("lines", Kind::List)
        .output("count", Kind::Integer),
        compute(
            "TextSubstringNode",
            "Takes a part of a text. Places count from 0, or from the end if they are negative.",
            |call| {
                let whole = call.text("text");
                let (start, count) = bounds(
                    whole.chars().count(),
                    call.integer("start"),
                    call.integer("end"),
                );
                let part: String = whole.chars().skip(start).take(count).collect();
                call.give("length", part.chars().count());
                call.give("result", part);
                Ok(())
            },
        )
        .input("text", Kind::Text)
        .input("start", Kind::Integer)
        .input("end", Kind::Integer)
        .output("result", Kind::Text)
        .output("length", Kind::Integer),
        compute(
            "TextContainsNode",
            "Looks for a text in another one.",
            contains,
        )
        .input("text", Kind::Text)
        .input("search", Kind::Text)
        .property("case_sensitive", Kind::Boolean, true)
        .output("contains", Kind::Boolean)
        .output("position", Kind::Integer)
        .output("count", Kind::Integer),
        compute(
            "TextStartsWithNode",
            "Whether a text begins with another one.",
            |call| {
                let (whole, part) = both(call, "prefix");
                call.give("result", whole.starts_with(&part));
                Ok(())
            },
        )
        .input("text", Kind::Text)
        .input("prefix", Kind::Text)
        .property("case_sensitive", Kind::Boolean, true)
        .output("result", Kind::Boolean),
        compute(
            "TextEndsWithNode",
            "Whether a text ends with another one.",
            |call| {
                let (whole, part) = both(call, "suffix");
                call.give("result", whole.ends_with(&part));
                Ok(())
            },
        )
        .input("text", Kind::Text)
        .input("suffix", Kind::Text)
        .property("case_sensitive", Kind::Boolean, true)
        .output("result", Kind::Boolean),
        compute(
            "TextCountNode",
            "Counts the characters, words or lines of a text.",
            |call| {
                let whole = call.text("text");
                let count = match call.text("mode").as_str() {
                    "words" => whole.split_whitespace().count(),
                    "lines" => whole.lines().count(),
                    _ if call.flag("exclude_whitespace") => whole
                        .chars()
                        .filter(|character| !character.is_whitespace())
                        .count(),
                    _ => whole.chars().count(),
                };
                call.give("count", count);
                Ok(())
            },
        )
        .input("text", Kind::Text)
        .property(
            "mode",
            Kind::Choice(&["characters", "words", "lines"]),
            "characters",
        )
        .property("exclude_whitespace", Kind::Boolean, false)
        .output("count", Kind::Integer),
        compute("TextJoinNode", "Joins the items of a list.", |call| {
            let items: Vec<String> = call.list("items").iter().map(text).collect();
            call.give("result", items.join(&call.text("separator")));
            Ok(())
        })
        .needs("items", Kind::List)
        .optional("separator", Kind::Text)
        .output("result", Kind::Text),
    ]
}

fn split(call: &mut Call<'_>) -> Result<(), Fault> {
    let (whole, separator) = (call.text("text"), call.text("separator"));
    let limit = call
        .integer("max_split")
        .and_then(|limit| usize::try_from(limit).ok());
    let parts: Vec<Value> = match (separator.as_str(), limit) {
        ("", None) => whole.split_whitespace().map(Value::from).collect(),
        ("", Some(limit)) => whole
            .trim()
            .splitn(limit + 1, char::is_whitespace)
            .map(|part| part.trim_start().into())
            .collect(),
        (separator, None) => whole.split(separator).map(Value::from).collect(),
        (separator, Some(limit)) => whole
            .splitn(limit + 1, separator)
            .map(Value::from)
            .collect(),
    };
    call.give("count", parts.len());
    call.give("result", parts);
    Ok(())
}

fn trim(call: &mut Call<'_>) -> Result<(), Fault> {
    let whole = call.text("text");
    let characters = call.text("characters");
    let is_cut = |character: char| match characters.is_empty() {
        true => character.is_whitespace(),
        false => characters.contains(character),
    };
    let trimmed = match call.text("mode").as_str() {
        "left" => whole.trim_start_matches(is_cut),
        "right" => whole.trim_end_matches(is_cut),
        _ => whole.trim_matches(is_cut),
    };
    let trimmed = trimmed.to_owned();
    call.give("result", trimmed);
    Ok(())
}

fn change_case(whole: &str, case: &str) -> String {
    match case {
        "upper" => whole.to_uppercase(),
        "title" => title_case(whole),
        "capitalize" => {
            let mut characters = whole.chars();
            let first = characters
                .next()
                .map(|first| first.to_uppercase().to_string());
            first.unwrap_or_default() + &characters.as_str().to_lowercase()
        }
        "swapcase" => whole
            .chars()
            .flat_map(|character| -> Vec<char> {
                match character.is_uppercase() {
                    true => character.to_lowercase().collect(),
                    false => character.to_uppercase().collect(),
                }
            })
            .collect(),
        _ => whole.to_lowercase(),
    }
}

/// Each word with a capital letter, as Python's `title`.
pub(crate) fn title_case(whole: &str) -> String {
    let mut inside = false;
    let mut result = String::new();
    for character in whole.chars() {
        if !character.is_alphabetic() {
            result.push(character);
            inside = false;
        } else if inside {
            result.extend(character.to_lowercase());
        } else {
            result.extend(character.to_uppercase());
            inside = true;
        }
    }
    result
}

fn pad(call: &mut Call<'_>) -> Result<(), Fault> {
    let whole = call.text("text");
    let length = usize::try_from(call.integer("length").unwrap_or(0)).unwrap_or(0);
    if length > LONGEST {
        return Err(Fault::value(format!(
            "a text cannot be filled up beyond {LONGEST}"
        )));
    }
    let fill = call.text("fill_char").chars().next().unwrap_or(' ');
    let missing = length.saturating_sub(whole.chars().count());
    let filled = |count: usize| String::from(fill).repeat(count);
    let result = match call.text("mode").as_str() {
        "right" => whole + &filled(missing),
        "center" => filled(missing / 2) + &whole + &filled(missing - missing / 2),
        _ => filled(missing) + &whole,
    };
    call.give("result", result);
    Ok(())
}

fn lines(call: &mut Call<'_>) -> Result<(), Fault> {
    let separator = match call.text("line_separator").as_str() {
        "crlf" => "\r\n",
        "comma" => ",",
        _ => "\n",
    };
    let mut lines: Vec<String> = match call.text("mode").as_str() {
        "join" => call.list("lines").iter().map(text).collect(),
        _ if separator == "," => call.text("text").split(',').map(str::to_owned).collect(),
        _ => call.text("text").lines().map(str::to_owned).collect(),
    };
    if call.flag("remove_empty") {
        lines.retain(|line| !line.trim().is_empty());
    }
    call.give("count", lines.len());
    call.give("text", lines.join(separator));
    call.give("lines", lines);
    Ok(())
}

/// The text and another one, in lower case if case does not count.
fn both(call: &Call<'_>, name: &str) -> (String, String) {
    let (whole, part) = (call.text("text"), call.text(name));
    if call.flag("case_sensitive") {
        return (whole, part);
    }
    (whole.to_lowercase(), part.to_lowercase())
}

fn contains(call: &mut Call<'_>) -> Result<(), Fault> {
    let (whole, part) = both(call, "search");
    let place = whole.find(&part);
    let position = match place.and_then(|place| whole.get(..place)) {
        Some(before) => json!(before.chars().count()),
        None => json!(-1),
    };
    let count = if part.is_empty() {
        0
    } else {
        whole.matches(&part).count()
    };
    call.give("contains", place.is_some());
    call.give("position", position);
    call.give("count", count);
    Ok(())
}
