//! The picture of the workflow against the committed ones, in `tests/machines` beside those of the library's tests.
//!
//! `MACHINES=overwrite cargo test -p rpa-nodes --test machines` draws them anew: read the difference beside
//! `src/run/durable.rs`.

use std::path::Path;
use std::{env, fs};

use durable_runtime::Workflow;
use rpa_nodes::run::run_document;

#[test]
fn the_workflow_is_as_committed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/machines");
    let machine = run_document::machine();
    for (extension, drawn) in [("mmd", machine.to_mermaid()), ("dot", machine.to_dot())] {
        let path = folder.join(format!("{}.{extension}", machine.name));
        if env::var("MACHINES").is_ok_and(|value| value == "overwrite") {
            fs::write(&path, &drawn).unwrap();
        }
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            drawn,
            "{}",
            path.display()
        );
    }
}
