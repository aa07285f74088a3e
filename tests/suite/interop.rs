//! The real DBOS drives our worker: its Python client, its command and its applications, on both
//! stores.
//!
//! The checks are Python, in `tests/interop`; `interop/run.py --list` names them with the rules
//! that they show. There is a test for each of their files.

use std::process::Command;

use durable_tests::program;
use durable_tests::scratch::Scratch;

macro_rules! driven_by_python {
    ($($file:ident)*) => {$(
        mod $file {
            #[test]
            fn sqlite() {
                let scratch = durable_tests::scratch::Scratch::new();
                super::hold(stringify!($file), scratch.path().to_str().unwrap());
            }

            #[test]
            fn postgres() {
                super::hold(stringify!($file), &super::server());
            }
        }
    )*};
}

driven_by_python! {
    check_children
    check_command
    check_enqueue
    check_errors
    check_formats
    check_management
    check_messages
    check_mixed
    check_partitions
    check_queues
    check_recovery
    check_schedules
    check_schema
}

/// Every file of checks has a test above.
#[test]
fn no_file_of_checks_is_left_out() {
    let listed = include_str!("interop.rs");
    for entry in std::fs::read_dir(FOLDER).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(file) = name.strip_suffix(".py")
            && file.starts_with("check_")
        {
            let line = format!("    {file}\n");
            assert!(listed.contains(&line), "{name} has no test in interop.rs");
        }
    }
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop");

fn server() -> String {
    std::env::var("DATABASE_URL").unwrap_or_else(|_| {
        panic!(
            "this test needs a PostgreSQL server, and DATABASE_URL names none: run it with \
             `tests/run`, which starts one"
        )
    })
}

/// Runs the checks of a file, all of which have to hold.
fn hold(file: &str, place: &str) {
    let Some(python) = std::env::var_os("DBOS_PYTHON") else {
        panic!(
            "this test needs a Python with the package dbos, and DBOS_PYTHON names none: run it \
             with `tests/run`, which installs one"
        );
    };
    let home = Scratch::new();
    let output = Command::new(&python)
        .arg(format!("{FOLDER}/run.py"))
        .arg("--worker")
        .arg(program::path("conformance-worker"))
        .args(["--db", place, "--only", file])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(home.path())
        .output()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", python.display()));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
