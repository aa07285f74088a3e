//! The commands of the library in a real program: `rag-ingest durable ...`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use durable_tests::program;
use durable_tests::rag::Ingestion;
use durable_tests::scratch::Scratch;
use serde_json::Value as Json;

fn documents(scratch: &Scratch) -> std::path::PathBuf {
    let folder = scratch.file("documents");
    fs::create_dir(&folder).unwrap();
    fs::write(
        folder.join("bread.md"),
        "# Bread\n\nBake the loaf in a hot oven.\n",
    )
    .unwrap();
    fs::write(
        folder.join("ships.txt"),
        "A brig has two square-rigged masts.\n",
    )
    .unwrap();
    // Cannot be loaded, so that a run with a failed file is followed as well.
    fs::write(folder.join("broken.pdf"), "%PDF-1.4 and no more").unwrap();
    folder
}

fn run(program: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(program).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

on_both_stores! {
    async fn an_ingestion_can_be_followed_by_the_program_that_made_it(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let (code, summary) = ingestion.run();
        assert_eq!((code, &summary["ingested"]), (2, &2.into()), "{summary}");
        let before = store.dump().await;

        let verify = ["durable", "verify-replay", "--db", store.url()];
        let (code, out, err) = run(&ingestion.program, &verify);

        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        assert_eq!(store.dump().await, before);
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines, [
            "workflow              runs    agree    go on  diverge    other",
            "ingest_collection        1        1        0        0        0",
            "ingest_file              3        3        0        0        0",
            "ingest_page              1        1        0        0        0",
            "",
            "No run is at odds with this code (5 looked at).",
        ]);
        let (code, out, _) = run(&ingestion.program, &[&verify[..], &["--json", "--workflow", "ingest_file", "--since", "1h"]].concat());
        let report: Json = serde_json::from_str(&out).unwrap();
        assert_eq!((code, report["runs"].as_array().unwrap().len()), (0, 3), "{out}");
        let (code, out, _) = run(&ingestion.program, &[&verify[..], &["--status", "pending"]].concat());
        assert_eq!((code, out.trim()), (0, "There are no such runs."));
    }

    async fn a_history_that_the_program_would_not_follow_ends_with_2(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        ingestion.run();
        let changed = store
            .execute("UPDATE operation_outputs SET function_name = 'tokenize' WHERE function_name = 'chunk'", &[])
            .await;
        assert_eq!(changed, 2);

        let (code, out, err) = run(&ingestion.program, &["durable", "verify-replay", "--db", store.url()]);

        assert_eq!((code, err.as_str()), (2, ""), "{out}");
        assert!(out.contains("`tokenize` was recorded, and now `chunk` is called at rag-ingest/src/workflow/file.rs:"), "{out}");
        assert!(out.trim_end().ends_with("2 runs of 5 are at odds with this code."), "{out}");
    }

    async fn workflows_are_shown_from_the_program_and_from_the_database(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let (_, summary) = ingestion.run();
        let run_id = summary["run_id"].as_str().unwrap().to_owned();
        let durable = program::path("durable");
        let machines = |(code, out, err): (i32, String, String)| -> Json {
            assert_eq!((code, err.as_str()), (0, ""), "{out}");
            serde_json::from_str(&out).unwrap()
        };

        let own = machines(run(&ingestion.program, &["durable", "graph", "--format", "json", "--db", store.url()]));
        let deployed = machines(run(&durable, &["graph", "--format", "json", "--database", store.url()]));

        assert_eq!(own, deployed);
        let names: Vec<_> = own.as_array().unwrap().iter().map(|machine| machine["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["ingest_collection", "ingest_file", "ingest_page", "retry_collection"]);
        let one = machines(run(&durable, &["graph", "ingest_file", "--format", "json", "--database", store.url()]));
        assert_eq!(one[0], own[1]);
        let of = machines(run(&durable, &["graph", "--of", &run_id, "--format", "json", "--database", store.url()]));
        assert_eq!(of[0], own[0]);
        let (code, _, err) = run(&durable, &["graph", "--of", "nobody", "--database", store.url()]);
        assert_eq!(code, 1);
        assert!(err.contains("no machine is kept for a run `nobody`"), "{err}");
        let (code, out, _) = run(&durable, &["machines", "--database", store.url()]);
        assert_eq!((code, out.lines().count()), (0, 5), "{out}");
        let first: Vec<_> = out.lines().nth(1).unwrap().split_whitespace().collect();
        assert!(first[1].starts_with("rag-ingest-") && first[2] == "ingest_collection", "{out}");
    }
}

#[test]
fn the_commands_say_how_they_are_used() {
    let durable = program::path("durable");
    let rag_ingest = program::path("rag-ingest");
    for (program, arguments, expected) in [
        (&durable, &["--help"][..], "durable graph --of order-7"),
        (
            &durable,
            &["graph", "--help"],
            "the code that the run order-7 was made by",
        ),
        (
            &durable,
            &["machines", "--help"],
            "the versions of one workflow",
        ),
        (
            &rag_ingest,
            &["durable", "verify-replay", "--help"],
            "Exit codes: 0 no run is, 2 some are, 1",
        ),
    ] {
        let (code, out, _) = run(program, arguments);
        assert_eq!(code, 0, "{arguments:?}");
        assert!(out.contains(expected), "{out}");
    }
}

#[test]
fn what_could_not_be_done_ends_with_1() {
    let scratch = Scratch::new();
    let missing = scratch.sqlite_url();
    for (program, arguments, expected) in [
        ("durable", &["machines"][..], "which database?"),
        (
            "durable",
            &["machines", "--database", &missing],
            "cannot open the database",
        ),
        ("durable", &["paint"], "unrecognized subcommand"),
        (
            "rag-ingest",
            &["durable", "verify-replay", "--db", &missing],
            "cannot open the database",
        ),
        (
            "rag-ingest",
            &["durable", "verify-replay", "--status", "lost"],
            "is not a workflow status",
        ),
    ] {
        let (code, out, err) = run(&program::path(program), arguments);
        assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
    }
}
