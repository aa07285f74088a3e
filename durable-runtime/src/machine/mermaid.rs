//! Pictures in Mermaid's language.

use super::picture::{Picture, Shape, Shown};

/// A flowchart.
pub(super) fn write(picture: &Picture<'_>) -> String {
    let mut text = "flowchart TD\n".to_owned();
    write_nodes(picture, None, 1, &mut text);
    for arrow in &picture.arrows {
        let line = if arrow.dotted { "-.->" } else { "-->" };
        let label = if arrow.text.is_empty() {
            String::new()
        } else {
            format!("|\"{}\"|", escaped(&arrow.text))
        };
        text.push_str(&format!("    {} {line}{label} {}\n", arrow.from, arrow.to));
    }
    text
}

/// The nodes in a part, and its own parts with theirs.
fn write_nodes(picture: &Picture<'_>, within: Option<u16>, depth: usize, text: &mut String) {
    let indent = "    ".repeat(depth);
    for node in picture.nodes.iter().filter(|node| node.within == within) {
        text.push_str(&format!("{indent}{}\n", shown(node)));
    }
    for (index, part) in (0_u16..).zip(picture.parts) {
        if part.within == within {
            let title = escaped(&format!("{} ({}:{})", part.name, part.file, part.line));
            text.push_str(&format!("{indent}subgraph p{index}[\"{title}\"]\n"));
            write_nodes(picture, Some(index), depth + 1, text);
            text.push_str(&format!("{indent}end\n"));
        }
    }
}

fn shown(node: &Shown) -> String {
    let (open, close) = match node.shape {
        Shape::Terminal => ("([", "])"),
        Shape::Call => ("[", "]"),
        Shape::Child => ("[[", "]]"),
        Shape::Operation => ("(", ")"),
        Shape::Choice => ("{", "}"),
        Shape::Loop => ("{{", "}}"),
        Shape::Fork => ("[/", "\\]"),
        Shape::Join => ("[\\", "/]"),
        Shape::Border => ("((", "))"),
    };
    let lines: Vec<String> = node.lines.iter().map(|line| escaped(line)).collect();
    format!("{}{open}\"{}\"{close}", node.id, lines.join("<br/>"))
}

/// Text in quotes: what Mermaid or HTML would read is written as an entity.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("#quot;"),
            '&' => escaped.push_str("#amp;"),
            '<' => escaped.push_str("#lt;"),
            '>' => escaped.push_str("#gt;"),
            // The backtick begins Markdown.
            '#' | '`' | '\\' => escaped.push_str(&format!("#{};", u32::from(character))),
            character if character.is_control() => escaped.push(' '),
            character => escaped.push(character),
        }
    }
    escaped
}
