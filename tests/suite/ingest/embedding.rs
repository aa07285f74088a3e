//! A model behind HTTP, from the outside: kills, limits that processes share, a budget, a key.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use durable_tests::embeddings::{EmbeddingServer, Misdeed};
use durable_tests::rag::{Ingestion, summary};
use durable_tests::scratch::Scratch;

const BATCH: usize = 4;

/// Folders of documents with a chunk for each section, each text different from all others.
fn documents(scratch: &Scratch, name: &str, files: usize, sections: usize) -> PathBuf {
    let folder = scratch.file(name);
    fs::create_dir(&folder).unwrap();
    for file in 0..files {
        let section = |number: usize| {
            format!(
                "# Part {number} of {name} {file}\n\nWords of part {number} in {name} {file}.\n\n"
            )
        };
        let text: String = (0..sections).map(section).collect();
        fs::write(folder.join(format!("{file:02}.md")), text).unwrap();
    }
    folder
}

fn command(ingestion: &Ingestion<'_>, server: &EmbeddingServer, more: &[&str]) -> Command {
    let mut command = ingestion.command();
    command.args(server.arguments()).args(more);
    command
}

fn start(mut command: Command) -> Child {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills it in the middle of requests that are paid and whose answers never come, then lets it end.
fn killed_while_it_waits(ingestion: &Ingestion<'_>, server: &EmbeddingServer, workers: usize) {
    const KILLS: usize = 3;
    let (files, sections) = (10, 9);
    let count = workers.to_string();
    let more = ["--embedder-batch", "4", "--workers", &count];
    for _ in 0..KILLS {
        let before = server.asked().len();
        server.plan(
            [None, None]
                .into_iter()
                .chain((0..workers).map(|_| Some(Misdeed::Withheld))),
        );
        let mut child = start(command(ingestion, server, &more));
        server.wait_for(before + 2 + workers);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    let (code, last) = summary(&command(ingestion, server, &more).output().unwrap());

    assert_eq!(code, 0, "{last}");
    assert_eq!(last["discovered"], files, "{last}");
    ingestion.verify();
    let paid = server.paid();
    assert_eq!(paid.len(), files * sections);
    let again: usize = paid.values().map(|times| times - 1).sum();
    assert!(again > 0, "no kill lost an answer");
    assert!(
        again <= KILLS * workers * BATCH,
        "{again} texts were paid again: {paid:?}"
    );
    assert!(paid.values().all(|times| *times <= 1 + KILLS), "{paid:?}");
}

async fn spending(ingestion: &Ingestion<'_>) -> (i64, i64) {
    let sql = "SELECT CAST(SUM(requests) AS BIGINT), CAST(SUM(embedded) AS BIGINT) FROM rag_costs";
    let row = ingestion.store.row(sql, &[]).await;
    (row[0].as_i64().unwrap(), row[1].as_i64().unwrap())
}

/// Three programs with a folder each, and the times of their requests.
fn three_at_once(store: &durable_tests::store::Store, server: &EmbeddingServer, limits: &[&str]) {
    let scratch = Scratch::new();
    let folders: Vec<_> = ["a", "b", "c"]
        .iter()
        .map(|name| documents(&scratch, name, 5, 1))
        .collect();
    let begin = |folder: &PathBuf| {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let ingestion = Ingestion::new(folder, store, scratch.file(&format!("{name}.log")));
        let mut command = command(&ingestion, server, limits);
        command.args([
            "--collection",
            name,
            "--limits-period",
            "3",
            "--workers",
            "3",
        ]);
        command.env("DBOS__VMID", format!("worker-{name}"));
        command.stdout(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = folders.iter().map(begin).collect();
    for child in children {
        let (code, summary) = summary(&child.wait_with_output().unwrap());
        assert_eq!(code, 0, "{summary}");
    }
    assert_eq!(server.paid().len(), 15);
}

/// The most that came within any stretch of three seconds.
fn most_at_once(server: &EmbeddingServer, weight: impl Fn(u64) -> u64) -> u64 {
    let asked = server.asked();
    let within = |from: usize| {
        let stretch = asked[from..]
            .iter()
            .take_while(|later| later.at - asked[from].at < Duration::from_secs(3));
        stretch.map(|asked| weight(asked.tokens)).sum()
    };
    (0..asked.len()).map(within).max().unwrap_or_default()
}

fn holds(path: &Path, secret: &str) -> bool {
    let bytes = fs::read(path).unwrap_or_default();
    bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

on_both_stores! {
    async fn killed_while_it_waits_for_an_answer_it_pays_one_batch_again(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch, "a", 10, 9);
        let server = EmbeddingServer::new();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        killed_while_it_waits(&ingestion, &server, 1);
        let (_, embedded) = spending(&ingestion).await;
        assert_eq!(embedded, 90);
    }

    async fn killed_with_three_workers_it_pays_one_batch_of_each_again(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch, "a", 10, 9);
        let server = EmbeddingServer::new();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        killed_while_it_waits(&ingestion, &server, 3);
    }

    async fn three_processes_together_keep_to_the_limit_of_requests(store: Store) {
        let server = EmbeddingServer::new();
        three_at_once(&store, &server, &["--requests-per-minute", "4"]);
        assert_eq!(most_at_once(&server, |_| 1), 4);
        assert_eq!(server.asked().len(), 15);
    }

    async fn three_processes_together_keep_to_the_limit_of_tokens(store: Store) {
        let server = EmbeddingServer::new();
        three_at_once(&store, &server, &["--tokens-per-minute", "100"]);
        let most = most_at_once(&server, |tokens| tokens);
        // As much as fits: what a text weighs is guessed before, and a little high.
        assert!((40..=100).contains(&most), "{most} tokens");
    }

    async fn a_spent_budget_stops_before_the_next_request_and_a_higher_one_goes_on(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch, "a", 8, 1);
        let server = EmbeddingServer::new();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        // A millionth for a token.
        let with = |budget: &str| {
            let more = ["--embedder-price", "1", "--budget", budget, "--workers", "1"];
            command(&ingestion, &server, &more).output().unwrap()
        };

        let (code, stopped) = summary(&with("0.00006"));

        let waiting = stopped["waiting"].as_u64().unwrap();
        assert_eq!((code, stopped["failed"].as_array().unwrap().len()), (2, 0), "{stopped}");
        assert_eq!(stopped["ingested"].as_u64().unwrap() + waiting, 8, "{stopped}");
        assert!((1..8).contains(&waiting), "{stopped}");
        let tokens: u64 = server.asked().iter().map(|asked| asked.tokens).sum();
        assert_eq!(stopped["spending"]["cost_micros"], tokens, "{stopped}");
        assert!(tokens <= 60, "{tokens}");
        let (_, status) = ingestion.command_of(&["status"]);
        assert_eq!(status["files"]["queued"], waiting, "{status}");
        assert_eq!(status["run"]["spending"]["tokens"], tokens, "{status}");
        let mut told = Command::new(&ingestion.program);
        told.arg("ingest").arg(&folder).args(["--db", store.url(), "--embedder-price", "1", "--budget", "0.000001"]);
        let told = told.args(server.arguments()).output().unwrap();
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.contains("wait") && told.contains("higher --budget"), "{told}");

        let (code, done) = summary(&with("1"));

        assert_eq!((code, &done["ingested"]), (0, &waiting.into()), "{done}");
        let paid = server.paid();
        assert!(paid.len() == 8 && paid.values().all(|times| *times == 1), "{paid:?}");
        let (_, stats) = ingestion.command_of(&["stats"]);
        let tokens: u64 = server.asked().iter().map(|asked| asked.tokens).sum();
        assert_eq!(stats["cost_micros"], tokens, "{stats}");
        ingestion.verify();
    }

    async fn a_key_comes_from_the_environment_and_is_found_nowhere_afterwards(store: Store) {
        const KEY: &str = "sk-a-very-secret-key";
        let scratch = Scratch::new();
        let folder = documents(&scratch, "a", 2, 1);
        let server = EmbeddingServer::new();
        server.plan([None, Some(Misdeed::TellKey)]);
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let run = |name: &str| {
            let mut command = command(&ingestion, &server, &[]);
            command.env_remove("OPENAI_API_KEY").env_remove("RAG_EMBEDDER_KEY");
            command.env("RUST_LOG", "trace").env(name, KEY).output().unwrap()
        };

        let output = run("RAG_EMBEDDER_KEY");

        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert_eq!(server.asked()[0].authorization, Some(format!("Bearer {KEY}")));
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("you sent Bearer ***"), "{said}");
        assert!(!said.contains(KEY));
        assert!(!holds(&ingestion.log, KEY));
        let errors = store.rows("SELECT COALESCE(error, '') FROM rag_documents", &[]).await;
        let lines = store.dump().await.into_iter().chain(errors.iter().map(ToString::to_string));
        assert_eq!(lines.filter(|line| line.contains(KEY)).count(), 0);
        if let Some(file) = store.path() {
            assert!(!holds(&file, KEY));
        }
        // The key of OpenAI is for OpenAI alone.
        let before = server.asked().len();
        run("OPENAI_API_KEY");
        assert_eq!(server.asked()[before].authorization, None);
    }

    async fn a_collection_made_with_ollama_is_searched_with_ollama_and_with_nothing_else(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("a");
        fs::create_dir(&folder).unwrap();
        for (name, text) in [("bread.txt", "Bake the loaf."), ("ships.txt", "A sloop has one mast."), ("sea.txt", "Whales sing.")] {
            fs::write(folder.join(name), text).unwrap();
        }
        let server = EmbeddingServer::new();
        let url = server.ollama();
        let ollama = |model| ["--embedder", "ollama", "--embedder-url", &url, "--embedder-model", model];
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let (code, first) = summary(&ingestion.command().args(ollama("m:latest")).output().unwrap());
        assert_eq!((code, &first["ingested"]), (0, &3.into()), "{first}");
        let search = |model| {
            let mut search = Command::new(&ingestion.program);
            search.args(["search", "a sloop with one mast", "--json", "--db", store.url()]);
            search.args(ollama(model)).output().unwrap()
        };

        let (_, hits) = summary(&search("m"));
        let other = search("another");

        assert!(hits[0]["path"].as_str().unwrap().ends_with("ships.txt"), "{hits}");
        assert_eq!(other.status.code(), Some(1));
        let said = String::from_utf8_lossy(&other.stderr).into_owned();
        assert!(said.contains("was made with the model ollama:m/16, not with ollama:another/16"), "{said}");
    }

    async fn what_is_missing_among_the_options_is_said_before_anything_is_sent(store: Store) {
        let scratch = Scratch::new();
        let folder = documents(&scratch, "a", 1, 1);
        let server = EmbeddingServer::new();
        let ingestion = Ingestion::new(&folder, &store, scratch.file("log"));
        let said = |command: &mut Command| {
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            String::from_utf8_lossy(&output.stderr).into_owned()
        };

        let no_model = said(ingestion.command().args(["--embedder", "ollama"]));
        let no_price = said(&mut command(&ingestion, &server, &["--budget", "1"]));
        let no_address = said(ingestion.command().args(
            ["--embedder", "openai", "--embedder-model", "m", "--embedder-url", "localhost:1"]
        ));

        assert!(no_model.contains("--embedder-model nomic-embed-text"), "{no_model}");
        assert!(no_price.contains("--embedder-price"), "{no_price}");
        assert!(no_address.contains("https://api.openai.com/v1"), "{no_address}");
        assert_eq!(server.asked().len(), 0);
    }
}
