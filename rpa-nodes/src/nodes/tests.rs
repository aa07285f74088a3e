//! Each node type by itself: what it gives for what it takes. One workflow of a start and one node is run for each case.

#[cfg(feature = "llm")]
mod agent;
mod collections;
mod databases;
mod dialogs;
mod documents;
#[cfg(feature = "excel")]
mod excel;
mod files;
mod http;
#[cfg(feature = "llm")]
mod llm;
mod machine;
mod numbers;
#[cfg(feature = "pdf")]
mod pdf;
#[cfg(all(feature = "llm", feature = "pdf"))]
mod reading;
#[cfg(feature = "llm")]
mod retrieval;
mod texts;
mod variables;

use std::path::Path;

use serde_json::{Value, json};

use crate::catalogue::catalogue;
use crate::document;
use crate::host::Host;
use crate::run::{Request, Result as RunResult, run_ephemeral};

fn run_in(folder: &Path, node_type: &str, config: Value, variables: Value) -> RunResult {
    let document = json!({
        "metadata": {"name": "t"},
        "nodes": {"n": {"node_id": "n", "node_type": node_type, "config": config}},
        "connections": [],
        "variables": variables,
    });
    let loaded = document::load(&document.to_string()).unwrap();
    let request = Request::new(&loaded.workflow, &Default::default(), folder).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(run_ephemeral(&request, &Host::default()))
        .unwrap()
}

fn run(node_type: &str, config: Value) -> RunResult {
    run_in(Path::new("/"), node_type, config, json!({}))
}

/// What a node gives; its outputs among others may be asked for by name.
fn gives(node_type: &str, config: Value) -> Value {
    let result = run(node_type, config);
    assert!(result.success, "{node_type}: {:?}", result.error);
    result.outputs.get("n").cloned().unwrap_or_default()
}

fn fails(node_type: &str, config: Value) -> String {
    let result = run(node_type, config);
    assert!(
        !result.success,
        "{node_type} succeeded: {:?}",
        result.outputs
    );
    result.error.unwrap()
}

/// Cases of a node type: its config, and some of what it gives.
fn check(node_type: &str, cases: &[(Value, Value)]) {
    for (config, expected) in cases {
        let given = gives(node_type, config.clone());
        for (name, expected) in expected.as_object().unwrap() {
            assert_eq!(
                given.get(name),
                Some(expected),
                "{node_type} {config} gives {name}"
            );
        }
    }
}

/// Control nodes are tested with the walk; all others are in one of the tests above.
#[test]
fn no_node_type_is_untested() {
    let tests = [
        // Nodes in a browser are tested with a real one: tests/suite/rpa/browser.rs.
        include_str!("../../tests/fixtures/runs/browser_tour.json"),
        include_str!("../../tests/fixtures/runs/browser_around.json"),
        include_str!("../../tests/fixtures/runs/browser_part.json"),
        // Mail and FTP with real servers: tests/suite/rpa/mail.rs and ftp.rs.
        include_str!("../../tests/fixtures/runs/mail_tour.json"),
        include_str!("../../tests/fixtures/runs/mail_super.json"),
        include_str!("../../tests/fixtures/runs/ftp_tour.json"),
        // Triggers that wait for others with what these are: tests/suite/rpa.
        include_str!("../../../tests/suite/rpa/chats.rs"),
        include_str!("../../../tests/suite/rpa/errors.rs"),
        include_str!("../../../tests/suite/rpa/feeds.rs"),
        include_str!("../../../tests/suite/rpa/forms.rs"),
        include_str!("../../../tests/suite/rpa/inbox.rs"),
        include_str!("../../../tests/suite/rpa/streams.rs"),
        include_str!("tests/agent.rs"),
        include_str!("tests/collections.rs"),
        include_str!("tests/databases.rs"),
        include_str!("tests/dialogs.rs"),
        include_str!("tests/documents.rs"),
        include_str!("tests/http.rs"),
        include_str!("tests/machine.rs"),
        include_str!("tests/excel.rs"),
        include_str!("tests/files.rs"),
        include_str!("tests/llm.rs"),
        include_str!("tests/numbers.rs"),
        include_str!("tests/pdf.rs"),
        include_str!("tests/reading.rs"),
        include_str!("tests/retrieval.rs"),
        include_str!("tests/texts.rs"),
        include_str!("tests/variables.rs"),
    ]
    .concat();
    let walks = include_str!("../walk/tests.rs");
    let untested: Vec<&str> = catalogue()
        .iter()
        .map(|node_type| node_type.name)
        .filter(|name| {
            !tests.contains(&format!("\"{name}\"")) && !walks.contains(&format!("\"{name}\""))
        })
        .collect();
    assert_eq!(untested, Vec::<&str>::new());
}
