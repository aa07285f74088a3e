//! The machine of a workflow is what its source says: pictures against the ones in `machines/`. Programs compare those of
//! their workflows themselves.
//!
//! `MACHINES=overwrite cargo nextest run -p durable-tests --test suite -E 'test(machines::)'` draws them anew: read the
//! difference beside the source.

mod dot;
mod flows;
mod mermaid;
mod parts;
mod saga;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use durable_runtime::{Machine, Node, Site, SiteKind, Workflow};

/// The workflows whose pictures are committed.
fn machines() -> Vec<Machine> {
    vec![
        flows::sequence::machine(),
        flows::branches::machine(),
        flows::matches::machine(),
        flows::loops::machine(),
        flows::conditions::machine(),
        flows::together::machine(),
        flows::race::machine(),
        flows::children::machine(),
        flows::exits::machine(),
        flows::pending::machine(),
        parts::fulfil::machine(),
        saga::book_trip::machine(),
    ]
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("machines")
}

/// Compares texts with the committed ones, which are called after the machine.
fn compare(extension: &str, text: impl Fn(&Machine) -> String) {
    let mut different = Vec::new();
    for machine in machines() {
        let path = committed().join(format!("{}.{extension}", machine.name));
        let drawn = text(&machine);
        if env::var("MACHINES").is_ok_and(|value| value == "overwrite") {
            fs::write(&path, drawn).unwrap();
        } else if fs::read_to_string(&path).ok().as_ref() != Some(&drawn) {
            different.push(format!("{}:\n{drawn}", path.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn flowcharts_are_the_committed_ones() {
    compare("mmd", Machine::to_mermaid);
}

#[test]
fn graphs_are_the_committed_ones() {
    compare("dot", Machine::to_dot);
}

#[test]
fn flowcharts_are_mermaid() {
    for machine in machines() {
        mermaid::check(&machine.to_mermaid())
            .unwrap_or_else(|problem| panic!("{}: {problem}", machine.name));
    }
}

#[test]
fn graphs_are_dot() {
    for machine in machines() {
        dot::check(&machine.to_dot())
            .unwrap_or_else(|problem| panic!("{}: {problem}", machine.name));
    }
}

/// Graphviz itself reads them, where it is installed.
#[test]
fn graphviz_draws_the_committed_graphs() {
    let dot = |arguments: &[&str]| {
        Command::new("dot")
            .args(arguments)
            .stdin(Stdio::null())
            .output()
    };
    if dot(&["-V"]).is_err() {
        eprintln!("skipped: Graphviz is not installed");
        return;
    }
    for machine in machines() {
        let path = committed().join(format!("{}.dot", machine.name));
        let drawn = dot(&["-Tsvg", path.to_str().unwrap()]).unwrap();
        let errors = String::from_utf8_lossy(&drawn.stderr);
        assert!(
            drawn.status.success() && errors.is_empty(),
            "{}: {errors}",
            machine.name
        );
        assert!(drawn.stdout.starts_with(b"<?xml"));
    }
}

/// What no name in Rust, but text in it may contain.
#[test]
fn any_text_can_be_drawn() {
    let mut machine = flows::branches::machine();
    let text = "\"quoted\" <b>&amp; `code` \\n #35; |x| {y} [z] -- end;\nnext\t語 🦀 %% ]]";
    machine.name = text.to_owned();
    for joint in &mut machine.joints {
        joint.text = text.into();
    }
    for edge in &mut machine.edges {
        edge.when = Some(text.into());
    }
    mermaid::check(&machine.to_mermaid()).unwrap();
    dot::check(&machine.to_dot()).unwrap();
    assert!(
        machine
            .to_mermaid()
            .contains("#quot;quoted#quot; #lt;b#gt;#amp;amp; #96;code#96; #92;n #35;35;")
    );
    assert!(
        machine
            .to_dot()
            .contains(r#"\"quoted\" <b>&amp; `code` \\n #35; |x| {y} [z] -- end; next 語"#)
    );
}

#[test]
fn a_picture_is_the_same_every_time() {
    for (one, other) in machines().iter().zip(machines()) {
        assert_eq!(one.to_mermaid(), other.to_mermaid());
        assert_eq!(one.to_dot(), other.to_dot());
    }
}

#[test]
fn a_machine_can_be_stored_and_read() {
    for machine in machines() {
        let stored = serde_json::to_string(&machine).unwrap();
        assert_eq!(serde_json::from_str::<Machine>(&stored).unwrap(), machine);
    }
}

#[test]
fn every_call_can_be_reached_and_leads_to_an_end() {
    for machine in machines() {
        let reached = closure(&machine, Node::Start, |edge| (edge.0, edge.1));
        let ending: Vec<Node> = [Node::End, Node::Error]
            .into_iter()
            .flat_map(|end| closure(&machine, end, |edge| (edge.1, edge.0)))
            .collect();
        let undoing: Vec<Node> = machine
            .edges
            .iter()
            .filter(|edge| edge.way == durable_runtime::Way::Undo)
            .map(|edge| edge.to)
            .collect();
        for (index, site) in (0..).zip(&machine.sites) {
            let node = Node::Site(index);
            assert!(
                reached.contains(&node),
                "{}: nothing leads to {}",
                machine.name,
                site.label
            );
            assert!(
                ending.contains(&node) || undoing.contains(&node),
                "{}: nothing follows {}",
                machine.name,
                site.label
            );
        }
    }
}

/// All nodes that ways lead to from one, and it.
fn closure(
    machine: &Machine,
    from: Node,
    direction: fn((Node, Node)) -> (Node, Node),
) -> Vec<Node> {
    let mut found = vec![from];
    let mut next = 0;
    while let Some(node) = found.get(next).copied() {
        next += 1;
        for edge in &machine.edges {
            let (from, to) = direction((edge.from, edge.to));
            if from == node && !found.contains(&to) {
                found.push(to);
            }
        }
    }
    found
}

#[test]
fn kinds_of_calls_are_told_apart() {
    let machine = flows::children::machine();
    let kinds: Vec<(&str, SiteKind)> = machine
        .sites
        .iter()
        .map(|site| (site.callee.as_ref(), site.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            ("sequence", SiteKind::Child),
            ("race", SiteKind::Child),
            ("wait_first", SiteKind::Operation),
            ("sequence", SiteKind::Child),
            ("sequence", SiteKind::Call),
            ("enqueue", SiteKind::Child),
        ]
    );
}

#[test]
fn the_sites_of_parts_have_the_labels_and_places_of_theirs() {
    let machine = parts::fulfil::machine();
    let line = |site: &Site| {
        let source = include_str!("machines/parts.rs");
        source
            .lines()
            .nth(site.line as usize - 1)
            .unwrap()
            .trim()
            .to_owned()
    };
    let sites: Vec<(&str, String)> = machine
        .sites
        .iter()
        .map(|site| (site.label.as_ref(), line(site)))
        .collect();
    let expected = [
        ("look_up", "let order = look_up(&ctx, order).await?;"),
        ("sleep", "ctx.sleep(Duration::from_secs(1)).await;"),
        ("prepare/reserve", "reserve(ctx, order).await?;"),
        ("prepare/print/print_label", "print_label(ctx, order).await"),
        (
            "for#1/ship/if#1/wait_for_courier",
            "wait_for_courier(ctx).await?;",
        ),
        (
            "for#1/ship/print/print_label",
            "print_label(ctx, order).await",
        ),
        ("for#1/ship/hand_over", "hand_over(ctx, order).await"),
    ];
    let mut expected: Vec<(&str, String)> = expected
        .map(|(label, line)| (label, line.to_owned()))
        .to_vec();
    let mut sites = sites;
    expected.sort();
    sites.sort();
    assert_eq!(sites, expected);
    assert!(
        machine
            .sites
            .iter()
            .all(|site| site.file.ends_with("machines/parts.rs"))
    );
}
