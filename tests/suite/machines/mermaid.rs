//! A strict reader for the part of Mermaid's language that pictures use.
//!
//! The rules: the first line is `flowchart TD`. Each further line is a node, `id` and a text in quotes between the
//! brackets of its shape; an edge, `id --> id` or `id -.-> id`, with `|"text"|` behind the arrow if it has a text; or the
//! first or last line of a `subgraph id["text"]`. Ids are letters and digits, not the word `end`. A text has no quotes, no
//! angle brackets but those of `<br/>`, no backtick, backslash or ampersand, and `#` only at the beginning of an entity,
//! `#name;` or `#number;`. A node is declared once, and edges connect declared nodes.

use std::collections::BTreeSet;

const SHAPES: [(&str, &str); 9] = [
    ("([", "])"),
    ("[[", "]]"),
    ("((", "))"),
    ("{{", "}}"),
    ("[/", "\\]"),
    ("[\\", "/]"),
    ("[", "]"),
    ("(", ")"),
    ("{", "}"),
];

/// What is wrong with a flowchart.
pub fn check(flowchart: &str) -> Result<(), String> {
    let mut lines = flowchart.lines();
    if lines.next() != Some("flowchart TD") {
        return Err("the first line is not `flowchart TD`".to_owned());
    }
    let mut declared = BTreeSet::new();
    let mut open = 0;
    for line in lines {
        let problem = |what: &str| format!("{what}: {line}");
        let text = line.trim_start();
        if line.len() - text.len() != 4 * (open + 1) - if text == "end" { 4 } else { 0 } {
            return Err(problem("not indented by its subgraphs"));
        }
        if text == "end" {
            open -= 1;
            continue;
        }
        let subgraph = text.strip_prefix("subgraph ");
        let (id, rest) = id(subgraph.unwrap_or(text)).ok_or_else(|| problem("no id"))?;
        if rest.starts_with(' ') {
            edge(rest, &declared)
                .filter(|()| declared.contains(id))
                .ok_or_else(|| problem("not an edge between declared nodes"))?;
            continue;
        }
        if !declared.insert(id.to_owned()) {
            return Err(problem("declared twice"));
        }
        let quoted = SHAPES
            .iter()
            .filter(|(open, _)| subgraph.is_none() || *open == "[")
            .find_map(|(open, close)| rest.strip_prefix(open)?.strip_suffix(close))
            .ok_or_else(|| problem("no shape"))?;
        let quoted = quoted
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        let quoted = quoted.ok_or_else(|| problem("no text in quotes"))?;
        label(quoted).map_err(|what| problem(&what))?;
        open += usize::from(subgraph.is_some());
    }
    if open > 0 {
        return Err("a subgraph has no end".to_owned());
    }
    Ok(())
}

fn id(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|character: char| !character.is_ascii_alphanumeric())
        .unwrap_or(text.len());
    let (id, rest) = text.split_at(end);
    (!id.is_empty() && id != "end").then_some((id, rest))
}

/// ` -->|"text"| id`
fn edge(text: &str, declared: &BTreeSet<String>) -> Option<()> {
    let rest = text
        .strip_prefix(" -->")
        .or_else(|| text.strip_prefix(" -.->"))?;
    let rest = match rest.strip_prefix("|\"") {
        Some(labelled) => {
            let (text, rest) = labelled.split_once("\"|")?;
            label(text).ok()?;
            rest
        }
        None => rest,
    };
    let (to, rest) = id(rest.strip_prefix(' ')?)?;
    (rest.is_empty() && declared.contains(to)).then_some(())
}

fn label(text: &str) -> Result<(), String> {
    let text = text.replace("<br/>", " ");
    if let Some(bad) = text
        .chars()
        .find(|character| "\"<>`\\&".contains(*character) || character.is_control())
    {
        return Err(format!("{bad:?} in a text"));
    }
    for entity in text.split('#').skip(1) {
        let name = entity.split_once(';').map(|(name, _)| name);
        if !name
            .is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()))
        {
            return Err("`#` begins no entity".to_owned());
        }
    }
    Ok(())
}

#[test]
fn the_reader_is_strict() {
    for (bad, expected) in [
        ("graph TD\n", "first line"),
        (
            "flowchart TD\n    a[\"x\"]\n    a[\"x\"]\n",
            "declared twice",
        ),
        ("flowchart TD\n    a[\"x\"]\n    a --> b\n", "not an edge"),
        ("flowchart TD\n    end[\"x\"]\n", "no id"),
        ("flowchart TD\n    a[x]\n", "no text in quotes"),
        ("flowchart TD\n    a[\"x\")\n", "no shape"),
        ("flowchart TD\n    a[\"x \"y\"\"]\n", "in a text"),
        ("flowchart TD\n    a[\"#1\"]\n", "no entity"),
        ("flowchart TD\n    subgraph a[\"x\"]\n", "no end"),
    ] {
        let problem = check(bad).unwrap_err();
        assert!(problem.contains(expected), "{bad}: {problem}");
    }
}
