//! Ways to elements, as Python's ElementTree understands them: a part of XPath.

use roxmltree::Node;

use super::{elements, name, own_text};
use crate::fault::Fault;

/// The elements that a path leads to from an element, in the order of the document.
pub(super) fn find<'a, 'i>(from: Node<'a, 'i>, path: &str) -> Result<Vec<Node<'a, 'i>>, Fault> {
    let wrong = |what: &str| Fault::value(format!("the path `{path}` cannot be followed: {what}"));
    let mut rest = path.trim();
    let mut found = vec![from];
    // A path from the top begins with the outermost element itself.
    if let Some(absolute) = rest.strip_prefix('/').filter(|rest| !rest.starts_with('/')) {
        let (first, behind) = absolute.split_once('/').unwrap_or((absolute, ""));
        if first != "*" && first != name(from) {
            return Ok(Vec::new());
        }
        rest = behind;
    }
    while !rest.is_empty() {
        let is_deep = rest.starts_with("//");
        rest = rest.trim_start_matches('/');
        let (step, behind) =
            step(rest).ok_or_else(|| wrong("a bracket or a quote is not closed"))?;
        rest = behind;
        let (tag, conditions) = match step.find('[') {
            Some(at) => step.split_at(at),
            None => (step, ""),
        };
        let mut next: Vec<Node<'a, 'i>> = Vec::new();
        for node in found {
            let candidates: Vec<Node<'a, 'i>> = match (tag.trim(), is_deep) {
                ("", _) => return Err(wrong("a name is missing")),
                (".", false) => vec![node],
                (".", true) => node.descendants().filter(Node::is_element).collect(),
                ("..", _) => node.parent_element().into_iter().collect(),
                (tag, true) => node
                    .descendants()
                    .filter(|it| it.is_element() && *it != node && is_named(*it, tag))
                    .collect(),
                (tag, false) => elements(node).filter(|it| is_named(*it, tag)).collect(),
            };
            let kept =
                keep(candidates, conditions).ok_or_else(|| wrong("a condition cannot be read"))?;
            next.extend(kept);
        }
        let mut seen = std::collections::BTreeSet::new();
        next.retain(|node| seen.insert(node.id().get()));
        found = next;
    }
    Ok(found)
}

fn is_named(node: Node<'_, '_>, tag: &str) -> bool {
    tag == "*" || tag == name(node) || (!tag.starts_with('{') && tag == node.tag_name().name())
}

/// The first step of a path, and what is behind it. A `/` in brackets or braces divides nothing.
fn step(path: &str) -> Option<(&str, &str)> {
    let (mut depth, mut quote) = (0_i32, None);
    for (at, letter) in path.char_indices() {
        match (quote, letter) {
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, '/') if depth == 0 => return Some(path.split_at(at)),
            _ => {}
        }
    }
    (depth == 0 && quote.is_none()).then_some((path, ""))
}

/// Those for which all conditions hold.
fn keep<'a, 'i>(mut nodes: Vec<Node<'a, 'i>>, conditions: &str) -> Option<Vec<Node<'a, 'i>>> {
    let mut rest = conditions.trim();
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[')?;
        let end = closing(inner)?;
        let (condition, behind) = inner.split_at(end);
        rest = behind.strip_prefix(']')?.trim_start();
        nodes = held(nodes, condition.trim())?;
    }
    Some(nodes)
}

fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, ']') => return Some(at),
            _ => {}
        }
    }
    None
}

fn held<'a, 'i>(nodes: Vec<Node<'a, 'i>>, condition: &str) -> Option<Vec<Node<'a, 'i>>> {
    if let Ok(number) = condition.parse::<usize>() {
        let at = number.checked_sub(1)?;
        return Some(nodes.get(at).copied().into_iter().collect());
    }
    if let Some(back) = condition.strip_prefix("last()") {
        let back = match back.trim() {
            "" => 0,
            back => back.strip_prefix('-')?.trim().parse().ok()?,
        };
        let at = nodes.len().checked_sub(1 + back);
        return Some(
            at.and_then(|at| nodes.get(at).copied())
                .into_iter()
                .collect(),
        );
    }
    let (left, wanted) = match condition.split_once('=') {
        Some((left, right)) => {
            let (left, is_not) = match left.strip_suffix('!') {
                Some(left) => (left, true),
                None => (left, false),
            };
            let right = right.trim();
            let quote = right
                .chars()
                .next()
                .filter(|quote| matches!(quote, '\'' | '"'))?;
            let text = right.strip_prefix(quote)?.strip_suffix(quote)?;
            (left.trim(), Some((text, is_not)))
        }
        None => (condition, None),
    };
    let fits = |value: Option<String>| match (value, wanted) {
        (Some(value), Some((text, is_not))) => (value == text) != is_not,
        (value, None) => value.is_some(),
        (None, Some(_)) => false,
    };
    let holds = |node: &Node<'a, 'i>| match (left.strip_prefix('@'), left) {
        (Some(attribute), _) => fits(node.attribute(attribute).map(str::to_owned)),
        (None, ".") => fits(Some(own_text(*node))),
        (None, child) => elements(*node)
            .filter(|it| is_named(*it, child))
            .any(|it| fits(Some(own_text(it)))),
    };
    Some(nodes.into_iter().filter(holds).collect())
}
