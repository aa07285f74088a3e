//! Nodes about the machine: programs, environment, ids.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::files;
use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::host;
use crate::process::Program;
use crate::script;
use crate::value::text;
use crate::visit::{Call, Work};

/// How long a program or a script may take, unless its node says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a Python script is run by: it reads its variables, and prints its result behind what it printed itself.
const PYTHON: &str = r#"
import json, sys, io, contextlib, traceback
given = json.load(sys.stdin)
names = dict(given["variables"])
out, error = io.StringIO(), None
with contextlib.redirect_stdout(out):
    try:
        exec(compile(given["code"], "<script>", "exec"), names)
    except BaseException:
        error = traceback.format_exc(limit=-1)
json.dump({"result": names.get("result"), "output": out.getvalue(), "error": error}, sys.stdout, default=str)
"#;

pub(super) fn types() -> Vec<NodeType> {
    let varies = |node_type: NodeType| node_type.varies();
    vec![
        NodeType::work(
            "RunCommandNode",
            Effect::Once,
            "Runs a program, if the run was started with --allow-commands. It sees no variables of the environment but PATH, HOME \
             and the language.",
            command,
        )
        .doubtful_if(|_| true)
        .needs("command", Kind::Text)
        .input("args", Kind::Any)
        .property("shell", Kind::Boolean, false)
        .property("timeout", Kind::Float, json!(60))
        .optional("working_dir", Kind::Text)
        .property("capture_output", Kind::Boolean, true)
        .property("allow_dangerous", Kind::Boolean, false)
        .output("stdout", Kind::Text)
        .output("stderr", Kind::Text)
        .output("return_code", Kind::Integer)
        .output("success", Kind::Boolean),
        NodeType::work(
            "RunPythonScriptNode",
            Effect::Once,
            "Runs a Python script with python3, if the run was started with --allow-commands: its variables are names in it, and \
             what it calls `result` is given.",
            python,
        )
        .doubtful_if(|_| true)
        .needs("code", Kind::Text)
        .input_or("variables", Kind::Dict, json!({}))
        .property("timeout", Kind::Float, json!(60))
        .property("isolated", Kind::Boolean, false)
        .key("script", "code")
        .output("result", Kind::Any)
        .output("output", Kind::Text)
        .output("success", Kind::Boolean)
        .output("error", Kind::Text),
        NodeType::work(
            "RunJavaScriptNode",
            Effect::Varies,
            "Runs a script in a box: JavaScript that knows `input_data` and nothing of the machine. `result` is what it returns, or \
             calls `result`, or what its last statement is; without one, what it wrote to the console. It may hold 64 MB, and \
             take `timeout` seconds.",
            javascript,
        )
        .needs("code", Kind::Text)
        .input("input_data", Kind::Any)
        .property("timeout", Kind::Float, json!(60))
        .optional("node_path", Kind::Text)
        .key("script", "code")
        .output("result", Kind::Any)
        .output("output", Kind::Text)
        .output("success", Kind::Boolean)
        .output("error", Kind::Text),
        varies(NodeType::compute(
            "EnvironmentVariableNode",
            "Reads a variable of the environment. To set one is refused: it would be forgotten by a crash; set a variable of the \
             workflow.",
            environment,
        ))
        .property("action", Kind::Choice(&["get", "set"]), "get")
        .needs("var_name", Kind::Text)
        .input("value", Kind::Text)
        .property("scope", Kind::Choice(&["process", "user", "system"]), "process")
        .output("result_value", Kind::Text)
        .output("exists", Kind::Boolean)
        .output("success", Kind::Boolean),
        varies(NodeType::compute(
            "SystemInfoNode",
            "What kind of machine this is: `info` has its system, processors and host name.",
            system,
        ))
        .property("info_type", Kind::Choice(&["all", "os", "cpu"]), "all")
        .output("info", Kind::Dict)
        .output("os_name", Kind::Text),
        NodeType::compute("Base64Node", "Writes a text as base64, or reads one.", base64)
            .property("action", Kind::Choice(&["encode", "decode"]), "encode")
            .input("input_text", Kind::Text)
            .output("output", Kind::Text)
            .output("success", Kind::Boolean),
        varies(NodeType::compute("UUIDGeneratorNode", "Makes UUIDs.", |call| {
            let count = call.integer("count").unwrap_or(1).clamp(1, 10_000);
            let uuids: Vec<String> = (0..count).map(|_| uuid::Uuid::new_v4().to_string()).collect();
            call.give("uuid", uuids.first().cloned().unwrap_or_default());
            call.give("uuids", uuids);
            call.give("success", true);
            Ok(())
        }))
        .property("uuid_version", Kind::Choice(&["4"]), "4")
        .property("count", Kind::Integer, 1)
        .output("uuid", Kind::Text)
        .output("uuids", Kind::List)
        .output("success", Kind::Boolean),
        NodeType::work(
            "LogToFileNode",
            Effect::Once,
            "Appends a line to a log file, once, whatever crashes.",
            log,
        )
        .intends(|work| {
            let mut found = files::length(work, "log_file_path")?;
            if let Value::Object(map) = &mut found {
                map.insert("time".to_owned(), host::now().strftime("%Y-%m-%d %H:%M:%S").to_string().into());
            }
            Ok(found)
        })
        .needs("log_file_path", Kind::Text)
        .needs("log_message", Kind::Text)
        .property("level", Kind::Choice(&["INFO", "DEBUG", "WARNING", "ERROR"]), "INFO")
        .property("append", Kind::Boolean, true)
        .property("add_timestamp", Kind::Boolean, true)
        .output("success", Kind::Boolean)
        .output("lines_written", Kind::Integer),
    ]
}

fn allowed(work: &Work) -> Result<(), Fault> {
    match work.host().allow_commands {
        true => Ok(()),
        false => Err(Fault::of(
            "PermissionError",
            "this run may not start programs; start it with --allow-commands if you trust the file",
        )),
    }
}

fn command(work: &mut Work) -> Result<(), Fault> {
    allowed(work)?;
    let folder = match work.text("working_dir").trim() {
        "" => work.file(".")?,
        _ => work.path("working_dir")?,
    };
    let arguments: Vec<String> = match work.get("args") {
        Some(Value::Array(list)) => list.iter().map(text).collect(),
        Some(Value::String(said)) => said.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let command = work.text("command");
    let program = match work.flag("shell") {
        true => Program::new(
            "sh",
            &[&["-c".to_owned(), command, "sh".to_owned()][..], &arguments].concat(),
        ),
        false => {
            let mut words = command.split_whitespace().map(str::to_owned);
            let name = words.next().unwrap_or_default();
            Program::new(
                &name,
                &[&words.collect::<Vec<_>>()[..], &arguments].concat(),
            )
        }
    };
    let ended = program.run(&folder, &[], work.patience("timeout", PATIENCE))?;
    work.give("stdout", ended.stdout);
    work.give("stderr", ended.stderr);
    work.give("return_code", ended.code);
    work.give("success", ended.code == 0);
    Ok(())
}

fn python(work: &mut Work) -> Result<(), Fault> {
    allowed(work)?;
    let given = json!({"code": work.text("code"), "variables": work.dict("variables")}).to_string();
    let program = Program::new(
        "python3",
        &["-I".to_owned(), "-c".to_owned(), PYTHON.to_owned()],
    );
    let ended = program.run(
        &work.file(".")?,
        given.as_bytes(),
        work.patience("timeout", PATIENCE),
    )?;
    let Ok(Value::Object(said)) = serde_json::from_str(&ended.stdout) else {
        return Err(Fault::of(
            "ScriptError",
            format!("python3 ended with {}: {}", ended.code, ended.stderr.trim()),
        ));
    };
    let part = |name: &str| said.get(name).cloned().unwrap_or_default();
    let error = part("error");
    work.give("result", part("result"));
    work.give("output", part("output"));
    work.give("success", error.is_null());
    work.give("error", if error.is_null() { "".into() } else { error });
    Ok(())
}

fn javascript(work: &mut Work) -> Result<(), Fault> {
    let patience = work.patience("timeout", PATIENCE);
    let input = work.get("input_data").cloned().unwrap_or_default();
    let (said, error) = match script::run(&work.text("code"), &input, patience) {
        Ok(said) => (Some(said), String::new()),
        Err(script::Stop::Thrown(error)) => (None, error),
        Err(script::Stop::Limit(fault)) => return Err(fault),
    };
    work.give("success", said.is_some());
    work.give("error", error);
    let (result, lines) = said.map_or_else(Default::default, |said| (said.result, said.lines));
    let output = lines.join("\n");
    let result = match result {
        Value::Null if !output.is_empty() => output.clone().into(),
        result => result,
    };
    work.give("result", result);
    work.give("output", output);
    Ok(())
}

fn environment(call: &mut Call<'_>) -> Result<(), Fault> {
    if call.text("action") == "set" {
        return Err(Fault::value(
            "a variable of the environment would be forgotten by a crash; use SetVariableNode",
        ));
    }
    let name = call.text("var_name");
    // Secrets have a way of their own, on which they are masked.
    let found = match name.starts_with("RPA_") {
        true => None,
        false => std::env::var(&name).ok(),
    };
    call.give("exists", found.is_some());
    call.give("result_value", found.unwrap_or_default());
    call.give("success", true);
    Ok(())
}

fn system(call: &mut Call<'_>) -> Result<(), Fault> {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let info = json!({
        "os": std::env::consts::OS, "architecture": std::env::consts::ARCH, "cpu_count": cpus, "hostname": host.trim(),
    });
    call.give("os_name", std::env::consts::OS);
    call.give("info", info);
    Ok(())
}

fn base64(call: &mut Call<'_>) -> Result<(), Fault> {
    let given = call.text("input_text");
    let output = match call.text("action").as_str() {
        "decode" => {
            let bytes = BASE64_STANDARD
                .decode(given.trim())
                .map_err(|error| Fault::value(format!("`input_text` is not base64: {error}")))?;
            String::from_utf8(bytes)
                .map_err(|_| Fault::value("what the base64 says is no text in UTF-8"))?
        }
        _ => BASE64_STANDARD.encode(given),
    };
    call.give("output", output);
    call.give("success", true);
    Ok(())
}

fn log(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("log_file_path")?;
    let mut line = format!("[{}] {}\n", work.text("level"), work.text("log_message"));
    if work.flag("add_timestamp") {
        let time = work.found("time").map(text).unwrap_or_default();
        line = format!("[{time}] {line}");
    }
    match work.flag("append") {
        true => files::append_at(work, "log_file_path", &path, line.as_bytes())?,
        false => files::write_whole(&path, line.as_bytes(), true)?,
    }
    work.give("success", true);
    work.give("lines_written", 1);
    Ok(())
}
