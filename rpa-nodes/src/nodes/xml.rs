//! Nodes that read and write XML.

mod path;
mod write;

use std::fs;

use roxmltree::{Document, Node};
use serde_json::{Value, json};

use self::path::find;
use self::write::{element, indented};
use super::files::{decode, encode, write_whole};
use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::value::{Object, text};
use crate::visit::{Call, Work};

pub(super) fn types() -> Vec<NodeType> {
    let reads = |name, summary, body| {
        NodeType::compute(name, summary, body)
            .needs("xml_string", Kind::Text)
            .key("xml", "xml_string")
    };
    vec![
        reads("ParseXMLNode", "Reads XML, and tells of its outermost element.", |call| {
            with(&call.text("xml_string"), |root| {
                Ok(vec![
                    ("root_tag", name(root).into()),
                    ("root_text", own_text(root).into()),
                    ("child_count", elements(root).count().into()),
                    ("success", true.into()),
                ])
            })
            .map(|given| give(call, given))
        })
        .output("root_tag", Kind::Text)
        .output("root_text", Kind::Text)
        .output("child_count", Kind::Integer)
        .output("success", Kind::Boolean),
        NodeType::work("ReadXMLFileNode", Effect::Reads, "Reads an XML file.", read_file)
            .needs("file_path", Kind::Text)
            .property("encoding", Kind::Text, "utf-8")
            .output("root_tag", Kind::Text)
            .output("xml_string", Kind::Text)
            .output("success", Kind::Boolean),
        NodeType::work("WriteXMLFileNode", Effect::Writes, "Writes XML as a file, if it is XML.", write_file)
            .needs("file_path", Kind::Text)
            .needs("xml_string", Kind::Text)
            .property("encoding", Kind::Text, "utf-8")
            .property("pretty_print", Kind::Boolean, true)
            .property("xml_declaration", Kind::Boolean, true)
            .output("file_path", Kind::Text)
            .output("success", Kind::Boolean),
        reads(
            "XPathQueryNode",
            "Finds elements by a path as Python's ElementTree has it: `.//item[@id='2']/name`, `*`, `..`, `[name='x']`, `[2]`, \
             `[last()]`.",
            query,
        )
        .needs("xpath", Kind::Text)
        .key("query", "xpath")
        .output("results", Kind::List)
        .output("count", Kind::Integer)
        .output("first_text", Kind::Text)
        .output("success", Kind::Boolean),
        reads("GetXMLElementNode", "The element of a name, by its number among them, from 0.", |call| {
            let (tag, index) = (call.text("tag_name"), call.integer("index").unwrap_or(0));
            let given = with(&call.text("xml_string"), |root| {
                let found = find(root, &format!(".//{tag}"))?;
                let place = usize::try_from(index).ok();
                let found = place.and_then(|place| found.get(place).copied());
                Ok(match found {
                    Some(element) => vec![
                        ("tag", name(element).into()),
                        ("text", own_text(element).into()),
                        ("attributes", Value::Object(attributes(element))),
                        ("child_count", elements(element).count().into()),
                        ("found", true.into()),
                    ],
                    None => vec![("found", false.into())],
                })
            })?;
            give(call, given);
            Ok(())
        })
        .needs("tag_name", Kind::Text)
        .input_or("index", Kind::Integer, 0)
        .key("path", "tag_name")
        .output("tag", Kind::Text)
        .output("text", Kind::Text)
        .output("attributes", Kind::Dict)
        .output("child_count", Kind::Integer)
        .output("found", Kind::Boolean),
        reads("GetXMLAttributeNode", "An attribute of an element.", |call| {
            let (path, wanted) = (call.text("xpath"), call.text("attribute_name"));
            let given = with(&call.text("xml_string"), |root| {
                let found = find(root, &path)?;
                let value = found.first().and_then(|element| attributes(*element).remove(wanted.as_str()));
                Ok(vec![("found", value.is_some().into()), ("value", value.unwrap_or_else(|| "".into()))])
            })?;
            give(call, given);
            Ok(())
        })
        .input_or("xpath", Kind::Text, ".")
        .needs("attribute_name", Kind::Text)
        .key("attribute", "attribute_name")
        .output("value", Kind::Text)
        .output("found", Kind::Boolean),
        reads(
            "XMLToJsonNode",
            "Makes dicts of XML: elements of one name become a list, attributes have `@` before their names.",
            |call| {
                let (with_attributes, key) = (call.flag("include_attributes"), call.text("text_key"));
                let given = with(&call.text("xml_string"), |root| {
                    let data = json!({ name(root): dict(root, with_attributes, &key) });
                    let written = serde_json::to_string_pretty(&data).unwrap_or_default();
                    Ok(vec![("json_data", data), ("json_string", written.into()), ("success", true.into())])
                })?;
                give(call, given);
                Ok(())
            },
        )
        .property("include_attributes", Kind::Boolean, true)
        .property("text_key", Kind::Text, "#text")
        .output("json_data", Kind::Dict)
        .output("json_string", Kind::Text)
        .output("success", Kind::Boolean),
        NodeType::compute("JsonToXMLNode", "Makes XML of dicts, as XMLToJsonNode makes dicts of it.", |call| {
            let data = match call.value("json_data") {
                Value::String(said) => serde_json::from_str(&said)
                    .map_err(|error| Fault::value(format!("`json_data` is not JSON: {error}")))?,
                other => other,
            };
            let mut xml = String::new();
            element(&call.text("root_tag"), &data, &mut xml)?;
            if call.flag("pretty_print") {
                xml = indented(&parsed(&xml)?);
            }
            call.give("xml_string", xml);
            call.give("success", true);
            Ok(())
        })
        .needs("json_data", Kind::Any)
        .input_or("root_tag", Kind::Text, "root")
        .property("pretty_print", Kind::Boolean, true)
        .output("xml_string", Kind::Text)
        .output("success", Kind::Boolean),
    ]
}

fn parsed(xml: &str) -> Result<Document<'_>, Fault> {
    Document::parse(xml.trim_start_matches('\u{feff}').trim_start())
        .map_err(|error| Fault::of("ParseError", format!("this is not XML: {error}")))
}

type Given = Vec<(&'static str, Value)>;

/// Looks at the outermost element of XML.
fn with(
    xml: &str,
    look: impl FnOnce(Node<'_, '_>) -> Result<Given, Fault>,
) -> Result<Given, Fault> {
    look(parsed(xml)?.root_element())
}

fn give(call: &mut Call<'_>, given: Given) {
    for (name, value) in given {
        call.give(name, value);
    }
}

/// The name of an element; that of another name space as `{name space}name`.
fn name(node: Node<'_, '_>) -> String {
    match node.tag_name().namespace() {
        Some(space) => format!("{{{space}}}{}", node.tag_name().name()),
        None => node.tag_name().name().to_owned(),
    }
}

fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

/// The text before the first element inside.
fn own_text(node: Node<'_, '_>) -> String {
    let before = node.children().take_while(|child| !child.is_element());
    let text: String = before
        .filter_map(|child| child.is_text().then(|| child.text()).flatten())
        .collect();
    text.trim().to_owned()
}

fn attributes(node: Node<'_, '_>) -> Object {
    let attributes = node.attributes();
    attributes
        .map(|attribute| (attribute.name().to_owned(), attribute.value().into()))
        .collect()
}

fn query(call: &mut Call<'_>) -> Result<(), Fault> {
    let path = call.text("xpath");
    let given = with(&call.text("xml_string"), |root| {
        let found = find(root, &path)?;
        let results: Vec<Value> = found
            .iter()
            .map(|element| json!({"tag": name(*element), "text": own_text(*element), "attributes": attributes(*element)}))
            .collect();
        let first = found
            .first()
            .map(|element| own_text(*element))
            .unwrap_or_default();
        Ok(vec![
            ("count", results.len().into()),
            ("results", results.into()),
            ("first_text", first.into()),
            ("success", true.into()),
        ])
    })?;
    give(call, given);
    Ok(())
}

fn dict(node: Node<'_, '_>, with_attributes: bool, key: &str) -> Value {
    let mut map = Object::new();
    if with_attributes {
        map.extend(
            attributes(node)
                .into_iter()
                .map(|(name, value)| (format!("@{name}"), value)),
        );
    }
    for child in elements(node) {
        let value = dict(child, with_attributes, key);
        match map.get_mut(&name(child)) {
            None => drop(map.insert(name(child), value)),
            Some(Value::Array(list)) => list.push(value),
            Some(one) => *one = json!([one.take(), value]),
        }
    }
    let said = own_text(node);
    if map.is_empty() {
        return if said.is_empty() {
            Value::Null
        } else {
            said.into()
        };
    }
    if !said.is_empty() {
        map.insert(key.to_owned(), said.into());
    }
    Value::Object(map)
}

fn read_file(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("file_path")?;
    let bytes = fs::read(&path).map_err(|error| Fault::file("read", &path, &error))?;
    let said = decode(bytes, &work.text("encoding"), "strict")?;
    let root = name(parsed(&said)?.root_element());
    work.give("root_tag", root);
    work.give("xml_string", said);
    work.give("success", true);
    Ok(())
}

fn write_file(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("file_path")?;
    let given = work.get("xml_string").map(text).unwrap_or_default();
    let document = parsed(&given)?;
    let mut said = match work.flag("pretty_print") {
        true => indented(&document),
        false => given.clone(),
    };
    let encoding = work.text("encoding");
    if work.flag("xml_declaration") && !said.trim_start().starts_with("<?xml") {
        said = format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>\n{said}");
    }
    write_whole(&path, &encode(&said, &encoding, "strict")?, true)?;
    let shown = std::path::absolute(&path)
        .unwrap_or(path)
        .display()
        .to_string();
    work.give("file_path", shown);
    work.give("success", true);
    Ok(())
}
