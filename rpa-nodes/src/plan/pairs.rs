//! Which nodes belong together: the ends of loops, tries with their catches and finallys, forks with their joins.
//!
//! Files name partners, or leave them to be found. What a file names counts. Else the structure decides: the end of a loop
//! is the first that control comes to from its body, behind the loops inside; a catch, a finally or a join belongs to the
//! nearest node that it can follow.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Plan;
use crate::catalogue::Control;
use crate::value::text;

pub(super) fn find(plan: &mut Plan) {
    for (start, end) in [
        (Control::ForStart, Control::ForEnd),
        (Control::WhileStart, Control::WhileEnd),
    ] {
        named(
            plan,
            start,
            end,
            &["paired_start_id", "paired_loop_start_id"],
            &["paired_end_id"],
        );
        for place in of(plan, start) {
            if is_free(plan, place)
                && let Some(end) = loop_end(plan, place, end)
            {
                join(plan, place, end);
            }
        }
    }
    for control in [Control::Break, Control::Continue] {
        for place in of(plan, control) {
            let key = ["paired_loop_start_id", "paired_start_id"];
            let named = key.iter().find_map(|key| target(plan, place, key));
            if let Some(node) = plan.node_mut(place) {
                node.partner = named;
            }
        }
    }
    named(
        plan,
        Control::Try,
        Control::Catch,
        &["paired_try_id"],
        &["paired_catch_id", "catch_id"],
    );
    nearest(plan, Control::Try, Control::Catch);
    finallys(plan);
    named(
        plan,
        Control::Fork,
        Control::Join,
        &["paired_fork_id"],
        &["paired_join_id"],
    );
    nearest(plan, Control::Fork, Control::Join);
}

/// The nodes of a kind, in the order of the file. Those that are switched off count: they still belong to somebody.
fn of(plan: &Plan, control: Control) -> Vec<usize> {
    let is_it = |place: &usize| {
        plan.node(*place)
            .and_then(|node| node.node_type?.as_control())
            == Some(control)
    };
    (0..plan.nodes().len()).filter(is_it).collect()
}

fn is_free(plan: &Plan, place: usize) -> bool {
    plan.node(place).is_some_and(|node| node.partner.is_none())
}

fn join(plan: &mut Plan, first: usize, second: usize) {
    for (place, other) in [(first, second), (second, first)] {
        if let Some(node) = plan.node_mut(place) {
            node.partner = Some(other);
        }
    }
}

/// The node that a config names.
fn target(plan: &Plan, place: usize, key: &str) -> Option<usize> {
    let id = plan.node(place)?.config.get(key)?;
    plan.place(text(id).trim())
}

/// Joins what the file says to belong together, from either side.
fn named(
    plan: &mut Plan,
    first: Control,
    second: Control,
    keys_of_second: &[&str],
    keys_of_first: &[&str],
) {
    let firsts = of(plan, first);
    let seconds = of(plan, second);
    for &place in &seconds {
        let other = keys_of_second
            .iter()
            .find_map(|key| target(plan, place, key));
        if let Some(other) = other
            && firsts.contains(&other)
            && is_free(plan, other)
        {
            join(plan, other, place);
        }
    }
    for &place in &firsts {
        let other = keys_of_first
            .iter()
            .find_map(|key| target(plan, place, key));
        if let Some(other) = other
            && seconds.contains(&other)
            && is_free(plan, other)
            && is_free(plan, place)
        {
            join(plan, place, other);
        }
    }
}

/// The first end that control comes to from the body of a loop, behind the loops inside of it.
fn loop_end(plan: &Plan, start: usize, end: Control) -> Option<usize> {
    let control = |place: usize| {
        plan.node(place)
            .and_then(|node| node.node_type?.as_control())
    };
    let mut seen = BTreeSet::new();
    let mut waiting: VecDeque<(usize, usize)> = plan
        .ways(start, "body")
        .map(|exit| (exit.target, 0))
        .collect();
    while let Some((place, depth)) = waiting.pop_front() {
        if place == start || !seen.insert((place, depth)) || depth > plan.nodes().len() {
            continue;
        }
        let found = control(place);
        let is_end = matches!(found, Some(Control::ForEnd | Control::WhileEnd));
        if is_end && depth == 0 {
            if found == Some(end) && is_free(plan, place) {
                return Some(place);
            }
            continue;
        }
        let Some(node) = plan.node(place) else {
            continue;
        };
        for exit in node.exits.iter().filter(|exit| !exit.is_loop_end) {
            let deeper = found.is_some_and(Control::is_loop) && exit.port == "body";
            let depth = depth + usize::from(deeper) - usize::from(is_end);
            waiting.push_back((exit.target, depth));
        }
    }
    None
}

/// How many ways lead from a node to each other one.
fn distances(plan: &Plan, from: usize) -> BTreeMap<usize, usize> {
    let mut distances = BTreeMap::from([(from, 0)]);
    let mut waiting = VecDeque::from([(from, 0)]);
    while let Some((place, distance)) = waiting.pop_front() {
        let Some(node) = plan.node(place) else {
            continue;
        };
        for exit in &node.exits {
            if let std::collections::btree_map::Entry::Vacant(entry) = distances.entry(exit.target)
            {
                entry.insert(distance + 1);
                waiting.push_back((exit.target, distance + 1));
            }
        }
    }
    distances
}

/// Joins what is free and nearest to each other; a last pair that no way joins, too.
fn nearest(plan: &mut Plan, first: Control, second: Control) {
    let free = |plan: &Plan, control| -> Vec<usize> {
        let mut places = of(plan, control);
        places.retain(|&place| is_free(plan, place));
        places
    };
    let mut candidates = Vec::new();
    for from in free(plan, first) {
        let distances = distances(plan, from);
        for to in free(plan, second) {
            if let Some(distance) = distances.get(&to) {
                candidates.push((*distance, from, to));
            }
        }
    }
    candidates.sort_unstable();
    for (_, from, to) in candidates {
        if is_free(plan, from) && is_free(plan, to) {
            join(plan, from, to);
        }
    }
    if let ([from], [to]) = (free(plan, first).as_slice(), free(plan, second).as_slice()) {
        join(plan, *from, *to);
    }
}

/// Gives each finally to its try.
fn finallys(plan: &mut Plan) {
    let tries = of(plan, Control::Try);
    let mut candidates = Vec::new();
    for place in of(plan, Control::Finally) {
        if let Some(owner) = target(plan, place, "paired_try_id") {
            candidates.push((0, owner, place));
            continue;
        }
        for &owner in &tries {
            let named = ["paired_finally_id", "finally_id"];
            let is_named = named
                .iter()
                .any(|key| target(plan, owner, key) == Some(place));
            let catch = plan.node(owner).and_then(|node| node.partner);
            let distance = [Some(owner), catch]
                .into_iter()
                .flatten()
                .filter_map(|from| distances(plan, from).get(&place).copied())
                .min();
            match (is_named, distance) {
                (true, _) => candidates.push((0, owner, place)),
                (false, Some(distance)) => candidates.push((distance, owner, place)),
                (false, None) if tries.len() == 1 => candidates.push((usize::MAX, owner, place)),
                (false, None) => {}
            }
        }
    }
    candidates.sort_unstable();
    for (_, owner, place) in candidates {
        let free = |at: usize| plan.node(at).is_some_and(|node| node.finally.is_none());
        if !tries.contains(&owner) || !free(owner) || !free(place) {
            continue;
        }
        for (at, other) in [(owner, place), (place, owner)] {
            if let Some(node) = plan.node_mut(at) {
                node.finally = Some(other);
            }
        }
    }
}
