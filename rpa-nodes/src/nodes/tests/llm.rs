use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use super::run_in;
use crate::document;
use crate::host::Host;
use crate::run::{Request, Result as RunResult, run_ephemeral};

/// A request that came: its head, and its body.
pub(super) type Asked = (String, Value);

/// An endpoint that gives these answers, one after the other: status, further headers, body.
pub(super) fn endpoint(
    answers: impl IntoIterator<Item = (u16, &'static str, Value)>,
) -> (String, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/", listener.local_addr().unwrap());
    let mut answers: VecDeque<_> = answers.into_iter().collect();
    let (tell, asked) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
            }
            let lower = head.to_lowercase();
            let length = lower
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next());
            let mut body = vec![0; length.unwrap().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            tell.send((head, serde_json::from_slice(&body).unwrap()))
                .unwrap();
            let (status, headers, body) = answers.pop_front().unwrap();
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {status} S\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all((head + &body).as_bytes()).unwrap();
        }
    });
    (url, asked)
}

pub(super) fn said(text: &str) -> (u16, &'static str, Value) {
    let body = json!({"model": "small-1", "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}});
    (200, "", body)
}

/// Runs a node against an endpoint that gives these answers.
pub(super) fn ask(
    node_type: &str,
    mut config: Value,
    answers: Vec<(u16, &'static str, Value)>,
) -> (RunResult, Vec<Asked>) {
    let (url, asked) = endpoint(answers);
    config["base_url"] = url.into();
    let result = run_in(Path::new("/"), node_type, config, json!({}));
    (result, asked.try_iter().collect())
}

pub(super) fn gives(
    node_type: &str,
    config: Value,
    answers: Vec<(u16, &'static str, Value)>,
) -> Value {
    let (result, _) = ask(node_type, config, answers);
    assert!(result.success, "{node_type}: {:?}", result.error);
    result.outputs["n"].clone()
}

#[test]
fn a_model_answers_a_prompt() {
    let config = json!({"prompt": "What is it?", "system_prompt": "Be short.", "model": "small", "api_key": "sk-1", "max_tokens": "50"});
    let (result, asked) = ask("LLMCompletionNode", config, vec![said("A test.")]);
    assert!(result.success, "{:?}", result.error);
    let given = &result.outputs["n"];
    assert_eq!(
        (
            &given["response"],
            &given["tokens_used"],
            &given["model_used"],
            &given["success"]
        ),
        (
            &json!("A test."),
            &json!(7),
            &json!("small-1"),
            &json!(true)
        )
    );
    let (head, body) = &asked[0];
    assert!(head.starts_with("POST /v1/chat/completions "), "{head}");
    let lower = head.to_lowercase();
    assert!(lower.contains("authorization: bearer sk-1"), "{head}");
    assert!(lower.contains("idempotency-key: ephemeral/n/1"), "{head}");
    assert_eq!(
        body,
        &json!({"model": "small", "temperature": 0.7, "max_tokens": 50, "messages": [
            {"role": "system", "content": "Be short."}, {"role": "user", "content": "What is it?"}]})
    );
}

#[test]
fn an_endpoint_without_time_is_left_alone_as_long_as_it_says() {
    let busy = (
        429,
        "Retry-After: 0\r\n",
        json!({"error": {"message": "too many"}}),
    );
    let down = (503, "Retry-After-Ms: 1\r\n", json!({"error": "restarting"}));
    let (result, asked) = ask(
        "LLMCompletionNode",
        json!({"prompt": "p"}),
        vec![busy, down, said("at last")],
    );
    assert!(result.success, "{:?}", result.error);
    assert_eq!(result.outputs["n"]["response"], "at last");
    assert_eq!(asked.len(), 3);
    let key = |asked: &Asked| {
        asked
            .0
            .to_lowercase()
            .lines()
            .find(|line| line.starts_with("idempotency-key"))
            .map(str::to_owned)
    };
    assert!(
        key(&asked[0]).is_some() && key(&asked[0]) == key(&asked[2]),
        "it is the same question"
    );
    assert_eq!(asked[0].1, asked[2].1);
    assert!(
        result
            .warnings
            .iter()
            .any(|warning| warning.contains("too many")),
        "{:?}",
        result.warnings
    );

    // It does not wait for longer than the node has.
    let tomorrow = (
        429,
        "Retry-After: 86400\r\n",
        json!({"error": {"message": "no quota left"}}),
    );
    let (result, asked) = ask(
        "LLMCompletionNode",
        json!({"prompt": "p", "timeout": 5}),
        vec![tomorrow],
    );
    let error = result.error.unwrap();
    assert!(
        error.starts_with("RateLimitError") && error.contains("no quota left"),
        "{error}"
    );
    assert_eq!(asked.len(), 1);
}

#[test]
fn what_an_endpoint_refuses_is_told_without_the_key() {
    let refused = (
        401,
        "",
        json!({"error": {"message": "Incorrect API key provided: sk-secret-1"}}),
    );
    let (result, asked) = ask(
        "LLMCompletionNode",
        json!({"prompt": "p", "api_key": "sk-secret-1"}),
        vec![refused],
    );
    let error = result.error.unwrap();
    assert!(
        error.starts_with("AuthenticationError") && error.contains("provided: ***"),
        "{error}"
    );
    assert!(!error.contains("sk-secret-1"));
    assert_eq!(asked.len(), 1, "to ask again would not help");
    let (result, _) = ask(
        "LLMCompletionNode",
        json!({"prompt": "p"}),
        vec![(200, "", json!({"choices": []}))],
    );
    assert!(result.error.unwrap().contains("no text in the answer"));
    let (result, _) = ask(
        "LLMCompletionNode",
        json!({"prompt": "p", "credential_name": "of nobody"}),
        vec![],
    );
    assert!(result.error.unwrap().contains("RPA_SECRET_OF_NOBODY"));
    let (result, asked) = ask("LLMCompletionNode", json!({"prompt": " "}), vec![]);
    assert!(result.error.unwrap().contains("`prompt`") && asked.is_empty());
}

#[test]
fn a_conversation_goes_on_where_it_was() {
    let (url, asked) = endpoint([said("Ada."), said("You are Ada."), said("Who knows?")]);
    let chat = |id: &str, message: &str, conversation: Value| {
        json!({"node_id": id, "node_type": "LLMChatNode", "config": {"message": message, "conversation_id": conversation,
            "system_prompt": "Be kind.", "base_url": url}})
    };
    let link = |from: &str, to: &str| json!({"source_node": from, "source_port": "exec_out", "target_node": to, "target_port": "exec_in"});
    let document = json!({
        "metadata": {"name": "t"},
        "nodes": {"a": chat("a", "I am Ada.", json!("")), "b": chat("b", "Who am I?", json!("{{a.conversation_id}}")),
            "c": chat("c", "Who am I?", json!("other"))},
        "connections": [link("a", "b"), link("b", "c")],
    });
    let loaded = document::load(&document.to_string()).unwrap();
    let request = Request::new(&loaded.workflow, &Default::default(), Path::new("/")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let result = runtime
        .block_on(run_ephemeral(&request, &Host::default()))
        .unwrap();
    assert!(result.success, "{:?}", result.error);
    assert_eq!(result.outputs["a"]["conversation_id"], "ephemeral/a/1");
    assert_eq!(result.outputs["b"]["conversation_id"], "ephemeral/a/1");
    let messages: Vec<Value> = asked
        .try_iter()
        .map(|(_, body)| body["messages"].clone())
        .collect();
    let system = json!({"role": "system", "content": "Be kind."});
    assert_eq!(
        messages[1],
        json!([system, {"role": "user", "content": "I am Ada."}, {"role": "assistant", "content": "Ada."},
            {"role": "user", "content": "Who am I?"}])
    );
    assert_eq!(
        messages[2],
        json!([system, {"role": "user", "content": "Who am I?"}])
    );
    assert_eq!(
        result.variables["conversation_ephemeral/a/1"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn data_is_taken_out_of_a_text_and_a_model_that_only_talks_is_asked_once_more() {
    let schema = json!({"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]});
    let config = json!({"text": "Total: 12.50", "schema": schema.to_string()});
    let (result, asked) = ask(
        "LLMExtractDataNode",
        config.clone(),
        vec![said("Sure!"), said("```json\n{\"total\": 12.5}\n```")],
    );
    assert!(result.success, "{:?}", result.error);
    assert_eq!(
        result.outputs["n"]["extracted_data"],
        json!({"total": 12.5})
    );
    assert_eq!(result.outputs["n"]["tokens_used"], 14);
    assert!(
        asked[0].1["messages"][0]["content"]
            .as_str()
            .unwrap()
            .contains("\"total\"")
    );
    assert_eq!(asked[1].1["messages"].as_array().unwrap().len(), 4);
    assert!(
        asked[1]
            .0
            .to_lowercase()
            .contains("idempotency-key: ephemeral/n/1/2"),
        "{}",
        asked[1].0
    );
    let (result, _) = ask(
        "LLMExtractDataNode",
        config,
        vec![said("{}"), said("{\"sum\": 1}")],
    );
    assert!(result.error.unwrap().contains("`total` is missing"));
}

#[test]
fn texts_are_classified_summed_up_and_translated() {
    let answer =
        said("{\"categories\": [\"invoice\"], \"confidence\": {\"Invoice\": 0.9, \"Letter\": 2}}");
    let given = gives(
        "LLMClassifyNode",
        json!({"text": "t", "categories": "Invoice, Letter"}),
        vec![answer],
    );
    assert_eq!(
        (
            &given["classification"],
            &given["classifications"],
            &given["confidence"]
        ),
        (
            &json!("Invoice"),
            &json!(["Invoice"]),
            &json!({"Invoice": 0.9, "Letter": 1.0})
        )
    );
    let several = said("{\"categories\": [\"b\", \"a\"]}");
    let given = gives(
        "LLMClassifyNode",
        json!({"text": "t", "categories": ["a", "b", "c"], "multi_label": true}),
        vec![several],
    );
    assert_eq!(given["classifications"], json!(["b", "a"]));
    let other = || said("{\"categories\": [\"Menu\"]}");
    let (result, _) = ask(
        "LLMClassifyNode",
        json!({"text": "t", "categories": "[\"Invoice\"]"}),
        vec![other(), other()],
    );
    assert!(
        result
            .error
            .unwrap()
            .contains("`Menu` is none of the categories")
    );

    let given = gives(
        "LLMSummarizeNode",
        json!({"text": "A long text.", "style": "bullet_points"}),
        vec![said(" - short ")],
    );
    assert_eq!(
        (
            &given["summary"],
            &given["original_length"],
            &given["summary_length"]
        ),
        (&json!("- short"), &json!(12), &json!(7))
    );
    let given = gives(
        "LLMTranslateNode",
        json!({"text": "Brot", "target_language": "English"}),
        vec![said(
            "{\"translation\": \"bread\", \"language\": \"German\"}",
        )],
    );
    assert_eq!(
        (&given["translated_text"], &given["detected_language"]),
        (&json!("bread"), &json!("German"))
    );
}

/// Runs a node whose ways lead to nodes that log their name.
fn way(node_type: &str, mut config: Value, exits: &[&str], answer: &str) -> RunResult {
    let (url, _asked) = endpoint([said(answer)]);
    config["base_url"] = url.into();
    let mut nodes = json!({"n": {"node_id": "n", "node_type": node_type, "config": config}});
    let mut links = Vec::new();
    for exit in exits {
        nodes[exit] = json!({"node_id": exit, "node_type": "LogNode", "config": {"message": exit, "include_node_id": false}});
        links.push(json!({"source_node": "n", "source_port": exit, "target_node": exit, "target_port": "exec_in"}));
    }
    let document = json!({"metadata": {"name": "t"}, "nodes": nodes, "connections": links});
    let loaded = document::load(&document.to_string()).unwrap();
    let request = Request::new(&loaded.workflow, &Default::default(), Path::new("/")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(run_ephemeral(&request, &Host::default()))
        .unwrap()
}

#[test]
fn a_model_decides_which_way_control_takes() {
    let condition = json!({"context": {"total": 900}, "condition": "It is expensive."});
    for (answer, expected) in [("true", "exec_true"), ("false", "exec_false")] {
        let answer = format!("{{\"result\": {answer}, \"confidence\": 0.8, \"reasoning\": \"r\"}}");
        let result = way(
            "AIConditionNode",
            condition.clone(),
            &["exec_true", "exec_false"],
            &answer,
        );
        assert_eq!(result.logs, [expected], "{:?}", result.error);
        assert_eq!(
            (
                &result.outputs["n"]["confidence"],
                &result.outputs["n"]["reasoning"]
            ),
            (&json!(0.8), &json!("r"))
        );
    }
    let switch = json!({"context": "My order is late", "question": "Which desk?", "options": "Sales, Help Desk"});
    let exits = ["exec_Sales", "exec_help_desk", "exec_default"];
    for (option, expected) in [
        ("\"help desk\"", "exec_help_desk"),
        ("\"Sales\"", "exec_Sales"),
        ("null", "exec_default"),
    ] {
        let answer = format!("{{\"option\": {option}, \"scores\": {{\"Sales\": 0.5}}}}");
        let result = way("AISwitchNode", switch.clone(), &exits, &answer);
        assert_eq!(result.logs, [expected], "{:?}", result.error);
    }
    let rules =
        json!({"rules": [{"if": "cheap", "action": "buy"}, {"if": "dear", "action": "ask"}]});
    let answer = "{\"matches\": [{\"index\": 1, \"confidence\": 0.7}], \"reasoning\": \"dear\"}";
    let given = gives(
        "AIDecisionTableNode",
        json!({"context": "900", "decision_table": rules.to_string()}),
        vec![said(answer)],
    );
    assert_eq!(
        (
            &given["matched_action"],
            &given["matched_rule_index"],
            &given["confidence"]
        ),
        (&json!("ask"), &json!(1), &json!(0.7))
    );
    let none = gives(
        "AIDecisionTableNode",
        json!({"context": "c", "decision_table": rules}),
        vec![said("{\"matches\": []}")],
    );
    assert_eq!(
        (&none["matched_action"], &none["matched_rule_index"]),
        (&json!(""), &json!(-1))
    );
}

#[test]
fn a_text_has_a_vector() {
    let answer = (
        200,
        "",
        json!({"data": [{"index": 0, "embedding": [0.5, -1, 0.25]}], "usage": {"total_tokens": 2}}),
    );
    let (result, asked) = ask("EmbeddingNode", json!({"text": "bread"}), vec![answer]);
    let given = &result.outputs["n"];
    assert_eq!(
        (
            &given["embedding"],
            &given["dimensions"],
            &given["tokens_used"]
        ),
        (&json!([0.5, -1, 0.25]), &json!(3), &json!(2))
    );
    assert_eq!(
        asked[0].1,
        json!({"model": "text-embedding-3-small", "input": "bread", "encoding_format": "float"})
    );
    let (result, _) = ask(
        "EmbeddingNode",
        json!({"text": "bread"}),
        vec![(200, "", json!({"data": [{"embedding": [null]}]}))],
    );
    assert!(result.error.unwrap().contains("no vector"));
}
