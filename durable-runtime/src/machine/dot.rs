//! Pictures in the language of Graphviz.

use super::picture::{Picture, Shape, Shown};

/// A directed graph.
pub(super) fn write(picture: &Picture<'_>) -> String {
    let mut text = format!("digraph {} {{\n", quoted(&[picture.name]));
    text.push_str("    node [fontname=\"sans-serif\"];\n    edge [fontname=\"sans-serif\"];\n");
    write_nodes(picture, None, 1, &mut text);
    for arrow in &picture.arrows {
        let mut attributes = Vec::new();
        if !arrow.text.is_empty() {
            attributes.push(format!("label={}", quoted(&[&arrow.text])));
        }
        if arrow.dotted {
            attributes.push("style=dotted".to_owned());
        }
        let attributes = match attributes.as_slice() {
            [] => String::new(),
            attributes => format!(" [{}]", attributes.join(", ")),
        };
        text.push_str(&format!(
            "    {} -> {}{attributes};\n",
            arrow.from, arrow.to
        ));
    }
    text.push_str("}\n");
    text
}

/// The nodes in a part, and its own parts with theirs.
fn write_nodes(picture: &Picture<'_>, within: Option<u16>, depth: usize, text: &mut String) {
    let indent = "    ".repeat(depth);
    for node in picture.nodes.iter().filter(|node| node.within == within) {
        text.push_str(&format!("{indent}{};\n", shown(node)));
    }
    for (index, part) in (0_u16..).zip(picture.parts) {
        if part.within == within {
            let title = format!("{} ({}:{})", part.name, part.file, part.line);
            text.push_str(&format!("{indent}subgraph cluster_p{index} {{\n"));
            text.push_str(&format!("{indent}    label={};\n", quoted(&[&title])));
            write_nodes(picture, Some(index), depth + 1, text);
            text.push_str(&format!("{indent}}}\n"));
        }
    }
}

fn shown(node: &Shown) -> String {
    let shape = match node.shape {
        Shape::Terminal => "oval",
        Shape::Call => "box",
        Shape::Child => "box, peripheries=2",
        Shape::Operation => "box, style=rounded",
        Shape::Choice => "diamond",
        Shape::Loop => "hexagon",
        Shape::Fork => "trapezium",
        Shape::Join => "invtrapezium",
        Shape::Border => "circle",
    };
    let lines: Vec<&str> = node.lines.iter().map(String::as_str).collect();
    format!("{} [shape={shape}, label={}]", node.id, quoted(&lines))
}

/// Lines in quotes.
fn quoted(lines: &[&str]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .map(|line| {
            let line: String = line
                .chars()
                .map(|character| {
                    if character.is_control() {
                        ' '
                    } else {
                        character
                    }
                })
                .collect();
            line.replace('\\', "\\\\").replace('"', "\\\"")
        })
        .collect();
    format!("\"{}\"", lines.join("\\n"))
}
