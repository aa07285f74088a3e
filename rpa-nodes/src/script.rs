//! JavaScript in a box: QuickJS with limits of time, memory and stack. A script sees its input and the language, and nothing
//! of the machine: no files, no network, no modules, no timers.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rquickjs::context::EvalOptions;
use rquickjs::promise::PromiseState;
use rquickjs::{Context, Ctx, Error, Runtime, Value as Js};
use serde_json::Value;

use crate::fault::Fault;

/// What one script may hold.
const MEMORY: usize = 64 * 1024 * 1024;
/// The stacks of the threads that scripts run in are four times as deep.
const STACK: usize = 512 * 1024;
/// What one script may give, as JSON.
const ANSWER: usize = 16 * 1024 * 1024;
/// What scripts are called in messages.
const NAME: &str = "script";
/// Lets a script write lines; it has no other way to say something meanwhile.
const CONSOLE: &str = "(() => {
    const lines = [], write = JSON.stringify;
    const show = (value) => typeof value === 'object' || Array.isArray(value) ? write(value) : String(value);
    const log = (...values) => { lines.push(values.map(show).join(' ')); };
    globalThis.console = { log, info: log, debug: log, warn: log, error: log };
    return lines;
})()";
/// What a script calls its result, if it does.
const RESULT: &str = "typeof result === 'undefined' ? undefined : result";

/// What a script came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    /// What it returns, or calls `result`, or what its last statement is; null for nothing.
    pub(crate) result: Value,
    /// What it wrote to the console.
    pub(crate) lines: Vec<String>,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stop {
    /// The script threw something; with the line where it is known.
    Thrown(String),
    /// A limit stopped it.
    Limit(Fault),
}

/// Runs a script. It knows what it is given as `input_data`, `inputData` and `input`.
///
/// # Errors
/// It threw, or needed more than it may have.
pub(crate) fn run(code: &str, input: &Value, patience: Duration) -> Result<Said, Stop> {
    let deadline = Instant::now().checked_add(patience);
    match attempt(code, input, deadline, patience) {
        // `return` and `await` have their place in functions; a script may be meant as the body of one.
        Err(Stop::Thrown(first)) if first.starts_with("SyntaxError") => {
            let body = format!("(async function () {{{code}\n;return {RESULT};\n}})()");
            match attempt(&body, input, deadline, patience) {
                Err(Stop::Thrown(second)) if second.starts_with("SyntaxError") => {
                    Err(Stop::Thrown(first))
                }
                other => other,
            }
        }
        other => other,
    }
}

fn attempt(
    code: &str,
    input: &Value,
    deadline: Option<Instant>,
    patience: Duration,
) -> Result<Said, Stop> {
    let broken = |error: Error| Stop::Limit(Fault::of("ScriptError", error.to_string()));
    let runtime = Runtime::new().map_err(broken)?;
    runtime.set_memory_limit(MEMORY);
    runtime.set_max_stack_size(STACK);
    let late = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&late);
    runtime.set_interrupt_handler(Some(Box::new(move || {
        let is_late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        told.fetch_or(is_late, Ordering::Relaxed);
        is_late
    })));
    let context = Context::full(&runtime).map_err(broken)?;
    context.with(|ctx| {
        let done = perform(&ctx, code, input);
        done.map_err(|error| match late.load(Ordering::Relaxed) {
            true => Stop::Limit(Fault::of(
                "TimeoutError",
                format!(
                    "the script took longer than {} s; raise `timeout`, or let it do less",
                    patience.as_secs_f64()
                ),
            )),
            false => thrown(&ctx, &error),
        })
    })
}

fn perform<'js>(ctx: &Ctx<'js>, code: &str, input: &Value) -> Result<Said, Error> {
    let globals = ctx.globals();
    for name in ["input_data", "inputData", "input"] {
        globals.set(name, ctx.json_parse(input.to_string())?)?;
    }
    let lines: Js<'js> = ctx.eval(CONSOLE)?;
    let mut options = EvalOptions::default();
    options.global = true;
    options.strict = false;
    options.filename = Some(NAME.to_owned());
    let mut result: Js<'js> = ctx.eval_with_options(code, options)?;
    let named: Js<'js> = ctx.eval(RESULT)?;
    if !named.is_undefined() {
        result = named;
    }
    if let Some(promise) = result.as_promise().cloned() {
        result = promise.finish()?;
    } else {
        while ctx.execute_pending_job() {}
    }
    if let Some(promise) = result.as_promise()
        && promise.state() == PromiseState::Pending
    {
        return Err(Error::WouldBlock);
    }
    Ok(Said {
        result: value(ctx, result)?,
        lines: match value(ctx, lines)? {
            Value::Array(lines) => lines.iter().map(crate::value::text).collect(),
            _ => Vec::new(),
        },
    })
}

/// A value of the script as JSON has it: what JSON does not have is null.
fn value<'js>(ctx: &Ctx<'js>, given: Js<'js>) -> Result<Value, Error> {
    let Some(written) = ctx.json_stringify(given)? else {
        return Ok(Value::Null);
    };
    let written = written.to_string()?;
    if written.len() > ANSWER {
        let message = format!(
            "the result is larger than {} MB; write it to a file in parts",
            ANSWER >> 20
        );
        return Err(rquickjs::Exception::throw_range(ctx, &message));
    }
    serde_json::from_str(&written).map_err(|error| {
        let message = format!("the result cannot be taken over: {error}");
        rquickjs::Exception::throw_range(ctx, &message)
    })
}

/// What a script threw, as text with its line.
fn thrown(ctx: &Ctx<'_>, error: &Error) -> Stop {
    if matches!(error, Error::WouldBlock) {
        let message =
            "the script waits for something that never happens; nothing outside of it can answer";
        return Stop::Thrown(message.to_owned());
    }
    if !error.is_exception() {
        return Stop::Limit(Fault::of("ScriptError", error.to_string()));
    }
    let caught = ctx.catch();
    let (text, stack) = match caught.as_exception() {
        Some(exception) => {
            let name: Option<String> = exception.as_object().get("name").ok();
            let message = exception.message().unwrap_or_default();
            let name = name.unwrap_or_else(|| "Error".to_owned());
            (format!("{name}: {message}"), exception.stack())
        }
        // When there is no room for an exception either.
        None if caught.is_null() => ("InternalError: out of memory".to_owned(), None),
        None => {
            let shown = value(ctx, caught).unwrap_or_default();
            (format!("thrown: {}", crate::value::text(&shown)), None)
        }
    };
    if text == "InternalError: out of memory" {
        return Stop::Limit(Fault::of(
            "MemoryError",
            format!(
                "the script needs more than {} MB; let it hold less at once",
                MEMORY >> 20
            ),
        ));
    }
    let line = stack.as_deref().and_then(line);
    Stop::Thrown(match line {
        Some(line) => format!("{text} (line {line})"),
        None => text,
    })
}

/// The innermost line of the script in a stack trace.
fn line(stack: &str) -> Option<u32> {
    let (_, rest) = stack.split_once(&format!("{NAME}:"))?;
    let digits = rest.split(|character: char| !character.is_ascii_digit());
    digits.into_iter().next()?.parse().ok()
}
