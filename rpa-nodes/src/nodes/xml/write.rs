//! XML as a text.

use roxmltree::{Document, Node};
use serde_json::Value;

use crate::fault::Fault;
use crate::value::text;

/// Writes a value as an element.
pub(super) fn element(name: &str, value: &Value, xml: &mut String) -> Result<(), Fault> {
    let is_name = name.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || "_-.:".contains(letter));
    if !is_name {
        return Err(Fault::value(format!(
            "`{name}` cannot be the name of an element"
        )));
    }
    if let Value::Array(items) = value {
        return items.iter().try_for_each(|item| element(name, item, xml));
    }
    xml.push('<');
    xml.push_str(name);
    let Value::Object(map) = value else {
        let said = if value.is_null() {
            String::new()
        } else {
            text(value)
        };
        xml.push_str(&format!(">{}</{name}>", escaped(&said)));
        return Ok(());
    };
    for (key, value) in map {
        if let Some(attribute) = key.strip_prefix('@') {
            xml.push_str(&format!(" {attribute}=\"{}\"", escaped(&text(value))));
        }
    }
    xml.push('>');
    for (key, value) in map {
        match key.as_str() {
            "#text" => xml.push_str(&escaped(&text(value))),
            key if key.starts_with('@') => {}
            key => element(key, value, xml)?,
        }
    }
    xml.push_str(&format!("</{name}>"));
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A document with each element on a line of its own, two blanks deeper than the one around it. Where texts and elements
/// stand side by side, it stays as it is.
pub(super) fn indented(document: &Document<'_>) -> String {
    let mut xml = String::new();
    lines(document.root_element(), 0, &mut xml);
    xml
}

fn lines(node: Node<'_, '_>, depth: usize, xml: &mut String) {
    let source = node
        .document()
        .input_text()
        .get(node.range())
        .unwrap_or_default();
    let has_text = node
        .children()
        .any(|child| child.is_text() && child.text().is_some_and(|text| !text.trim().is_empty()));
    let indent = "  ".repeat(depth);
    if has_text || !node.children().any(|child| child.is_element()) {
        xml.push_str(&format!("{indent}{}\n", source.trim()));
        return;
    }
    let first = node
        .first_child()
        .map_or(node.range().end, |child| child.range().start);
    let head = node
        .document()
        .input_text()
        .get(node.range().start..first)
        .unwrap_or_default();
    xml.push_str(&format!("{indent}{}\n", head.trim()));
    for child in node.children().filter(|child| !child.is_text()) {
        lines(child, depth + 1, xml);
    }
    // The prefix of the name is only in the source.
    let tail = source
        .rfind("</")
        .and_then(|at| source.get(at..))
        .unwrap_or_default();
    xml.push_str(&format!("{indent}{tail}\n"));
}
