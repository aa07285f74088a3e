use serde_json::{Value, json};

use super::endpoint::{Endpoint, Said};
use super::parse::ask_for_dict;
use super::{choices, done, needed, share, written};
use crate::fault::Fault;
use crate::value::{Object, text};
use crate::visit::Work;

/// The variable that has a conversation.
pub(super) fn variable(id: &str) -> String {
    format!("conversation_{}", id.trim())
}

/// A question, behind what the model is told of its part.
pub(super) fn messages(work: &Work, instructions: &str, question: &str) -> Vec<Value> {
    let own = work.text("system_prompt");
    let parts: Vec<&str> = [own.trim(), instructions]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    let mut messages = Vec::new();
    if !parts.is_empty() {
        messages.push(json!({"role": "system", "content": parts.join("\n\n")}));
    }
    messages.push(json!({"role": "user", "content": question}));
    messages
}

fn give(work: &mut Work, said: &Said) {
    work.give("response", said.text.clone());
    work.give("tokens_used", said.tokens);
    work.give("model_used", said.model.clone());
}

pub(super) fn complete(work: &mut Work) -> Result<(), Fault> {
    let prompt = needed(work, "prompt")?;
    let messages = messages(work, "", &prompt);
    let said = Endpoint::of(work)?.chat(work, &messages)?;
    give(work, &said);
    done(work)
}

pub(super) fn chat(work: &mut Work) -> Result<(), Fault> {
    let message = needed(work, "message")?;
    let id = match work.text("conversation_id").trim() {
        // The same again after a crash.
        "" => work.key().to_owned(),
        id => id.to_owned(),
    };
    let mut before = match work.recalled() {
        Some(Value::Array(messages)) => messages.clone(),
        _ => Vec::new(),
    };
    before.push(json!({"role": "user", "content": message}));
    let mut all = before.clone();
    let own = work.text("system_prompt");
    if !own.trim().is_empty() {
        all.insert(0, json!({"role": "system", "content": own.trim()}));
    }
    let said = Endpoint::of(work)?.chat(work, &all)?;
    before.push(json!({"role": "assistant", "content": said.text}));
    work.set(&variable(&id), before.into());
    give(work, &said);
    work.give("conversation_id", id);
    done(work)
}

pub(super) fn extract(work: &mut Work) -> Result<(), Fault> {
    let source = needed(work, "text")?;
    let schema = match work.get("schema") {
        Some(Value::String(said)) => serde_json::from_str(said).unwrap_or_else(|_| json!(said)),
        other => other.cloned().unwrap_or_default(),
    };
    if schema.is_null() || schema == json!("") {
        return Err(Fault::value("nothing says what to extract; set `schema`"));
    }
    let required: Vec<String> = match schema.get("required") {
        Some(Value::Array(names)) if schema.get("properties").is_some() => {
            names.iter().map(text).collect()
        }
        _ => Vec::new(),
    };
    let instructions = format!(
        "Extract data from the text of the user. Answer with a JSON object alone, of this schema; what the text does not say \
         is null.\n{schema:#}"
    );
    let mut endpoint = Endpoint::of(work)?;
    let fits = |dict: &Object| match required.iter().find(|name| !dict.contains_key(*name)) {
        Some(name) => Err(format!("`{name}` is missing")),
        None => Ok(()),
    };
    let (dict, said) = ask_for_dict(work, &mut endpoint, &instructions, &source, &fits)?;
    work.give("extracted_data", dict);
    work.give("raw_response", said.text);
    work.give("tokens_used", said.tokens);
    done(work)
}

pub(super) fn summarize(work: &mut Work) -> Result<(), Fault> {
    let source = needed(work, "text")?;
    let form = match work.text("style").as_str() {
        "bullet_points" => "as a list of bullet points",
        "key_points" => "as a numbered list of its key points",
        _ => "in one paragraph",
    };
    let length = work.integer("max_length").unwrap_or(200);
    let instructions = format!(
        "Summarize the text of the user {form}, in its language, in at most {length} words. Answer with the summary alone."
    );
    let messages = messages(work, &instructions, &source);
    let said = Endpoint::of(work)?.chat(work, &messages)?;
    let summary = said.text.trim().to_owned();
    work.give("original_length", source.chars().count());
    work.give("summary_length", summary.chars().count());
    work.give("summary", summary);
    work.give("tokens_used", said.tokens);
    done(work)
}

pub(super) fn classify(work: &mut Work) -> Result<(), Fault> {
    let source = needed(work, "text")?;
    let categories = choices(work, "categories")?;
    let several = work.flag("multi_label");
    let which = match several {
        true => "all categories that fit, the best first",
        false => "the one category that fits best",
    };
    let instructions = format!(
        "Classify the text of the user. The categories are {}. Answer with a JSON object alone: \"categories\" is a list of \
         {which}, spelled as given; \"confidence\" is an object with a number from 0 to 1 for each category.",
        json!(categories)
    );
    let chosen = |dict: &Object| -> Result<Vec<String>, String> {
        let said = match dict.get("categories").or_else(|| dict.get("category")) {
            Some(Value::Array(items)) => items.iter().map(text).collect(),
            Some(Value::String(one)) => vec![one.clone()],
            _ => return Err("`categories` is no list".to_owned()),
        };
        let known = |name: &String| {
            let known = categories
                .iter()
                .find(|known| known.eq_ignore_ascii_case(name.trim()));
            known
                .cloned()
                .ok_or_else(|| format!("`{name}` is none of the categories"))
        };
        let said: Vec<String> = said.iter().map(known).collect::<Result<_, _>>()?;
        if said.is_empty() && !several {
            return Err("`categories` is empty".to_owned());
        }
        Ok(said)
    };
    let mut endpoint = Endpoint::of(work)?;
    let (dict, said) = ask_for_dict(work, &mut endpoint, &instructions, &source, &|dict| {
        chosen(dict).map(drop)
    })?;
    let mut chosen = chosen(&dict)?;
    if !several {
        chosen.truncate(1);
    }
    let scores = match dict.get("confidence") {
        Some(Value::Object(scores)) => scores.clone(),
        _ => Object::new(),
    };
    let confidence: Object = categories
        .iter()
        .map(|name| (name.clone(), json!(share(&scores, name))))
        .collect();
    work.give(
        "classification",
        chosen.first().cloned().unwrap_or_default(),
    );
    work.give("classifications", chosen);
    work.give("confidence", confidence);
    work.give("tokens_used", said.tokens);
    done(work)
}

pub(super) fn translate(work: &mut Work) -> Result<(), Fault> {
    let source = needed(work, "text")?;
    let target = needed(work, "target_language")?;
    let from = match work.text("source_language").trim() {
        "" | "auto" => String::new(),
        language => format!(" from {language}"),
    };
    let instructions = format!(
        "Translate the text of the user{from} to {target}. Answer with a JSON object alone: \"translation\" is the whole \
         translated text, \"language\" the name of the language that the text was in."
    );
    let mut endpoint = Endpoint::of(work)?;
    let fits = |dict: &Object| match dict.get("translation") {
        Some(Value::String(_)) => Ok(()),
        _ => Err("`translation` is no text".to_owned()),
    };
    let (dict, said) = ask_for_dict(work, &mut endpoint, &instructions, &source, &fits)?;
    let language = match dict.get("language").map(text).unwrap_or_default() {
        language if language.is_empty() => work.text("source_language"),
        language => language,
    };
    work.give(
        "translated_text",
        dict.get("translation").cloned().unwrap_or_default(),
    );
    work.give("detected_language", language);
    work.give("tokens_used", said.tokens);
    done(work)
}

pub(super) fn embed(work: &mut Work) -> Result<(), Fault> {
    let source = needed(work, "text")?;
    let model = work.text("model");
    let (vectors, tokens) = Endpoint::of(work)?.embed(work, &model, &[source])?;
    let vector = vectors.into_iter().next().unwrap_or_default();
    work.give("dimensions", vector.len());
    work.give("embedding", vector);
    work.give("tokens_used", tokens);
    done(work)
}

/// What a model is told of a context.
pub(super) fn about(work: &Work, question: &str) -> String {
    format!("{question}\n\nThe context:\n{}", written(work, "context"))
}
