//! What durability costs: a workflow of many nodes, run durably and with `--ephemeral`, by turns.
//!
//! `cargo run --release -p rpa-nodes --example overhead -- --db sqlite://bench.db`

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::{Parser, ValueEnum};
use durable_runtime::Durable;
use rpa_nodes::run::{Request, run_document, run_ephemeral};
use rpa_nodes::{Host, document};
use serde_json::{Map, json};

/// How long a node of real work takes.
const LENGTH: Duration = Duration::from_millis(10);

/// Runs a workflow of N nodes durably and without a database, by turns, and prints a line of JSON for each kind of node:
/// the medians, and how much more the one takes than the other.
#[derive(Debug, Parser)]
struct Arguments {
    /// The database: sqlite://FILE or postgres://USER@HOST/NAME.
    #[arg(long, value_name = "URL")]
    db: String,
    /// How many nodes the workflow has.
    #[arg(long, default_value_t = 100)]
    nodes: usize,
    /// How often each is run.
    #[arg(long, default_value_t = 21)]
    turns: usize,
    /// What the nodes do; all of these, one after the other, unless given.
    #[arg(long, value_enum)]
    kind: Vec<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// They set a variable.
    Noop,
    /// They get a page from a server of this machine that takes 10 ms.
    Get,
    /// They post to it: what is not to happen twice is recorded before and behind.
    Post,
    /// They append a line to a file, then get a page.
    Append,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    if arguments.kind.is_empty() {
        arguments.kind = vec![Kind::Noop, Kind::Get, Kind::Append, Kind::Post];
    }
    let address = serve()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(&arguments, address))
}

async fn measure(arguments: &Arguments, address: SocketAddr) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("rpa-overhead-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let host = Host::default();
    let durable = Durable::open(&arguments.db)
        .application("rpa-overhead")
        .register::<run_document>()
        .state(host.clone())
        .launch()
        .await?;
    for kind in &arguments.kind {
        let request = request(*kind, arguments.nodes, address, &folder)?;
        let (mut with, mut without) = (Vec::new(), Vec::new());
        // The first turn warms both up.
        for turn in 0..=arguments.turns {
            let durably = async {
                let begin = Instant::now();
                let report = run_document(&durable, request.clone()).await?;
                ensure!(report.success, "{:?}", report.error);
                anyhow::Ok(begin.elapsed())
            };
            let plainly = async {
                let begin = Instant::now();
                let result = run_ephemeral(&request, &host).await?;
                ensure!(result.success, "{:?}", result.error);
                anyhow::Ok(begin.elapsed())
            };
            // Neither is always the first.
            let (durably, plainly) = match turn % 2 {
                0 => (durably.await?, plainly.await?),
                _ => {
                    let plainly = plainly.await?;
                    (durably.await?, plainly)
                }
            };
            if turn > 0 {
                with.push(durably);
                without.push(plainly);
            }
        }
        let (with, without) = (median(with)?, median(without)?);
        let line = json!({
            "work": "rpa",
            "kind": format!("{kind:?}").to_lowercase(),
            "store": arguments.db.split(':').next(),
            "nodes": arguments.nodes,
            "turns": arguments.turns,
            "durable_ms": milliseconds(with),
            "ephemeral_ms": milliseconds(without),
            "node_us": (milliseconds(with) - milliseconds(without)) * 1e3 / arguments.nodes as f64,
            "percent": (with.as_secs_f64() / without.as_secs_f64() - 1.0) * 100.0,
        });
        println!("{line}");
    }
    durable.shutdown(Duration::from_secs(2)).await;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// A workflow of so many nodes, one behind the other.
fn request(
    kind: Kind,
    count: usize,
    address: SocketAddr,
    folder: &Path,
) -> anyhow::Result<Request> {
    let mut nodes = Map::new();
    let start = json!({"node_id": "start", "node_type": "StartNode", "config": {}});
    nodes.insert("start".to_owned(), start);
    let mut connections = Vec::new();
    let mut before = "start".to_owned();
    for number in 1..count {
        let id = format!("n{number}");
        let url = format!("http://{address}/");
        let (node_type, config) = match kind {
            Kind::Noop => (
                "SetVariableNode",
                json!({"variable_name": "x", "value": number}),
            ),
            Kind::Append if number % 2 == 1 => (
                "AppendFileNode",
                json!({"file_path": "out.txt", "content": "line\n"}),
            ),
            Kind::Get | Kind::Append => ("HttpRequestNode", json!({"url": url, "method": "GET"})),
            Kind::Post => (
                "HttpRequestNode",
                json!({"url": url, "method": "POST", "body": "x"}),
            ),
        };
        let node = json!({"node_id": id, "node_type": node_type, "config": config});
        nodes.insert(id.clone(), node);
        connections.push(json!({
            "source_node": before, "source_port": "exec_out", "target_node": id, "target_port": "exec_in",
        }));
        before = id;
    }
    let text =
        json!({"metadata": {"name": "Overhead"}, "nodes": nodes, "connections": connections});
    let loaded = document::load(&text.to_string())?;
    Ok(Request::new(&loaded.workflow, &Default::default(), folder)?)
}

/// A server that takes 10 ms for each answer.
fn serve() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    Ok(address)
}

/// Answers all requests of a connection.
fn answer(stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_lowercase();
            if let Some(said) = line.strip_prefix("content-length:") {
                length = said.trim().parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        std::io::Read::read_exact(&mut reader, &mut body)?;
        std::thread::sleep(LENGTH);
        writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
    }
}

fn median(mut times: Vec<Duration>) -> anyhow::Result<Duration> {
    times.sort();
    let middle = times.get(times.len() / 2).copied();
    middle.context("there was no turn")
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
