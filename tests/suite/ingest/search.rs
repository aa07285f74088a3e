//! Searching: what it goes by, what filters take away, what hits tell, and questions that are none.

use std::fs::{self, FileTimes};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use durable_tests::rag::Ingestion;
use durable_tests::scratch::Scratch;
use durable_tests::store::Store;
use serde_json::Value as Json;

const SLIDES: &[u8] = include_bytes!("../../../rag-ingest/tests/fixtures/slides.pptx");
const PAGES: &[u8] = include_bytes!("../../../rag-ingest/tests/fixtures/two-pages.pdf");

fn ingested<'t>(scratch: &'t Scratch, folder: &'t Path, store: &'t Store) -> Ingestion<'t> {
    fs::create_dir_all(folder.join("notes/deep")).unwrap();
    fs::write(
        folder.join("notes/sea.md"),
        "# Sea\n\n## Animals\n\nWhales are singing in the deep ocean, and sharks listen.\n",
    )
    .unwrap();
    fs::write(
        folder.join("notes/deep/wind.txt"),
        "A singing wind blows over the ocean; no whale is to be seen.",
    )
    .unwrap();
    fs::write(
        folder.join("lamp.rs"),
        "/// A lamp that shines.\nfn lamp() {}\n",
    )
    .unwrap();
    fs::write(folder.join("slides.pptx"), SLIDES).unwrap();
    fs::write(folder.join("pages.pdf"), PAGES).unwrap();
    let ingestion = Ingestion::new(folder, store, scratch.file("log"));
    let (code, summary) = ingestion.run();
    assert_eq!(code, 0, "{summary}");
    ingestion
}

/// The hits of a search with more arguments.
fn search(ingestion: &Ingestion<'_>, question: &str, arguments: &[&str]) -> Vec<Json> {
    let (code, hits) = ingestion.command_of(&[&["search", question], arguments].concat());
    assert_eq!(code, 0, "{hits}");
    hits.as_array().unwrap().clone()
}

/// The names of the files of hits, each once, in their order.
fn names(hits: &[Json]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for hit in hits {
        let name = hit["path"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn refused(ingestion: &Ingestion<'_>, arguments: &[&str]) -> String {
    let output = Command::new(&ingestion.program)
        .arg("search")
        .args(arguments)
        .args(["--db", ingestion.store.url()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

on_both_stores! {
    async fn hits_tell_where_they_stand_in_the_text_and_in_the_file(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let written = "\u{FEFF}# Gr\u{fc}\u{df}e  \r\n\r\n\r\nAus M\u{fc}nchen.\t\r\n\r\n# Zebras\r\n\r\nStreifen\u{AD}tiere, gro\u{df} und wei\u{df}.\r\n";
        let files = [("a.md", written), ("b.html", "<p>Zebras are striped.</p>"), ("c.py", "def zebra():\n    return 1\n")];
        let ingestion = Ingestion::of_files(&folder, &files, &store, scratch.file("log"));

        let hits = search(&ingestion, "zebras", &["--mode", "vector", "-k", "100"]);

        let of = |name: &str| hits.iter().filter(|hit| hit["path"].as_str().unwrap().ends_with(name)).collect::<Vec<_>>();
        assert_eq!((of("a.md").len(), of("b.html").len(), of("c.py").len()), (2, 1, 1), "{hits:?}");
        let number = |hit: &Json, name: &str| usize::try_from(hit[name].as_u64().unwrap()).unwrap();
        let text = "# Gr\u{fc}\u{df}e\n\nAus M\u{fc}nchen.\n\n# Zebras\n\nStreifentiere, gro\u{df} und wei\u{df}.";
        for hit in of("a.md") {
            let (first, last) = (number(hit, "start_char"), number(hit, "end_char"));
            let by_characters: String = text.chars().skip(first).take(last - first).collect();
            assert_eq!(hit["text"], by_characters, "{hit}");
            assert_eq!(hit["text"], text[number(hit, "start")..number(hit, "end")], "{hit}");
            // In the file stands the same, with what was dropped between.
            let in_file = &written[number(hit, "file_start")..number(hit, "file_end")];
            let words = |text: &str| text.replace('\u{AD}', "").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(in_file), words(hit["text"].as_str().unwrap()), "{hit}");
        }
        let code = of("c.py")[0];
        assert_eq!((number(code, "file_start"), number(code, "file_end")), (0, 25), "{code}");
        // The text of a page is made from the file, and is not the file's.
        let page = of("b.html")[0];
        assert!(page["file_start"].is_null() && page["start_char"] == 0, "{page}");
    }

    async fn a_search_goes_by_words_by_meaning_or_by_both(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let ingestion = ingested(&scratch, &folder, &store);

        let worded = search(&ingestion, "which whale sings?", &["--mode", "keyword"]);
        let near = search(&ingestion, "which whale sings?", &["--mode", "vector", "-k", "100"]);
        let both = search(&ingestion, "which whale sings?", &[]);

        // By words only what has one of them, in any form of it; by meaning everything, the nearest first.
        let mut found = names(&worded);
        found.sort();
        assert_eq!(found, ["sea.md", "wind.txt"], "{worded:?}");
        assert_eq!(names(&near).len(), 5, "{near:?}");
        for hit in &worded {
            assert!(hit["ranks"]["keyword"].is_u64() && hit["ranks"]["vector"].is_null(), "{hit}");
        }
        for hit in &near {
            assert!(hit["ranks"]["vector"].is_u64() && hit["ranks"]["keyword"].is_null(), "{hit}");
        }
        let best = &both[0];
        let rank = |of: &str| best["ranks"][of].as_f64().unwrap();
        let score = 0.7 / (5.0 + rank("vector")) + 1.0 / (5.0 + rank("keyword"));
        assert!((best["score"].as_f64().unwrap() - score).abs() < 1e-12, "{best}");
    }

    async fn hits_tell_where_they_stand_and_why(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let ingestion = ingested(&scratch, &folder, &store);

        let sea = search(&ingestion, "whale sharks", &["--path", "*.md"]).remove(0);
        let slide = search(&ingestion, "moon pulls the sea", &["--type", "slides"]).remove(0);

        let path = fs::canonicalize(folder.join("notes/sea.md")).unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(sea["citation"], format!("{path}, Sea > Animals"), "{sea}");
        let (start, end) = (sea["start"].as_u64().unwrap() as usize, sea["end"].as_u64().unwrap() as usize);
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(sea["text"], text[start..end], "{sea}");
        let snippet = sea["snippet"]["text"].as_str().unwrap();
        let marked: Vec<&str> = sea["snippet"]["marks"].as_array().unwrap().iter()
            .map(|mark| &snippet[mark[0].as_u64().unwrap() as usize..mark[1].as_u64().unwrap() as usize])
            .collect();
        assert_eq!(marked, ["Whales", "sharks"], "{sea}");
        let citation = slide["citation"].as_str().unwrap();
        assert!(citation.contains("slides.pptx, slide "), "{slide}");
        assert_eq!((&slide["page_name"], &slide["kind"]), (&"slide".into(), &"slides".into()));
    }

    async fn filters_take_away_what_they_do_not_let_through_and_nothing_else(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        fs::create_dir(&folder).unwrap();
        for (name, day) in [("old.txt", 10), ("new.txt", 20)] {
            let path = folder.join(name);
            fs::write(&path, format!("The {name} ocean.")).unwrap();
            let time = UNIX_EPOCH + Duration::from_secs(day * 24 * 60 * 60 + 60);
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_times(FileTimes::new().set_modified(time)).unwrap();
        }
        let ingestion = ingested(&scratch, &folder, &store);
        let of = |arguments: &[&str]| {
            let mut all = names(&search(&ingestion, "ocean", &[arguments, &["-k", "100"]].concat()));
            all.sort();
            all
        };

        assert_eq!(of(&["--path", "notes/**/*.txt"]), ["wind.txt"]);
        assert_eq!(of(&["--path", "notes"]), ["sea.md", "wind.txt"]);
        assert_eq!(of(&["--path", "*.md", "--path", "*.rs"]), ["lamp.rs", "sea.md"]);
        assert_eq!(of(&["--type", "pdf", "--type", "code"]), ["lamp.rs", "pages.pdf"]);
        assert_eq!(of(&["--until", "1970-01-11"]), ["old.txt"]);
        assert_eq!(of(&["--since", "1970-01-21", "--until", "1970-01-21"]), ["new.txt"]);
        assert_eq!(of(&["--since", "1970-01-21T00:01:01Z", "--until", "1971-01-01"]), [""; 0]);
        assert_eq!(of(&["--type", "pdf", "--mode", "keyword"]), [""; 0]);
        let pages = search(&ingestion, "page", &["--pages", "2", "-k", "100"]);
        assert!(!pages.is_empty(), "something stands on a second page");
        for hit in &pages {
            assert!(hit["page"].as_u64().unwrap() <= 2 && hit["last_page"].as_u64().unwrap() >= 2, "{hit}");
        }
    }

    async fn collections_are_searched_apart(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let ingestion = ingested(&scratch, &folder, &store);
        let other = scratch.file("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("other.txt"), "Whales are singing elsewhere.").unwrap();
        ingestion.command_of(&["ingest", other.to_str().unwrap(), "--collection", "other"]);

        for mode in ["vector", "keyword", "hybrid"] {
            let arguments = ["--mode", mode, "-k", "100"];
            let here = search(&ingestion, "singing whales", &arguments);
            let there = search(&ingestion, "singing whales", &[&arguments[..], &["--collection", "other"]].concat());
            assert!(!names(&here).contains(&"other.txt".to_owned()), "{mode}: {here:?}");
            assert_eq!(names(&there), ["other.txt"], "{mode}");
        }
    }

    async fn questions_that_are_none_and_questions_full_of_syntax(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let ingestion = ingested(&scratch, &folder, &store);

        assert!(refused(&ingestion, &["  "]).contains("the question is empty"));
        assert!(refused(&ingestion, &["whale", "-k", "0"]).contains("1 to 1000"));
        assert!(refused(&ingestion, &["whale", "--path", "a["]).contains("`a[`"));
        assert!(refused(&ingestion, &["whale", "--type", "film"]).contains("`film`"));
        assert!(refused(&ingestion, &["whale", "--since", "yesterday"]).contains("`yesterday`"));
        assert!(refused(&ingestion, &["whale", "--pages", "9-3"]).contains("`9-3`"));
        assert!(refused(&ingestion, &["whale", "--collection", "none"]).contains("`none` is empty"));
        // Words that stand everywhere find nothing by themselves, and do not stop the other search.
        assert_eq!(search(&ingestion, "what is it?", &["--mode", "keyword"]), Vec::<Json>::new());
        assert!(!search(&ingestion, "what is it?", &["--mode", "vector"]).is_empty());
        for question in [
            "\"whales\" AND (NEAR(sharks* ^text: -NOT", "whales'); DROP TABLE rag_chunks; --", "{whales} : & | ! <-> *",
            "whales \u{0} \u{1f40b}", "heading:whales + \\",
        ] {
            let question = question.replace('\0', "");
            let hits = search(&ingestion, &question, &["--mode", "keyword"]);
            assert!(names(&hits).contains(&"sea.md".to_owned()), "{question}: {hits:?}");
        }
        let long = format!("whales {}", "dust and ashes ".repeat(7000));
        assert!(long.len() > 100_000);
        assert_eq!(names(&search(&ingestion, &long, &["--mode", "keyword"])).len(), 2);
        assert!(!search(&ingestion, &long, &[]).is_empty());
    }

    async fn verify_asks_the_vectors_for_themselves(store: Store) {
        let scratch = Scratch::new();
        let folder = scratch.file("documents");
        let ingestion = ingested(&scratch, &folder, &store);

        let (code, verdicts) = ingestion.command_of(&["verify"]);

        assert_eq!(code, 0, "{verdicts}");
        assert_eq!(verdicts["asked"], verdicts["chunks"], "{verdicts}");
        // A vector that points elsewhere by a hair is not whole, whatever finds it.
        let broken = if store.is_postgres() { "decode(repeat('00', length(vector)), 'hex')" } else { "zeroblob(length(vector))" };
        store.execute(&format!("UPDATE rag_vectors SET vector = {broken} WHERE id = (SELECT MIN(id) FROM rag_vectors)"), &[]).await;
        let (code, verdicts) = ingestion.command_of(&["verify"]);
        assert_eq!(code, 2, "{verdicts}");
        assert!(verdicts["problems"].to_string().contains("not of length one"), "{verdicts}");
    }
}
