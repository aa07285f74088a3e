use std::collections::BTreeSet;

use serde_json::json;

use super::*;

#[test]
fn each_name_stands_for_one_type() {
    let mut names = BTreeSet::new();
    for node_type in catalogue().iter() {
        for name in std::iter::once(&node_type.name).chain(&node_type.aliases) {
            assert!(names.insert(*name), "{name} is there twice");
        }
        assert!(!node_type.summary.is_empty(), "{}", node_type.name);
        assert!(
            foreign(node_type.name).is_some(),
            "{} is no node type of CasareRPA",
            node_type.name
        );
    }
}

#[test]
fn inputs_outputs_and_other_spellings_fit_together() {
    for node_type in catalogue().iter() {
        let name = node_type.name;
        let inputs: BTreeSet<&str> = node_type.inputs.iter().map(|input| input.name).collect();
        assert_eq!(
            inputs.len(),
            node_type.inputs.len(),
            "{name} takes something twice"
        );
        let outputs: BTreeSet<&str> = node_type.outputs.iter().map(|output| output.name).collect();
        assert_eq!(
            outputs.len(),
            node_type.outputs.len(),
            "{name} gives something twice"
        );
        for (other, meant) in &node_type.key_aliases {
            assert!(
                inputs.contains(meant),
                "{name}: `{other}` means `{meant}`, which is not there"
            );
            assert!(!inputs.contains(other), "{name}: `{other}` is there itself");
        }
        for (other, meant) in &node_type.port_aliases {
            let is_there = outputs.contains(meant) || node_type.exits.contains(meant);
            assert!(
                is_there,
                "{name}: `{other}` means `{meant}`, which is not there"
            );
        }
        for input in &node_type.inputs {
            if !input.default.is_null() {
                let coerced = input.kind.coerce(input.default.clone());
                assert_eq!(
                    coerced.as_ref(),
                    Ok(&input.default),
                    "{name}: default of `{}`",
                    input.name
                );
            }
        }
    }
}

#[test]
fn texts_of_the_editor_become_values() {
    for (kind, given, expected) in [
        (Kind::Integer, json!("30000"), json!(30000)),
        (Kind::Float, json!("0.5"), json!(0.5)),
        (Kind::Boolean, json!("True"), json!(true)),
        (Kind::Boolean, json!("no"), json!(false)),
        (Kind::List, json!("[1, 'a']"), json!([1, "a"])),
        (Kind::Dict, json!("{\"a\": 1}"), json!({"a": 1})),
        (Kind::Text, json!(15.0), json!("15.0")),
        (
            Kind::Choice(&["Read File", "Write File"]),
            json!("write_file"),
            json!("Write File"),
        ),
        (
            Kind::Choice(&["equals (==)", "<"]),
            json!("equals"),
            json!("equals (==)"),
        ),
    ] {
        assert_eq!(kind.coerce(given), Ok(expected));
    }
    let error = Kind::Integer.coerce(json!("seven")).unwrap_err();
    assert_eq!(error, "an integer is expected, not 'seven'");
    assert!(Kind::List.coerce(json!("open('x')")).is_err());
}

#[test]
fn a_misspelt_name_finds_the_one_that_is_meant() {
    assert_eq!(
        catalogue().nearest("ForLopStartNode"),
        Some("ForLoopStartNode")
    );
    assert_eq!(catalogue().nearest("LgNode"), Some("LogNode"));
    assert_eq!(catalogue().nearest("TeleportNode"), None);
}
