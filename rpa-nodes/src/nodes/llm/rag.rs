use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::endpoint::Endpoint;
use super::vectors::{Collection, Document, numbers};
use super::write::messages;
use super::{asks, choices, done, needed, node};
use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::value::{Object, text};
use crate::visit::Work;

/// What a model is asked if a node says nothing else.
const PROMPT: &str = "Answer the question with what the context says. Where it does not say it, say so.\n\nContext:\n{context}\n\nQuestion: {question}";
/// How many texts go into one request.
const AT_ONCE: usize = 64;

pub(super) fn types() -> Vec<NodeType> {
    let kept = |node_type: NodeType| {
        node_type
            .input_or("collection", Kind::Text, "default")
            .property("store_path", Kind::Text, "vectors")
    };
    let stored = |node_type: NodeType| {
        kept(node_type).property("embedding_model", Kind::Text, "text-embedding-3-small")
    };
    let mut add = stored(node(
        "VectorStoreAddNode",
        "Puts documents into a collection, with their vectors: those in `embeddings`, or else an endpoint makes them. A document \
         is a text, or a dict of `content`, `id` and `metadata`; one with the id of another takes its place.",
        add,
    ))
    .needs("documents", Kind::List)
    .input("embeddings", Kind::List)
    .output("count", Kind::Integer)
    .output("collection_name", Kind::Text);
    add.effect = Effect::Writes;
    let mut delete = kept(node(
        "VectorStoreDeleteNode",
        "Takes documents out of a collection.",
        delete,
    ))
    .intends(look)
    .needs("document_ids", Kind::List)
    .output("deleted_count", Kind::Integer);
    delete.effect = Effect::Writes;
    vec![
        add,
        stored(node(
            "VectorSearchNode",
            "The documents of a collection that are most like a question, the best first. `filter` is what their metadata has to be.",
            search,
        ))
        .input("query", Kind::Text)
        .input("query_embedding", Kind::List)
        .input_or("top_k", Kind::Integer, 5)
        .input("filter", Kind::Dict)
        .output("results", Kind::List)
        .output("top_result", Kind::Dict)
        .output("result_count", Kind::Integer),
        asks(
            stored(node(
                "RAGNode",
                "Answers a question with the documents of a collection that are most like it. `prompt_template` has `{context}` and \
                 `{question}`.",
                answer,
            )),
            0.7,
        )
        .input_or("max_tokens", Kind::Integer, 1000)
        .input("question", Kind::Text)
        .input_or("top_k", Kind::Integer, 3)
        .input("filter", Kind::Dict)
        .input("prompt_template", Kind::Text)
        .output("answer", Kind::Text)
        .output("context", Kind::Text)
        .output("sources", Kind::List)
        .output("tokens_used", Kind::Integer),
        delete,
    ]
}

/// A document as workflows write it: a text, or a dict of `content`, and perhaps `id` and `metadata`.
fn document(value: &Value) -> Result<(String, String, Object), Fault> {
    let (id, content, metadata) = match value {
        Value::Object(map) => {
            let content = ["content", "text", "page_content", "document"]
                .iter()
                .find_map(|key| map.get(*key));
            let metadata = match map.get("metadata") {
                Some(Value::Object(metadata)) => metadata.clone(),
                _ => Object::new(),
            };
            let id = map.get("id").filter(|id| !id.is_null()).map(text);
            (id, content.map(text).unwrap_or_default(), metadata)
        }
        other => (None, text(other), Object::new()),
    };
    if content.trim().is_empty() {
        return Err(Fault::value("a document has no `content`"));
    }
    // The same text is the same document.
    let id = id.unwrap_or_else(|| {
        let hash = digest(&SHA256, content.as_bytes());
        let hash = hash.as_ref().iter().take(16);
        hash.map(|byte| format!("{byte:02x}")).collect()
    });
    Ok((id, content, metadata))
}

pub(super) fn add(work: &mut Work) -> Result<(), Fault> {
    let given = work.list("documents");
    let read: Vec<_> = given.iter().map(document).collect::<Result<_, _>>()?;
    let vectors: Vec<Value> = match work.list("embeddings") {
        vectors if vectors.is_empty() => {
            let model = work.text("embedding_model");
            let mut endpoint = Endpoint::of(work)?;
            let mut vectors = Vec::new();
            for part in read.chunks(AT_ONCE) {
                let texts: Vec<String> = part.iter().map(|(_, text, _)| text.clone()).collect();
                let (new, _) = endpoint.embed(work, &model, &texts)?;
                vectors.extend(new.into_iter().map(Value::from));
            }
            vectors
        }
        vectors => vectors,
    };
    if vectors.len() != read.len() {
        return Err(Fault::value(format!(
            "there are {} documents and {} vectors in `embeddings`",
            read.len(),
            vectors.len()
        )));
    }
    let mut new = Vec::new();
    for ((id, content, metadata), vector) in read.into_iter().zip(&vectors) {
        new.push(Document::new(id, content, metadata, &numbers(vector)?));
    }
    let count = new.len();
    let mut collection = Collection::change(work)?;
    collection.put(new)?;
    collection.save()?;
    work.give("count", count);
    work.give("collection_name", work.text("collection"));
    done(work)
}

/// Which of the documents that are to be deleted there are.
pub(super) fn look(work: &Work) -> Result<Value, Fault> {
    let wanted = choices(work, "document_ids")?;
    let there = Collection::read(work)?.documents;
    let there = there.iter().filter(|one| wanted.contains(&one.id));
    Ok(json!({"count": there.count()}))
}

pub(super) fn delete(work: &mut Work) -> Result<(), Fault> {
    let wanted = choices(work, "document_ids")?;
    let mut collection = Collection::change(work)?;
    collection.documents.retain(|one| !wanted.contains(&one.id));
    collection.save()?;
    // What was there before the first try.
    let count = work.found("count").cloned().unwrap_or_default();
    work.give("deleted_count", count);
    done(work)
}

/// The documents that are most like a question, as outputs show them.
fn found(work: &mut Work, endpoint: &mut Endpoint, question: &str) -> Result<Vec<Value>, Fault> {
    let count = work.integer("top_k").unwrap_or(5).max(1);
    let wanted = match work.get("query_embedding") {
        Some(vector @ Value::Array(list)) if !list.is_empty() => numbers(vector)?,
        _ => {
            let model = work.text("embedding_model");
            let (vectors, _) = endpoint.embed(work, &model, &[question.to_owned()])?;
            numbers(&vectors.into_iter().next().unwrap_or_default().into())?
        }
    };
    let collection = Collection::read(work)?;
    let filter = work.dict("filter");
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let best = collection.nearest(&wanted, &filter, count)?;
    let shown = best.into_iter().map(|(score, one)| {
        json!({"id": one.id, "content": one.content, "metadata": one.metadata, "score": score})
    });
    Ok(shown.collect())
}

pub(super) fn search(work: &mut Work) -> Result<(), Fault> {
    let has_vector =
        matches!(work.get("query_embedding"), Some(Value::Array(list)) if !list.is_empty());
    let question = match has_vector {
        true => String::new(),
        false => needed(work, "query")?,
    };
    let mut endpoint = Endpoint::of(work)?;
    let results = found(work, &mut endpoint, &question)?;
    work.give("top_result", results.first().cloned().unwrap_or_default());
    work.give("result_count", results.len());
    work.give("results", results);
    done(work)
}

pub(super) fn answer(work: &mut Work) -> Result<(), Fault> {
    let question = needed(work, "question")?;
    let mut endpoint = Endpoint::of(work)?;
    let sources = found(work, &mut endpoint, &question)?;
    let context: Vec<String> = sources
        .iter()
        .filter_map(|source| source.get("content").map(text))
        .collect();
    let context = context.join("\n\n");
    let prompt = match work.text("prompt_template").trim() {
        "" => PROMPT.to_owned(),
        own => own.to_owned(),
    };
    // What a document says is no template: each is put in once, the context last.
    let (before, after) = prompt
        .split_once("{context}")
        .unwrap_or((prompt.as_str(), ""));
    let ask = |part: &str| part.replace("{question}", &question);
    let context_put = if prompt.contains("{context}") {
        context.as_str()
    } else {
        ""
    };
    let prompt = format!("{}{context_put}{}", ask(before), ask(after));
    let messages = messages(work, "", &prompt);
    let said = endpoint.chat(work, &messages)?;
    work.give("answer", said.text);
    work.give("context", context);
    work.give("sources", sources);
    work.give("tokens_used", said.tokens);
    done(work)
}
