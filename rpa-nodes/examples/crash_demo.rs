//! A run that is killed in the middle and goes on: `cargo run -p rpa-nodes --example crash_demo`.
//!
//! The example starts itself twice to run one workflow. The first process is killed with SIGKILL after some visits. The
//! second one goes on: finished visits are not made again, and the file that both append to has each line once.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use rpa_nodes::run::{Request, RunOptions, run};
use rpa_nodes::{Host, document};

/// Writes five orders into a file, with a rest after each.
const WORKFLOW: &str = r#"{
    "metadata": {"name": "Orders"},
    "nodes": {
        "start": {"node_id": "start", "node_type": "StartNode", "config": {}},
        "orders": {"node_id": "orders", "node_type": "ForLoopStartNode",
                   "config": {"items": ["apples", "bread", "cheese", "dates", "eggs"], "item_var": "order"}},
        "append": {"node_id": "append", "node_type": "AppendFileNode",
                   "config": {"file_path": "orders.txt", "content": "{{order_index}} {{order}}\n"}},
        "rest": {"node_id": "rest", "node_type": "WaitNode", "config": {"duration": 0.1}},
        "end": {"node_id": "end", "node_type": "ForLoopEndNode", "config": {"paired_start_id": "orders"}}
    },
    "connections": [
        {"source_node": "start", "source_port": "exec_out", "target_node": "orders", "target_port": "exec_in"},
        {"source_node": "orders", "source_port": "body", "target_node": "append", "target_port": "exec_in"},
        {"source_node": "append", "source_port": "exec_out", "target_node": "rest", "target_port": "exec_in"},
        {"source_node": "rest", "source_port": "exec_out", "target_node": "end", "target_port": "exec_in"}
    ]
}"#;

/// Visits that the first process gets done.
const BEFORE_THE_CRASH: usize = 9;

fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1) {
        Some(folder) => run_in(Path::new(&folder)),
        None => demonstrate(),
    }
}

/// What each of the two processes does.
fn run_in(folder: &Path) -> anyhow::Result<()> {
    let loaded = document::load(WORKFLOW)?;
    let options = RunOptions {
        request: Request::new(&loaded.workflow, &Default::default(), folder)?,
        id: "crash-demo".to_owned(),
        db: format!("sqlite://{}", folder.join("rpa.db").display()),
        host: Host::tracing(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(run(options))?;
    println!(
        "success: {}, visits: {}, recovered: {}",
        result.success, result.executed_nodes, result.recovered
    );
    Ok(())
}

fn demonstrate() -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("crash-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    println!("the first process:");
    let mut first = start(&folder)?;
    show(&mut first, BEFORE_THE_CRASH)?;
    first.kill()?;
    first.wait()?;
    println!("killed with SIGKILL; the second process:");
    let mut second = start(&folder)?;
    show(&mut second, usize::MAX)?;
    second.wait()?;
    println!("orders.txt:");
    print!("{}", std::fs::read_to_string(folder.join("orders.txt"))?);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn start(folder: &Path) -> anyhow::Result<Child> {
    let started = Command::new(std::env::current_exe()?)
        .arg(folder)
        .stderr(Stdio::piped())
        .spawn();
    started.context("cannot start the example again")
}

/// Shows so many lines of what a process tells of its visits.
fn show(process: &mut Child, count: usize) -> anyhow::Result<()> {
    let told = process.stderr.take().context("nothing is told")?;
    for line in BufReader::new(told).lines().take(count) {
        println!("  {}", line?);
    }
    Ok(())
}
