//! Proving that a collection is whole, taking away what is not needed, and databases of an older version.

use std::fs;

use durable_tests::rag::Ingestion;
use durable_tests::scratch::Scratch;
use durable_tests::store::Store;

const FILES: [(&str, &str); 2] = [
    ("a.md", "# One\n\nThe lighthouse keeper counts ships.\n"),
    ("b.txt", "A meteorite fell into the orchard."),
];

const VERSION_1_SQLITE: &str =
    include_str!("../../../rag-ingest/src/collection/migrations/1.sqlite.sql");
const VERSION_1_POSTGRES: &str =
    include_str!("../../../rag-ingest/src/collection/migrations/1.postgres.sql");

/// Takes away what versions 3 and 4 of the tables have added.
const BACK_TO_VERSION_2: [&str; 13] = [
    "ALTER TABLE rag_chunks DROP COLUMN start_char",
    "ALTER TABLE rag_chunks DROP COLUMN end_char",
    "ALTER TABLE rag_chunks DROP COLUMN file_start",
    "ALTER TABLE rag_chunks DROP COLUMN file_end",
    "DROP INDEX rag_costs_collection",
    "DROP INDEX rag_costs_run",
    "ALTER TABLE rag_costs DROP COLUMN requests",
    "ALTER TABLE rag_costs DROP COLUMN retries",
    "DROP TABLE rag_requests",
    "DROP TABLE rag_pauses",
    "DROP TABLE rag_budgets",
    "UPDATE rag_documents SET fingerprint = 'old', tried_fingerprint = 'old'",
    "UPDATE rag_schema SET version = 2",
];

on_both_stores! {
    async fn verify_says_what_is_wrong(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let ingestion = Ingestion::of_files(&folder, &FILES, &store, scratch.file("log"));
        ingestion.verify();

        store.execute("UPDATE rag_documents SET chunks = 7 WHERE path = 'a.md'", &[]).await;
        store.execute("UPDATE rag_documents SET file_hash = 'other' WHERE path = 'b.txt'", &[]).await;
        store.execute("UPDATE rag_chunks SET text = 'forged' WHERE text LIKE '%meteorite%'", &[]).await;
        let (code, verdicts) = ingestion.command_of(&["verify"]);

        assert_eq!(code, 2, "{verdicts}");
        let problems = verdicts["problems"].to_string();
        assert!(problems.contains("a.md: it has another number of chunks"), "{problems}");
        assert!(problems.contains("b.txt: its chunks are of another version"), "{problems}");
        assert!(problems.contains("its vector is that of another text"), "{problems}");
    }

    async fn prune_takes_what_nothing_refers_to_and_nothing_else(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let ingestion = Ingestion::of_files(&folder, &FILES, &store, scratch.file("log"));
        fs::remove_file(folder.join("b.txt")).unwrap();
        ingestion.run();

        let (_, dry) = ingestion.command_of(&["prune", "--dry-run"]);
        let (_, done) = ingestion.command_of(&["prune"]);
        let (_, again) = ingestion.command_of(&["prune"]);

        assert_eq!(dry, done);
        assert_eq!(
            (&done["documents"], &done["vectors"], &done["texts"]),
            (&1.into(), &1.into(), &1.into()),
            "{done}"
        );
        assert_eq!((&again["vectors"], &again["texts"]), (&0.into(), &0.into()), "{again}");
        ingestion.verify();
        assert!(ingestion.search("lighthouse")[0]["path"].as_str().unwrap().ends_with("a.md"));
    }

    async fn reset_empties_the_collection_only_when_it_is_meant(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let ingestion = Ingestion::of_files(&folder, &FILES, &store, scratch.file("log"));
        let asked = std::process::Command::new(&ingestion.program)
            .args(["reset", "--db", store.url()]).stdin(std::process::Stdio::null()).output().unwrap();
        assert_eq!(asked.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&asked.stderr).contains("--yes"), "{asked:?}");
        assert_eq!(ingestion.collection().await.len(), 2);

        let (code, said) = ingestion.command_of(&["reset", "--yes"]);

        assert_eq!((code, &said["documents"]), (0, &2.into()));
        assert_eq!(ingestion.collection().await.len(), 0);
        let (_, summary) = ingestion.run();
        // The vectors are there still.
        assert_eq!((&summary["ingested"], &summary["embedded"]), (&2.into(), &0.into()), "{summary}");
        ingestion.verify();
    }

    async fn status_and_stats_tell_what_there_is(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let ingestion = Ingestion::of_files(&folder, &FILES, &store, scratch.file("log"));
        fs::write(folder.join("empty.txt"), "").unwrap();
        let (_, summary) = ingestion.run();

        let (_, status) = ingestion.command_of(&["status"]);
        let (_, stats) = ingestion.command_of(&["stats"]);

        assert_eq!(status["run"]["id"], summary["run_id"], "{status}");
        assert_eq!(status["run"]["status"], "SUCCESS", "{status}");
        assert_eq!((&status["files"]["saved"], &status["files"]["empty"]), (&2.into(), &1.into()), "{status}");
        assert_eq!(status["failed"][0]["status"], "empty", "{status}");
        assert_eq!((&stats["documents"], &stats["vectors"], &stats["embedded"]), (&2.into(), &2.into(), &2.into()), "{stats}");
        assert_eq!((&stats["stages"]["save"]["succeeded"], &stats["stages"]["load"]["failed"]), (&2.into(), &1.into()), "{stats}");
    }

    async fn a_collection_of_version_1_is_taken_over_and_embedded_by_nobody(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let ingestion = Ingestion::of_files(&folder, &FILES, &store, scratch.file("log"));
        let rows = ingestion.collection().await;
        let model = store.value("SELECT model FROM rag_documents LIMIT 1", &[]).await;
        let model = model.as_str().unwrap().rsplit_once('/').unwrap().0.to_owned();
        let root = fs::canonicalize(&folder).unwrap();
        let old = if store.is_postgres() { Store::postgres().await } else { Store::sqlite() };
        if let Some(path) = old.path() {
            fs::File::create(path).unwrap();
        }
        let schema = if old.is_postgres() { VERSION_1_POSTGRES } else { VERSION_1_SQLITE };
        // The tests look into the schema of the workflows first; the collection is in the usual one.
        if old.is_postgres() {
            old.execute("CREATE SCHEMA IF NOT EXISTS dbos", &[]).await;
            old.execute(&format!("SET search_path = public; {schema}"), &[]).await;
        } else {
            old.execute(schema, &[]).await;
        }
        for (number, row) in (1..).zip(&rows) {
            let text = |index: usize| row[index].as_str().unwrap().to_owned();
            let (id, vector) = (number.to_string(), text(8));
            let identity = if old.is_postgres() { "OVERRIDING SYSTEM VALUE" } else { "" };
            let bytes = if old.is_postgres() { format!("decode('{vector}', 'hex')") } else { format!("x'{vector}'") };
            old.execute(
                &format!(
                    "INSERT INTO rag_documents (id, collection, root, path, content_hash, fingerprint, model, kind, encoding,
                        size, mtime_ms, pages, chunks, warnings, run_id)
                     {identity} VALUES ({id}, 'default', $1, $2, $3, 'old', $4, 'text', 'UTF-8', 1, 1, 0, 1, '[]', 'old')"
                ),
                &[root.to_str().unwrap(), &text(0), &text(1), &model],
            ).await;
            old.execute(
                &format!(
                    "INSERT INTO rag_chunks (document_id, ordinal, start_byte, end_byte, tokens, heading, text, vector)
                     VALUES ({id}, 0, {}, {}, 5, $1, $2, {bytes})", row[4], row[5]
                ),
                &[&text(6), &text(7)],
            ).await;
        }
        let taken_over = Ingestion::new(&folder, &old, scratch.file("old.log"));

        taken_over.verify();
        let found = taken_over.search("meteorite orchard");
        let (code, summary) = taken_over.run();

        assert!(found[0]["path"].as_str().unwrap().ends_with("b.txt"), "{found:?}");
        assert_eq!((code, &summary["ingested"], &summary["embedded"]), (0, &2.into(), &0.into()), "{summary}");
        assert_eq!(taken_over.collection().await, rows);
        taken_over.verify();
    }

    async fn a_collection_of_version_2_keeps_its_rows_and_is_embedded_by_nobody(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let ingestion = Ingestion::of_files(&folder, &FILES, &store, scratch.file("log"));
        let rows = ingestion.collection().await;
        let costs = "SELECT batch, embedded, tokens, cost_micros FROM rag_costs ORDER BY document_id, batch";
        let paid = store.rows(costs, &[]).await;
        for sql in BACK_TO_VERSION_2 {
            store.execute(sql, &[]).await;
        }

        let found = ingestion.search("meteorite orchard");

        assert!(found[0]["path"].as_str().unwrap().ends_with("b.txt"), "{found:?}");
        assert_eq!((&found[0]["start"], &found[0]["start_char"]), (&0.into(), &serde_json::Value::Null), "{found:?}");
        assert_eq!(ingestion.collection().await, rows);
        assert_eq!(store.rows(costs, &[]).await, paid);
        assert_eq!(store.value("SELECT CAST(SUM(requests) + SUM(retries) AS BIGINT) FROM rag_costs", &[]).await, 0);
        ingestion.verify();
        // The next run knows where the chunks stand.
        let (code, summary) = ingestion.run();
        assert_eq!((code, &summary["ingested"], &summary["embedded"]), (0, &2.into(), &0.into()), "{summary}");
        assert_eq!(ingestion.collection().await, rows);
        let found = ingestion.search("meteorite orchard");
        assert_eq!(found[0]["start_char"], 0, "{found:?}");
        ingestion.verify();
    }
}
