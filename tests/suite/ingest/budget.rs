//! How long a budget lasts: for a run that is left to workers, and as long as a folder is watched.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use durable_tests::embeddings::EmbeddingServer;
use durable_tests::rag::{Ingestion, summary};
use durable_tests::scratch::Scratch;

use super::fleet::Fleet;

const FILES: usize = 8;
/// A millionth for a token.
const PRICE: [&str; 2] = ["--embedder-price", "1"];
/// Enough for some of the files.
const BUDGET: [&str; 2] = ["--budget", "0.00006"];
const MICROS: u64 = 60;

fn documents(scratch: &Scratch) -> PathBuf {
    let folder = scratch.file("documents");
    fs::create_dir(&folder).unwrap();
    for number in 0..FILES {
        let text = format!("# Part {number}\n\nWords of part {number} of something.\n");
        fs::write(folder.join(format!("{number}.md")), text).unwrap();
    }
    folder
}

fn spent(server: &EmbeddingServer) -> u64 {
    server.asked().iter().map(|asked| asked.tokens).sum()
}

const BUDGETS: &str = "SELECT COUNT(*) FROM rag_budgets";
const QUEUED: &str = "SELECT COUNT(*) FROM rag_documents WHERE status = 'queued'";

on_both_stores! {
    async fn the_budget_of_a_run_that_is_left_to_workers_lasts_until_the_next_run_is(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch);
        let server = EmbeddingServer::new();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let detach = |budget: &[&str]| {
            let mut command = ingestion.command();
            command.args(server.arguments()).args(PRICE).args(budget).arg("--detach");
            let (code, said) = summary(&command.output().unwrap());
            assert_eq!(code, 0, "{said}");
            said["run_id"].as_str().unwrap().to_owned()
        };
        let work = || {
            let arguments = server.arguments();
            let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            arguments.extend(PRICE.iter().chain(&["--until-idle", "--workers", "1"]));
            let mut fleet = Fleet::new(&ingestion, &scratch, &arguments);
            fleet.start(&ingestion);
            fleet.wait();
        };

        let first = detach(&BUDGET);
        work();

        assert_eq!(store.status(&first, "status").await, "SUCCESS");
        assert!((1..=MICROS).contains(&spent(&server)), "{}", spent(&server));
        let waiting = store.value(QUEUED, &[]).await.as_u64().unwrap();
        assert!((1..FILES as u64).contains(&waiting), "{waiting}");
        // Nobody stayed to end it, and a worker alone spends no more.
        assert_eq!(store.value(BUDGETS, &[]).await, 1);
        work();
        assert_eq!(store.value(QUEUED, &[]).await, waiting);

        let second = detach(&[]);
        assert_eq!(store.value(BUDGETS, &[]).await, 0);
        work();

        assert_eq!(store.status(&second, "status").await, "SUCCESS");
        assert_eq!(store.value(QUEUED, &[]).await, 0);
        let paid = server.paid();
        assert!(paid.len() == FILES && paid.values().all(|times| *times == 1), "{paid:?}");
    }

    async fn the_budget_of_a_watched_folder_is_for_all_that_happens_while_it_is_watched(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch);
        let server = EmbeddingServer::new();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let mut watch = ingestion.command();
        watch.args(server.arguments()).args(PRICE).args(BUDGET).args(["--watch", "--every", "1", "--workers", "1"]);
        let mut child = watch.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let is_there = match store.is_postgres() {
            true => "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'rag_budgets'",
            false => "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'rag_budgets'",
        };
        store.becomes(is_there, &[], 1).await;
        store.becomes("SELECT COUNT(*) FROM rag_budgets WHERE is_spent <> 0", &[], 1).await;
        let before = store.value("SELECT COUNT(*) FROM rag_documents WHERE content_hash <> ''", &[]).await;

        // A later run finds what is new, and spends nothing on it.
        fs::write(folder.join("new.md"), "What came later.").unwrap();
        store.becomes("SELECT COUNT(*) FROM rag_documents WHERE path = 'new.md' AND status = 'queued'", &[], 1).await;
        store.becomes("SELECT COUNT(*) FROM rag_documents WHERE status = 'queued' AND seen_run IN
            (SELECT seen_run FROM rag_documents WHERE path = 'new.md')", &[], store.value(QUEUED, &[]).await).await;
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));

        assert!((1..=MICROS).contains(&spent(&server)), "{}", spent(&server));
        assert_eq!(store.value("SELECT COUNT(*) FROM rag_documents WHERE content_hash <> ''", &[]).await, before);
        // The next command has a budget of its own: none.
        let (code, done) = summary(&ingestion.command().args(server.arguments()).output().unwrap());
        assert_eq!((code, &done["waiting"]), (0, &0.into()), "{done}");
        assert_eq!(server.paid().len(), FILES + 1);
        ingestion.verify();
    }
}
