use super::*;
use crate::document;

fn plan(nodes: &[(&str, &str)], links: &[&str]) -> Plan {
    let nodes: Vec<String> = nodes
        .iter()
        .map(|(id, kind)| {
            format!(r#""{id}": {{"node_id": "{id}", "node_type": "{kind}", "config": {{}}}}"#)
        })
        .collect();
    let links: Vec<String> = links
        .iter()
        .map(|link| {
            let (from, to) = link.split_once('>').unwrap();
            let (source, port) = from.split_once('.').unwrap_or((from, "exec_out"));
            format!(
                r#"{{"source_node": "{source}", "source_port": "{port}", "target_node": "{to}", "target_port": "exec_in"}}"#
            )
        })
        .collect();
    let text = format!(
        r#"{{"metadata": {{"name": "t"}}, "nodes": {{{}}}, "connections": [{}]}}"#,
        nodes.join(","),
        links.join(",")
    );
    Plan::new(&document::load(&text).unwrap().workflow)
}

fn partner(plan: &Plan, id: &str) -> Option<String> {
    let partner = plan.node(plan.place(id)?)?.partner?;
    plan.node(partner).map(|node| node.id.clone())
}

fn finally(plan: &Plan, id: &str) -> Option<String> {
    let finally = plan.node(plan.place(id)?)?.finally?;
    plan.node(finally).map(|node| node.id.clone())
}

#[test]
fn loops_without_names_are_paired_by_nesting() {
    let plan = plan(
        &[
            ("outer", "ForLoopStartNode"),
            ("inner", "ForLoopStartNode"),
            ("inner_end", "ForLoopEndNode"),
            ("outer_end", "ForLoopEndNode"),
        ],
        &[
            "outer.body>inner",
            "inner.body>inner_end",
            "inner_end>outer_end",
        ],
    );
    assert_eq!(partner(&plan, "inner").as_deref(), Some("inner_end"));
    assert_eq!(partner(&plan, "outer").as_deref(), Some("outer_end"));
}

#[test]
fn a_try_takes_the_nearest_catch_and_its_finally() {
    let plan = plan(
        &[
            ("outer", "TryNode"),
            ("inner", "TryNode"),
            ("inner_catch", "CatchNode"),
            ("outer_catch", "CatchNode"),
            ("finally", "FinallyNode"),
        ],
        &[
            "outer.try_body>inner",
            "inner.try_body>inner_catch",
            "inner_catch.catch_body>outer_catch",
            "outer_catch.catch_body>finally",
        ],
    );
    assert_eq!(partner(&plan, "inner").as_deref(), Some("inner_catch"));
    assert_eq!(partner(&plan, "outer").as_deref(), Some("outer_catch"));
    assert_eq!(finally(&plan, "outer").as_deref(), Some("finally"));
}

#[test]
fn a_catch_that_nothing_leads_to_is_no_entry() {
    let plan = plan(
        &[
            ("try", "TryNode"),
            ("work", "LogNode"),
            ("catch", "CatchNode"),
            ("after", "LogNode"),
        ],
        &["try.try_body>work", "catch.catch_body>after"],
    );
    let entries: Vec<&str> = plan
        .entries
        .iter()
        .filter_map(|&place| plan.node(place))
        .map(|node| node.id.as_str())
        .collect();
    assert_eq!(entries, ["try"]);
    assert_eq!(partner(&plan, "try").as_deref(), Some("catch"));
}
