use super::render;
use crate::document::load;

fn drawn(text: &str) -> String {
    render(&load(text).unwrap().workflow)
}

#[test]
fn control_is_drawn_with_lines_and_values_with_dots() {
    assert_eq!(
        drawn(include_str!("../../tests/fixtures/starter.json")),
        r#"flowchart TD
    n0(["Start<br/>StartNode"])
    n1["Each line<br/>ForLoopStartNode"]
    n2["Log<br/>LogNode"]
    n3["Next<br/>ForLoopEndNode"]
    n0 --> n1
    n1 -->|"body"| n2
    n2 --> n3
    n1 -.->|"current_item → message"| n2
"#
    );
}

#[test]
fn choices_and_disabled_nodes_look_different() {
    let chart = drawn(include_str!("../../tests/fixtures/workflow.json"));
    assert!(
        chart.contains(r#"n1{{"Before noon?<br/>IfNode"}}"#),
        "{chart}"
    );
    assert!(
        chart.contains(r#"n2["LogNode_2a2b3c4d<br/>LogNode"]:::disabled"#),
        "{chart}"
    );
    assert!(chart.contains("classDef disabled"), "{chart}");
    assert!(!chart.contains("classDef missing"), "{chart}");
}

#[test]
fn the_way_back_to_a_loop_is_named() {
    let chart = drawn(include_str!("../../tests/fixtures/template.json"));
    assert!(chart.contains(r#"n3 -->|"loop_next"| n1"#), "{chart}");
}

#[test]
fn nodes_that_do_not_exist_are_drawn_as_missing() {
    let chart = drawn(
        r#"{"nodes": {"a": {"node_type": "X"}}, "connections": [
            {"source_node": "a", "source_port": "exec_out", "target_node": "gone", "target_port": "exec_in"}]}"#,
    );
    assert!(
        chart.contains("    n1[\"gone<br/>missing\"]:::missing\n    n0 --> n1\n"),
        "{chart}"
    );
}

#[test]
fn names_cannot_break_out_of_their_quotes() {
    let chart =
        drawn(r#"{"nodes": {"end": {"node_type": "X", "name": "a\"]; click\nx <b>#1|`"}}}"#);
    assert!(
        chart.contains(r##"n0(["a#34;#93;#59; click<br/>x #60;b#62;#35;1#124;#96;<br/>X"])"##),
        "{chart}"
    );
}
