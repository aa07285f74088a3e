use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::endpoint::Endpoint;
use super::tools::Tools;
use super::write::messages;
use super::{MODEL, done, ends, needed, written};
use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::value::{Object, text};
use crate::visit::Work;

const INSTRUCTIONS: &str = "Reach the goal of the user with the tools that you have. Call a tool where you need it; what it \
    gives, or why it failed, is told to you. When the goal is reached, or cannot be, answer without calling a tool: that answer \
    is the result.";
/// How much of what a tool gave a model is told.
const LONGEST: usize = 20_000;

pub(super) fn types() -> Vec<NodeType> {
    let agent = NodeType::work(
        "AIAgentNode",
        Effect::Once,
        "Lets a model reach a goal with tools: it calls them, is told what they give, and goes on until it answers. \
         `available_tools` names node types; without it there are none.",
        act,
    );
    vec![
        ends(agent)
            .doubtful_if(changes)
            .input("goal", Kind::Text)
            .input("context", Kind::Any)
            .input("available_tools", Kind::Any)
            .input_or("max_steps", Kind::Integer, 10)
            .input_or("timeout", Kind::Float, json!(300.0))
            .input("credential_name", Kind::Text)
            .input("api_key", Kind::Text)
            .optional("base_url", Kind::Text)
            .input_or("model", Kind::Text, MODEL)
            .input("temperature", Kind::Float)
            .input("max_tokens", Kind::Integer)
            .input("system_prompt", Kind::Text)
            .output("result", Kind::Any)
            .output("steps_taken", Kind::List)
            .output("step_count", Kind::Integer)
            .output("total_tokens", Kind::Integer)
            .output("execution_time", Kind::Float)
            .exits(&["exec_out", "exec_error"]),
    ]
}

/// Whether a run of an agent may change something outside, so that nobody knows after a crash what it did.
pub(super) fn changes(work: &Work) -> bool {
    Tools::of(work).is_ok_and(|tools| tools.change_the_world())
}

pub(super) fn act(work: &mut Work) -> Result<(), Fault> {
    let began = Instant::now();
    let goal = needed(work, "goal")?;
    let tools = Tools::of(work)?;
    let most = work.integer("max_steps").unwrap_or(10).max(1);
    let patience = work.patience("timeout", Duration::from_secs(300));
    let question = match work.get("context") {
        None | Some(Value::Null) => goal,
        Some(_) => format!("{goal}\n\nThe context:\n{}", written(work, "context")),
    };
    let mut messages = messages(work, INSTRUCTIONS, &question);
    let mut endpoint = Endpoint::of(work)?;
    let (mut steps, mut tokens) = (Vec::new(), 0);
    let tell = |work: &mut Work, steps: &[Value], tokens: i64| {
        work.give("step_count", steps.len());
        work.give("steps_taken", steps.to_vec());
        work.give("total_tokens", tokens);
        work.give("execution_time", began.elapsed().as_secs_f64());
    };
    for _ in 0..most {
        let left = patience.saturating_sub(began.elapsed());
        if left.is_zero() {
            break;
        }
        endpoint.hurry(left);
        let (message, used, _) = endpoint.turn(work, &messages, tools.described())?;
        tokens += used;
        let calls = match message.get("tool_calls") {
            Some(Value::Array(calls)) => calls.clone(),
            _ => Vec::new(),
        };
        if calls.is_empty() {
            let Some(said) = message.get("content").and_then(Value::as_str) else {
                tell(work, &steps, tokens);
                return Err(Fault::of(
                    "AgentError",
                    "the model neither called a tool nor answered",
                ));
            };
            let result = serde_json::from_str(said.trim()).unwrap_or_else(|_| json!(said));
            work.give("result", result);
            tell(work, &steps, tokens);
            return done(work);
        }
        messages.push(Value::Object(message));
        for call in calls {
            let (step, said) = take(work, &tools, &call, steps.len() + 1);
            steps.push(step);
            let id = call.get("id").cloned().unwrap_or_default();
            messages.push(json!({"role": "tool", "tool_call_id": id, "content": said}));
        }
    }
    tell(work, &steps, tokens);
    let why = match began.elapsed() >= patience {
        true => format!("`timeout`, {} s, is over", patience.as_secs_f64()),
        false => format!("the model was asked `max_steps` times, {most}"),
    };
    Err(Fault::of(
        "AgentError",
        format!(
            "the goal was not reached: {why}; {} tools were called",
            steps.len()
        ),
    ))
}

/// Calls a tool as a model wants it. Gives what is told of it, and what the model is told.
fn take(work: &mut Work, tools: &Tools, call: &Value, number: usize) -> (Value, String) {
    let name = call.pointer("/function/name").map(text).unwrap_or_default();
    let arguments = match call.pointer("/function/arguments") {
        // Some endpoints give what they parsed already.
        Some(Value::Object(arguments)) => Ok(arguments.clone()),
        Some(Value::String(said)) if said.trim().is_empty() => Ok(Object::new()),
        Some(Value::String(said)) => serde_json::from_str::<Object>(said)
            .map_err(|error| Fault::value(format!("the arguments are no JSON object: {error}"))),
        _ => Ok(Object::new()),
    };
    let shown = arguments.clone().unwrap_or_default();
    let outcome = arguments
        .and_then(|arguments| tools.call(work, &name, &format!("tool/{number}"), &arguments));
    let mut step = Object::new();
    step.insert("step".to_owned(), number.into());
    step.insert("tool".to_owned(), name.into());
    step.insert("arguments".to_owned(), shown.into());
    let said = match outcome {
        Ok(outputs) => {
            let said = Value::Object(outputs.clone()).to_string();
            step.insert("result".to_owned(), outputs.into());
            said.chars().take(LONGEST).collect()
        }
        // A model may find another way.
        Err(fault) => {
            step.insert("error".to_owned(), fault.to_string().into());
            format!("failed: {fault}")
        }
    };
    (step.into(), said)
}
