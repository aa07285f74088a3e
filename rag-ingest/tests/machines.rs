//! The pictures of the workflows against the committed ones, in `tests/machines` beside those of the library's tests.
//!
//! `MACHINES=overwrite cargo test -p rag-ingest --test machines` draws them anew: read the difference beside
//! `src/workflow`.

use std::path::Path;
use std::{env, fs};

use durable_runtime::Workflow;
use rag_ingest::workflow::{ingest_collection, ingest_file, ingest_page, retry_collection};

#[test]
fn workflows_are_as_committed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/machines");
    let machines = [
        ingest_collection::machine(),
        ingest_page::machine(),
        ingest_file::machine(),
        retry_collection::machine(),
    ];
    for machine in machines {
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
}
