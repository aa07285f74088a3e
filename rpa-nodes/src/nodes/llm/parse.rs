use serde_json::{Value, json};

use super::endpoint::{Endpoint, Said};
use crate::fault::Fault;
use crate::value::Object;
use crate::visit::Work;

/// Asks for a dict. A model that says something else is asked once more.
///
/// # Errors
/// It says something else again, or the endpoint refuses.
pub(super) fn ask_for_dict(
    work: &mut Work,
    endpoint: &mut Endpoint,
    instructions: &str,
    question: &str,
    fits: &dyn Fn(&Object) -> Result<(), String>,
) -> Result<(Object, Said), Fault> {
    ask_about(work, endpoint, instructions, question.into(), fits)
}

/// The same, where the question may be a text with a picture.
///
/// # Errors
/// The same.
pub(super) fn ask_about(
    work: &mut Work,
    endpoint: &mut Endpoint,
    instructions: &str,
    question: Value,
    fits: &dyn Fn(&Object) -> Result<(), String>,
) -> Result<(Object, Said), Fault> {
    let instructions = match work.text("system_prompt").trim() {
        "" => instructions.to_owned(),
        own => format!("{own}\n\n{instructions}"),
    };
    let mut messages = vec![
        json!({"role": "system", "content": instructions}),
        json!({"role": "user", "content": question}),
    ];
    let mut said = endpoint.chat(work, &messages)?;
    let mut read = checked(&said.text, fits);
    if let Err(why) = &read {
        work.warn(format!("the model was asked again: {why}"));
        messages.push(json!({"role": "assistant", "content": said.text}));
        messages.push(json!({"role": "user", "content": format!("That cannot be used: {why}. Answer with the JSON object alone.")}));
        let tokens = said.tokens;
        said = endpoint.chat(work, &messages)?;
        said.tokens += tokens;
        read = checked(&said.text, fits);
    }
    match read {
        Ok(dict) => Ok((dict, said)),
        Err(why) => Err(Fault::of(
            "LLMError",
            format!("the answer of the model cannot be used: {why}"),
        )),
    }
}

fn checked(said: &str, fits: &dyn Fn(&Object) -> Result<(), String>) -> Result<Object, String> {
    let dict = dict(said).ok_or("it has no JSON object")?;
    fits(&dict)?;
    Ok(dict)
}

/// The first dict in what a model said, which may stand between fences and words.
pub(super) fn dict(said: &str) -> Option<Object> {
    said.match_indices('{').find_map(|(place, _)| {
        let mut values =
            serde_json::Deserializer::from_str(said.get(place..)?).into_iter::<Value>();
        match values.next() {
            Some(Ok(Value::Object(dict))) => Some(dict),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dict_is_found_between_fences_and_words() {
        for said in [
            "{\"a\": 1}",
            "```json\n{\"a\": 1}\n```",
            "Here {it} is: {\"a\": 1}. Good?",
        ] {
            assert_eq!(dict(said), json!({"a": 1}).as_object().cloned(), "{said}");
        }
        assert_eq!(dict("[1, 2] and {broken"), None);
    }
}
