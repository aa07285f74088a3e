//! PostgreSQL with the extension `vector`: searched by it, over its index, and without it as before.

use std::fs;
use std::sync::Arc;

use durable_tests::scratch::Scratch;
use durable_tests::store::Store;
use rag_ingest::collection::{Collection, VectorIndex};
use rag_ingest::embed::{EmbedError, Embedder};
use rag_ingest::loader::Limits;
use rag_ingest::pipeline::EmbedderChoice;
use rag_ingest::run::{WorkerOptions, enqueue, serve};
use rag_ingest::search::{Filter, Hit, Mode, Query, Searcher};

use crate::both::bounded;
use crate::embedder::{Model, options, run};

/// A model of two numbers that thinks one thing of everything.
struct Needle([f32; 2]);

impl Embedder for Needle {
    fn id(&self) -> &str {
        "needle"
    }

    fn dimension(&self) -> usize {
        2
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(texts.iter().map(|_| self.0.to_vec()).collect())
    }
}

/// Adds documents, each with so many chunks, whose vectors stand at angles from `from` on, in steps of `step`.
async fn add(store: &Store, path: &str, chunks: u32, (from, step): (f32, f32)) {
    let mut sql = format!(
        "INSERT INTO rag_sources (collection, name, location) VALUES ('default', 'root', '/documents') ON CONFLICT DO NOTHING;
         INSERT INTO rag_documents (collection, source_id, path, content_hash, file_hash, model, kind, chunks, size,
            mtime_ns, seen_run, seen_ms, status)
         SELECT 'default', id, '{path}', 'hash', 'hash', 'needle/2', 'text', {chunks}, 1, 1, '', 0, 'saved' FROM rag_sources;"
    );
    for number in 0..chunks {
        let angle = from + number as f32 * step;
        let bytes = [angle.cos(), angle.sin()].map(f32::to_le_bytes).concat();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = rag_ingest_key(&format!("{path} {number}"));
        sql.push_str(&format!(
            "INSERT INTO rag_vectors (model_id, text_key, vector) SELECT id, '{key}', '\\x{hex}' FROM rag_models;
             INSERT INTO rag_chunks (document_id, ordinal, start_byte, end_byte, tokens, heading, text, vector_id)
             SELECT d.id, {number}, 0, 0, 1, '[]', '{path} {number}', v.id FROM rag_documents d, rag_vectors v
             WHERE d.path = '{path}' AND v.text_key = '{key}';"
        ));
    }
    store
        .execute(&format!("SET search_path = public; {sql}"), &[])
        .await;
}

/// The key of a text, as the library writes it.
fn rag_ingest_key(text: &str) -> String {
    let mut digits = blake3::hash(text.as_bytes()).to_hex().to_string();
    digits.truncate(32);
    digits
}

/// A database of 3,000 chunks near a needle and 30 that point away from it, taken over by the extension.
async fn haystack(store: &Store) -> Searcher {
    // The tests look into the schema of the workflows first.
    store.execute("CREATE SCHEMA IF NOT EXISTS dbos", &[]).await;
    let collection = Collection::open(store.url()).await.unwrap();
    collection.close().await;
    store
        .execute(
            "SET search_path = public; DROP TABLE rag_embeddings;
             INSERT INTO rag_models (name, dimension) VALUES ('needle/2', 2)",
            &[],
        )
        .await;
    add(store, "near.txt", 3000, (0.0, 1e-4)).await;
    add(store, "far.txt", 30, (3.0, 1e-2)).await;
    let collection = Collection::open(store.url()).await.unwrap();
    Searcher::new(collection, Arc::new(Needle([1.0, 0.0])))
}

fn texts(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.text.as_str()).collect()
}

fn near(limit: usize) -> Query {
    Query {
        mode: Mode::Vector,
        limit,
        ..Query::new("needle")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_extension_finds_what_this_program_finds() {
    let test = async {
        let scratch = Scratch::new();
        for (name, text) in [
            (
                "sea.md",
                "# Sea\n\nWhales sing in the deep.\n\n## Sharks\n\nSharks listen.",
            ),
            ("meal.txt", "A man is eating food."),
            ("sky.txt", "The sky is blue today."),
        ] {
            fs::write(scratch.file(name), text).unwrap();
        }
        let model = Model::new("model");
        let mut all = Vec::new();
        for store in [Store::sqlite(), Store::postgres_with_vectors().await] {
            run(scratch.path(), &store, &model).await;
            let collection = Collection::open(store.url()).await.unwrap();
            let searcher = Searcher::new(collection.clone(), Arc::clone(&model) as _);
            let query = Query {
                mode: Mode::Vector,
                limit: 100,
                ..Query::new("do sharks sing?")
            };
            let hits = searcher.search("default", &query).await.unwrap();
            let found: Vec<String> = hits.iter().map(|hit| hit.text.clone()).collect();
            let stats = collection.stats("default").await.unwrap();
            if store.is_postgres() {
                assert!(
                    matches!(stats.index, Some(VectorIndex::Exact { .. })),
                    "{stats:?}"
                );
                let made = collection.index_vectors(searcher.model(), 1).await.unwrap();
                assert!(matches!(made, VectorIndex::Hnsw { .. }), "{made:?}");
                let again = searcher.search("default", &query).await.unwrap();
                assert_eq!(texts(&again), found);
            } else {
                assert!(
                    matches!(stats.index, Some(VectorIndex::Scan { .. })),
                    "{stats:?}"
                );
            }
            let verdicts = collection.verify("default").await.unwrap();
            assert_eq!(verdicts.problems, Vec::<String>::new());
            assert_eq!(i64::try_from(verdicts.asked).unwrap(), verdicts.chunks);
            all.push(found);
        }
        // What is equally near may be told apart by the last bit of a sum.
        assert_eq!(all[0].first(), all[1].first());
        all.iter_mut().for_each(|found| found.sort());
        assert_eq!(all[0], all[1]);
        assert_eq!(all[0].len(), 4);
    };
    bounded(test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_does_not_make_the_index_give_fewer_than_there_are() {
    let test = async {
        let store = Store::postgres_with_vectors().await;
        let searcher = haystack(&store).await;
        let made = searcher
            .collection()
            .index_vectors(searcher.model(), 1)
            .await
            .unwrap();
        assert!(matches!(made, VectorIndex::Hnsw { .. }), "{made:?}");

        let all = searcher.search("default", &near(5)).await.unwrap();
        let filter = Filter {
            paths: vec!["far.txt".to_owned()],
            ..Filter::default()
        };
        let far = Query {
            filter,
            ..near(100)
        };
        let far = searcher.search("default", &far).await.unwrap();

        assert_eq!(
            texts(&all),
            [
                "near.txt 0",
                "near.txt 1",
                "near.txt 2",
                "near.txt 3",
                "near.txt 4"
            ]
        );
        assert_eq!(far.len(), 30);
        assert!(
            far.iter().all(|hit| hit.path == "/documents/far.txt"),
            "{far:?}"
        );
        assert_eq!(
            searcher.search("default", &near(1000)).await.unwrap().len(),
            1000
        );
    };
    bounded(test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_in_the_index_is_told_and_made_again() {
    let test = async {
        let store = Store::postgres_with_vectors().await;
        let searcher = haystack(&store).await;
        let gone = "DELETE FROM public.rag_embeddings WHERE vector_id = (SELECT MIN(vector_id) FROM public.rag_embeddings)";
        store.execute(gone, &[]).await;

        let verdicts = searcher.collection().verify("default").await.unwrap();
        let told = verdicts.problems.join("\n");
        assert!(
            told.contains("near.txt") && told.contains("`rag_embeddings`"),
            "{told}"
        );
        store.execute("DROP TABLE public.rag_embeddings", &[]).await;
        let collection = Collection::open(store.url()).await.unwrap();

        let verdicts = collection.verify("default").await.unwrap();
        assert_eq!(verdicts.problems, Vec::<String>::new());
    };
    bounded(test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_may_not_create_the_extension_searches_without_it_until_somebody_has() {
    let test = async {
        let store = Store::postgres_with_vectors().await;
        let url = store.url().split('?').next().unwrap();
        let (server, database) = url.rsplit_once('/').unwrap();
        let role = format!("role_{database}");
        store
            .execute(
                &format!(
                    "CREATE ROLE {role} LOGIN; GRANT CREATE, USAGE ON SCHEMA public TO {role};
                     CREATE SCHEMA dbos AUTHORIZATION {role}"
                ),
                &[],
            )
            .await;
        let (scheme, place) = server.split_once("://").unwrap();
        let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
        let url = format!("{scheme}://{role}@{place}/{database}");
        let collection = Collection::open(&url).await.unwrap();
        let model = "INSERT INTO public.rag_models (name, dimension) VALUES ('needle/2', 2)";
        store.execute(model, &[]).await;
        add(&store, "near.txt", 20, (0.0, 0.01)).await;
        let searcher = Searcher::new(collection.clone(), Arc::new(Needle([1.0, 0.0])));

        let found = searcher.search("default", &near(20)).await.unwrap();
        let index = collection.vector_index("needle/2").await.unwrap();
        assert!(index.to_string().contains("may not create it"), "{index}");
        store
            .execute("CREATE EXTENSION vector SCHEMA public", &[])
            .await;
        let collection = Collection::open(&url).await.unwrap();
        let index = collection.vector_index("needle/2").await.unwrap();
        assert!(matches!(index, VectorIndex::Exact { .. }), "{index}");
        let again = searcher.search("default", &near(20)).await.unwrap();

        assert_eq!(texts(&found), texts(&again));
        assert_eq!(found.len(), 20);
        let verdicts = collection.verify("default").await.unwrap();
        assert_eq!(verdicts.problems, Vec::<String>::new());
    };
    bounded(test).await;
}

/// 10,000 vectors more, which nothing refers to: so many that an index is made.
const MANY: &str = "
    INSERT INTO rag_vectors (model_id, text_key, vector)
    SELECT m.id, 'key ' || n, decode(repeat('0000803f', m.dimension::int), 'hex') FROM rag_models m, generate_series(1, 10000) n;
    INSERT INTO rag_embeddings (vector_id, model_id, embedding)
    SELECT v.id, v.model_id, array_fill(1.0, ARRAY[m.dimension::int])::vector FROM rag_vectors v
    JOIN rag_models m ON m.id = v.model_id WHERE v.text_key LIKE 'key %'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_left_to_a_worker_ends_with_an_index_while_the_worker_stays() {
    let test = async {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a.txt"), "one").unwrap();
        let store = Store::postgres_with_vectors().await;
        let model = Model::new("m");
        run(&folder, &store, &model).await;
        store
            .execute(&format!("SET search_path = public; {MANY}"), &[])
            .await;
        fs::write(folder.join("b.txt"), "two").unwrap();
        let collection = Collection::open(store.url()).await.unwrap();
        let name = Searcher::new(collection.clone(), Arc::clone(&model) as _);
        let before = collection.vector_index(name.model()).await.unwrap();
        assert!(matches!(before, VectorIndex::Exact { .. }), "{before}");

        let id = enqueue(options(&folder, &store, &model)).await.unwrap();
        let worker = serve(WorkerOptions {
            db: store.url().to_owned(),
            embedder: EmbedderChoice::Given(Arc::clone(&model) as _),
            workers: 1,
            limits: Limits::default(),
            isolate: false,
            until_idle: false,
        });
        let run = [id.as_str()];
        let sql = "SELECT status FROM dbos.workflow_status WHERE workflow_uuid = $1";
        tokio::select! {
            ended = worker => panic!("the worker ended: {ended:?}"),
            () = store.becomes(sql, &run, "SUCCESS") => {}
        }

        let after = collection.vector_index(name.model()).await.unwrap();
        assert!(matches!(after, VectorIndex::Hnsw { .. }), "{after}");
    };
    bounded(test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_processes_cannot_share_enough_memory_makes_the_index_with_one_process() {
    let test = async {
        let store = Store::postgres_with_vectors().await;
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a.txt"), "one").unwrap();
        let model = Model::new("m");
        run(&folder, &store, &model).await;
        store
            .execute(&format!("SET search_path = public; {MANY}"), &[])
            .await;
        // What a server in a container says, whose /dev/shm is too small.
        let short = "
            CREATE FUNCTION public.short_of_memory() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
                IF current_setting('max_parallel_maintenance_workers')::int > 0 THEN
                    RAISE EXCEPTION 'could not resize shared memory segment' USING ERRCODE = '53100';
                END IF;
            END $$;
            CREATE EVENT TRIGGER short_of_memory ON ddl_command_start WHEN TAG IN ('CREATE INDEX')
                EXECUTE FUNCTION public.short_of_memory()";
        store.execute(short, &[]).await;
        let collection = Collection::open(store.url()).await.unwrap();
        let name = Searcher::new(collection.clone(), Arc::clone(&model) as _);

        let made = collection.index_vectors(name.model(), 10_000).await;

        let made = made.unwrap();
        assert!(matches!(made, VectorIndex::Hnsw { .. }), "{made}");
    };
    bounded(test).await;
}
