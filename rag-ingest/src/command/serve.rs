//! Answering other programs: over HTTP, and as tools of an agent.

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use tokio::io::BufReader;
use tokio::net::TcpListener;

use super::Shared;
use crate::collection::Collection;
use crate::run::interrupted;
use crate::search::Searcher;
use crate::service::{Service, http, mcp};

/// What `serve` takes.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The address to listen at. Anybody who reaches it can read all documents.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 8765)]
    port: u16,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// What `mcp` takes.
#[derive(Debug, Args)]
pub(super) struct Mcp {
    #[command(flatten)]
    pub(super) shared: Shared,
}

async fn service(shared: &Shared) -> Result<Arc<Service>> {
    let embedder = shared.embedding.choice()?;
    let collection = Collection::open_existing(&shared.db).await?;
    let embedder = embedder.open_for::<anyhow::Error>(&collection).await?;
    let searcher = Searcher::new(collection, embedder);
    Ok(Arc::new(Service::new(searcher, shared.collection.clone())))
}

/// Answers over HTTP until the program is asked to end. The first line that is printed tells where.
pub(super) async fn serve(options: &Serve) -> Result<ExitCode> {
    let service = service(&options.shared).await?;
    let address = SocketAddr::new(options.host, options.port);
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen at {address}; name another with --host and --port")
    })?;
    println!("http://{}", listener.local_addr()?);
    let served = http::serve(listener, Arc::clone(&service), interrupted()).await;
    service.close().await;
    served?;
    Ok(ExitCode::SUCCESS)
}

/// Answers on standard input and output until the input ends or the program is asked to end.
pub(super) async fn mcp(options: &Mcp) -> Result<ExitCode> {
    let service = service(&options.shared).await?;
    let input = BufReader::new(tokio::io::stdin());
    let served = tokio::select! {
        served = mcp::serve(Arc::clone(&service), input, tokio::io::stdout()) => served,
        () = interrupted() => Ok(()),
    };
    service.close().await;
    served.context("the agent cannot be talked to")?;
    Ok(ExitCode::SUCCESS)
}
