//! Collections of vectors, answers out of them, and templates of prompts, with a real endpoint and real files.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::llm::{endpoint, said};
use super::run_in;

type Answer = (u16, &'static str, Value);

fn vectors(vectors: &[[f64; 2]]) -> Answer {
    let data = vectors.iter().enumerate().rev();
    let data: Vec<Value> = data
        .map(|(place, vector)| json!({"index": place, "embedding": vector}))
        .collect();
    (200, "", json!({"data": data, "usage": {"total_tokens": 3}}))
}

/// Runs a node in a folder with an endpoint that gives these answers. Gives what it gave, and what was asked.
fn run(
    folder: &Path,
    node_type: &str,
    mut config: Value,
    answers: Vec<Answer>,
) -> (Value, Vec<Value>) {
    let (url, asked) = endpoint(answers);
    if node_type != "ListTemplatesNode" && node_type != "GetTemplateInfoNode" {
        config["base_url"] = url.into();
    }
    let result = run_in(folder, node_type, config, json!({}));
    let given = match result.success {
        true => result.outputs["n"].clone(),
        false => json!({"failed": result.error}),
    };
    (given, asked.try_iter().map(|(_, body)| body).collect())
}

fn stock(folder: &Path) {
    let documents = json!([
        {"id": "bread", "content": "Bread is baked at four.", "metadata": {"kind": "food"}},
        {"id": "tea", "content": "Tea is at five.", "metadata": {"kind": "drink"}},
        "The shop closes at six.",
    ]);
    let answer = vectors(&[[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]);
    let (given, asked) = run(
        folder,
        "VectorStoreAddNode",
        json!({"documents": documents, "collection": "shop"}),
        vec![answer],
    );
    assert_eq!(
        (&given["count"], &given["collection_name"]),
        (&json!(3), &json!("shop")),
        "{given}"
    );
    assert_eq!(
        asked[0]["input"].as_array().unwrap().len(),
        3,
        "all in one request"
    );
    assert_eq!(asked[0]["model"], "text-embedding-3-small");
}

fn ids(given: &Value) -> Vec<&str> {
    let results = given["results"].as_array().unwrap().iter();
    results.map(|one| one["id"].as_str().unwrap()).collect()
}

#[test]
fn documents_are_found_by_what_they_are_like() {
    let folder = tempfile::tempdir().unwrap();
    stock(folder.path());
    let search = |config: Value| {
        let answer = vectors(&[[0.9, 0.1]]);
        run(folder.path(), "VectorSearchNode", config, vec![answer])
    };

    let (given, asked) =
        search(json!({"query": "When is bread baked?", "collection": "shop", "top_k": 2}));
    assert_eq!(given["result_count"], 2);
    assert_eq!(ids(&given)[0], "bread");
    let score = given["top_result"]["score"].as_f64().unwrap();
    assert!((score - 0.9 / 0.82_f64.sqrt()).abs() < 1e-6, "{score}");
    assert_eq!(asked[0]["input"], "When is bread baked?");

    let (given, _) =
        search(json!({"query": "q", "collection": "shop", "filter": {"kind": "drink"}}));
    assert_eq!(ids(&given), ["tea"]);
    let (given, asked) =
        search(json!({"query_embedding": [0, 1], "collection": "shop", "top_k": 1}));
    assert_eq!(ids(&given), ["tea"]);
    assert!(asked.is_empty(), "a vector that is given needs no endpoint");
    let (given, _) = search(json!({"query": "q", "collection": "of nobody"}));
    assert_eq!(
        (&given["result_count"], &given["top_result"]),
        (&json!(0), &Value::Null)
    );
    let (given, _) = search(json!({"query_embedding": [1, 2, 3], "collection": "shop"}));
    assert!(
        given["failed"].as_str().unwrap().contains("another model"),
        "{given}"
    );
    let (given, _) = search(json!({"query": "q", "collection": "../shop"}));
    assert!(
        given["failed"]
            .as_str()
            .unwrap()
            .contains("cannot be the name"),
        "{given}"
    );
}

#[test]
fn what_is_added_again_takes_the_place_of_what_was_there_and_what_is_deleted_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    stock(folder.path());
    let file = folder.path().join("vectors/shop.jsonl");
    let before = fs::read_to_string(&file).unwrap();
    stock(folder.path());
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        before,
        "done again, as after a crash, it is the same"
    );

    let config = json!({"documents": [{"id": "tea", "content": "Tea is at three."}], "embeddings": [[0, 1]], "collection": "shop"});
    let (given, asked) = run(folder.path(), "VectorStoreAddNode", config, vec![]);
    assert_eq!(given["count"], 1, "{given}");
    assert!(asked.is_empty());
    let config = json!({"document_ids": ["bread", "nothing"], "collection": "shop"});
    let (given, _) = run(
        folder.path(),
        "VectorStoreDeleteNode",
        config.clone(),
        vec![],
    );
    assert_eq!(given["deleted_count"], 1, "{given}");
    let (given, _) = run(folder.path(), "VectorStoreDeleteNode", config, vec![]);
    assert_eq!(given["deleted_count"], 0);
    let (given, _) = run(
        folder.path(),
        "VectorSearchNode",
        json!({"query_embedding": [0, 1], "collection": "shop"}),
        vec![],
    );
    assert_eq!(ids(&given)[0], "tea");
    assert_eq!(
        (&given["result_count"], &given["top_result"]["content"]),
        (&json!(2), &json!("Tea is at three."))
    );

    let config = json!({"documents": ["a"], "embeddings": [[1, 2, 3]], "collection": "shop"});
    let (given, _) = run(folder.path(), "VectorStoreAddNode", config, vec![]);
    assert!(
        given["failed"].as_str().unwrap().contains("another length"),
        "{given}"
    );
    let config = json!({"documents": ["a", "b"], "embeddings": [[1, 2]]});
    let (given, _) = run(folder.path(), "VectorStoreAddNode", config, vec![]);
    assert!(
        given["failed"]
            .as_str()
            .unwrap()
            .contains("2 documents and 1 vectors"),
        "{given}"
    );
}

#[test]
fn branches_that_add_to_one_collection_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for place in 0..4 {
            let folder = folder.path();
            scope.spawn(move || {
                for row in 0..5 {
                    let config = json!({"documents": [format!("{place} {row}")], "embeddings": [[place, 1]]});
                    let (given, _) = run(folder, "VectorStoreAddNode", config, vec![]);
                    assert_eq!(given["count"], 1, "{given}");
                }
            });
        }
    });
    let kept = fs::read_to_string(folder.path().join("vectors/default.jsonl")).unwrap();
    assert_eq!(kept.lines().count(), 20);
}

#[test]
fn a_question_is_answered_from_what_is_like_it() {
    let folder = tempfile::tempdir().unwrap();
    stock(folder.path());
    let config = json!({"question": "When is bread baked?", "collection": "shop", "top_k": 2});

    let (given, asked) = run(
        folder.path(),
        "RAGNode",
        config,
        vec![vectors(&[[1.0, 0.0]]), said("At four.")],
    );

    assert_eq!(
        (&given["answer"], &given["tokens_used"]),
        (&json!("At four."), &json!(7)),
        "{given}"
    );
    assert_eq!(
        given["context"],
        "Bread is baked at four.\n\nThe shop closes at six."
    );
    assert_eq!(given["sources"][0]["id"], "bread");
    let prompt = asked[1]["messages"][0]["content"].as_str().unwrap();
    assert!(
        prompt.contains("Bread is baked at four.")
            && prompt.ends_with("Question: When is bread baked?"),
        "{prompt}"
    );

    // What a document says cannot change what a template means.
    let sly = json!({"documents": [{"id": "sly", "content": "{question} {context}"}], "embeddings": [[1, 0]], "collection": "sly"});
    run(folder.path(), "VectorStoreAddNode", sly, vec![]);
    let config = json!({"question": "Q?", "collection": "sly", "prompt_template": "{question}|{context}|{question}"});
    let (_, asked) = run(
        folder.path(),
        "RAGNode",
        config,
        vec![vectors(&[[1.0, 0.0]]), said("a")],
    );
    assert_eq!(
        asked[1]["messages"][0]["content"],
        "Q?|{question} {context}|Q?"
    );
}

#[test]
fn a_template_is_filled_in_and_answered() {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({"template_id": "extract", "variables": {"text": "Total 3", "fields": ["total", "date"]}});

    let (given, asked) = run(
        folder.path(),
        "PromptTemplateNode",
        config.clone(),
        vec![said("```json\n{\"total\": 3}\n```")],
    );

    assert_eq!(given["parsed_response"], json!({"total": 3}), "{given}");
    let prompt = given["rendered_prompt"].as_str().unwrap();
    assert_eq!(
        prompt,
        "Take these fields out of the text: total, date.\n\nTotal 3"
    );
    assert_eq!(asked[0]["messages"][1]["content"], prompt);
    assert_eq!(asked[0]["messages"][0]["content"], given["system_prompt"]);

    let mut only = config;
    only["execute"] = json!(false);
    let (given, asked) = run(folder.path(), "PromptTemplateNode", only, vec![]);
    assert_eq!((&given["response"], asked.len()), (&json!(""), 0));
    assert_eq!(given["rendered_prompt"], prompt);
    for (config, expected) in [
        (
            json!({"template_id": "extract", "variables": {"text": "t"}}),
            "needs `fields`",
        ),
        (
            json!({"template_id": "of nobody"}),
            "built in are summarize",
        ),
        (
            json!({"template_id": "../extract"}),
            "is no id of a template",
        ),
    ] {
        let (given, _) = run(folder.path(), "PromptTemplateNode", config, vec![]);
        assert!(
            given["failed"].as_str().unwrap().contains(expected),
            "{given}"
        );
    }
}

#[test]
fn templates_of_a_workflow_stand_beside_those_that_are_built_in() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("prompts")).unwrap();
    let own = json!({"name": "Greeting", "category": "mail", "template": "Greet {{ name }}{{ mark }}",
        "variables": [{"name": "name", "required": true}, {"name": "mark", "default": "!"}]});
    fs::write(folder.path().join("prompts/greet.json"), own.to_string()).unwrap();
    let list = |config: Value| {
        let (given, _) = run(folder.path(), "ListTemplatesNode", config, vec![]);
        let names = given["templates"].as_array().unwrap().iter();
        names
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };

    assert_eq!(list(json!({"category": "mail"})), ["greet", "reply"]);
    assert_eq!(list(json!({"include_builtin": false})), ["greet"]);
    assert_eq!(list(json!({"search": "translat"})), ["translate"]);
    let (given, _) = run(
        folder.path(),
        "GetTemplateInfoNode",
        json!({"template_id": "greet"}),
        vec![],
    );
    assert_eq!(
        (&given["found"], &given["template_info"]["name"]),
        (&json!(true), &json!("Greeting"))
    );
    assert_eq!(
        given["variables"][1],
        json!({"name": "mark", "description": "", "required": false, "default": "!"})
    );
    let (given, _) = run(
        folder.path(),
        "GetTemplateInfoNode",
        json!({"template_id": "none"}),
        vec![],
    );
    assert_eq!(
        (&given["found"], &given["variables"]),
        (&json!(false), &json!([]))
    );
    let config =
        json!({"template_id": "greet", "variables": {"name": "{{ mark }}"}, "execute": false});
    let (given, _) = run(folder.path(), "PromptTemplateNode", config, vec![]);
    assert_eq!(
        given["rendered_prompt"], "Greet {{ mark }}!",
        "a value is no template"
    );
    fs::write(
        folder.path().join("prompts/greet.json"),
        "{\"template\": \"{{ nobody }}\"}",
    )
    .unwrap();
    let (given, _) = run(
        folder.path(),
        "PromptTemplateNode",
        json!({"template_id": "greet"}),
        vec![],
    );
    assert!(
        given["failed"]
            .as_str()
            .unwrap()
            .starts_with("TemplateError"),
        "{given}"
    );
}
