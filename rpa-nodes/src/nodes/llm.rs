//! Nodes that ask a language model, over an endpoint that speaks as OpenAI's does: a service, or Ollama, vLLM and llama.cpp on a
//! machine of one's own.
//!
//! **After a crash** an answer that was not recorded yet is asked for again, with the same `Idempotency-Key`: an endpoint that
//! knows it does not charge twice. What was recorded counts.

mod agent;
mod decide;
mod document;
mod endpoint;
mod extract;
mod parse;
mod prompts;
mod rag;
mod tools;
mod validate;
mod vectors;
mod write;

use serde_json::{Value, json};

use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::value::{Object, text};
use crate::visit::Work;

const MODEL: &str = "gpt-4o-mini";
const STYLES: &[&str] = &["paragraph", "bullet_points", "key_points"];

/// A node that asks an endpoint.
fn node(
    name: &'static str,
    summary: &'static str,
    perform: fn(&mut Work) -> Result<(), Fault>,
) -> NodeType {
    ends(NodeType::work(name, Effect::Varies, summary, perform))
        .input("credential_name", Kind::Text)
        .input("api_key", Kind::Text)
        .optional("base_url", Kind::Text)
        .property("timeout", Kind::Float, json!(120.0))
}

/// What all of them tell of how it went.
fn ends(node_type: NodeType) -> NodeType {
    node_type
        .output("success", Kind::Boolean)
        .output("error", Kind::Text)
}

/// Which model is asked, and how.
fn asks(node_type: NodeType, temperature: f64) -> NodeType {
    node_type
        .input_or("model", Kind::Text, MODEL)
        .input_or("temperature", Kind::Float, json!(temperature))
        .input("system_prompt", Kind::Text)
}

/// All of the family.
pub(super) fn types() -> Vec<NodeType> {
    let mut types = plain_types();
    types.extend(agent::types());
    types.extend(rag::types());
    types.extend(prompts::types());
    types
}

/// Nodes that read documents with a model.
pub(super) use self::extract::types as document_types;

fn plain_types() -> Vec<NodeType> {
    let speaks = |node_type: NodeType| {
        asks(node_type, 0.7)
            .input_or("max_tokens", Kind::Integer, 1000)
            .output("response", Kind::Text)
            .output("tokens_used", Kind::Integer)
            .output("model_used", Kind::Text)
    };
    let works = |node_type: NodeType, temperature: f64| {
        asks(node_type, temperature)
            .input("max_tokens", Kind::Integer)
            .input("text", Kind::Text)
            .output("tokens_used", Kind::Integer)
    };
    let decides = |node_type: NodeType| {
        asks(node_type, 0.0)
            .input("max_tokens", Kind::Integer)
            .needs("context", Kind::Any)
            .output("confidence", Kind::Float)
            .output("reasoning", Kind::Text)
    };
    vec![
        speaks(node(
            "LLMCompletionNode",
            "Lets a model answer a prompt. The endpoint is `base_url`, else OPENAI_BASE_URL, else OpenAI's; the key is `api_key`, \
             else the secret that `credential_name` names, else the secret OPENAI_API_KEY.",
            write::complete,
        ))
        .input("prompt", Kind::Text),
        speaks(node(
            "LLMChatNode",
            "Goes on with a conversation: the model is told what was said in it before. Without `conversation_id` a new one \
             begins. The variable `conversation_<id>` has it.",
            write::chat,
        ))
        .recalls(|inputs| {
            let id = inputs.get("conversation_id").map(text)?;
            (!id.trim().is_empty()).then(|| write::variable(&id))
        })
        .input("message", Kind::Text)
        .input("conversation_id", Kind::Text)
        .output("conversation_id", Kind::Text),
        works(
            node(
                "LLMExtractDataNode",
                "Takes data out of a text: a dict of what `schema` names.",
                write::extract,
            ),
            0.0,
        )
        .input("schema", Kind::Any)
        .output("extracted_data", Kind::Dict)
        .output("raw_response", Kind::Text),
        works(
            node("LLMSummarizeNode", "Sums a text up, in about `max_length` words.", write::summarize),
            0.5,
        )
        .input_or("max_length", Kind::Integer, 200)
        .input_or("style", Kind::Choice(STYLES), "paragraph")
        .output("summary", Kind::Text)
        .output("original_length", Kind::Integer)
        .output("summary_length", Kind::Integer),
        works(
            node(
                "LLMClassifyNode",
                "Says which of the categories a text belongs to; an answer that is none of them fails the node.",
                write::classify,
            ),
            0.0,
        )
        .input("categories", Kind::Any)
        .input_or("multi_label", Kind::Boolean, false)
        .output("classification", Kind::Text)
        .output("classifications", Kind::List)
        .output("confidence", Kind::Dict),
        works(node("LLMTranslateNode", "Translates a text.", write::translate), 0.3)
            .input("target_language", Kind::Text)
            .input("source_language", Kind::Text)
            .output("translated_text", Kind::Text)
            .output("detected_language", Kind::Text),
        decides(node(
            "AIConditionNode",
            "Takes one of two ways: whether a condition holds of a context, as a model sees it.",
            decide::condition,
        ))
        .input("condition", Kind::Text)
        .output("result", Kind::Boolean)
        .exits(&["exec_true", "exec_false"]),
        decides(node(
            "AISwitchNode",
            "Takes the way of the option that a model chooses: `exec_<option>`; else `exec_default`.",
            decide::switch,
        ))
        .input("question", Kind::Text)
        .input("options", Kind::Any)
        .output("selected_option", Kind::Text)
        .output("all_scores", Kind::Dict)
        .exits(&["exec_default"])
        .exits_like("exec_"),
        decides(node(
            "AIDecisionTableNode",
            "Finds the rule of a table that fits a context best, as a model sees it, and gives its action. `decision_table` is a \
             list of rules, or a dict with `rules`.",
            decide::table,
        ))
        .input("decision_table", Kind::Any)
        .output("matched_action", Kind::Text)
        .output("matched_rule_index", Kind::Integer)
        .output("all_matches", Kind::List),
        node("EmbeddingNode", "The vector of a text.", write::embed)
            .input("text", Kind::Text)
            .input_or("model", Kind::Text, "text-embedding-3-small")
            .output("embedding", Kind::List)
            .output("dimensions", Kind::Integer)
            .output("tokens_used", Kind::Integer),
    ]
}

/// An input without which the node means nothing.
fn needed(work: &Work, name: &str) -> Result<String, Fault> {
    let said = work.text(name);
    match said.trim().is_empty() {
        false => Ok(said),
        true => Err(Fault::value(format!(
            "there is nothing in `{name}`; set it"
        ))),
    }
}

/// A list of texts: a list, a JSON text of one, or what stands between commas or on lines.
fn choices(work: &Work, name: &str) -> Result<Vec<String>, Fault> {
    let read = |value: &Value| match value {
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>(),
        Value::Object(map) => map.keys().cloned().collect(),
        other => {
            let said = text(other);
            match serde_json::from_str::<Vec<Value>>(&said) {
                Ok(items) => items.iter().map(text).collect(),
                Err(_) => said.split([',', '\n']).map(str::to_owned).collect(),
            }
        }
    };
    let found: Vec<String> = work.get(name).map(read).unwrap_or_default();
    let found: Vec<String> = found
        .iter()
        .map(|choice| choice.trim().to_owned())
        .filter(|choice| !choice.is_empty())
        .collect();
    match found.is_empty() {
        false => Ok(found),
        true => Err(Fault::value(format!(
            "there is nothing to choose from; set `{name}`"
        ))),
    }
}

/// A value as a model reads it.
fn written(work: &Work, name: &str) -> String {
    match work.get(name) {
        Some(Value::String(said)) => said.clone(),
        Some(other) => serde_json::to_string_pretty(other).unwrap_or_default(),
        None => String::new(),
    }
}

fn done(work: &mut Work) -> Result<(), Fault> {
    work.give("success", true);
    work.give("error", "");
    Ok(())
}

/// A number between 0 and 1 that a model was asked for.
fn share(answer: &Object, name: &str) -> f64 {
    let said = answer.get(name).and_then(crate::value::read_number);
    said.unwrap_or(0.0).clamp(0.0, 1.0)
}
