//! Work that takes 10 ms.

use std::hash::{DefaultHasher, Hasher as _};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::meter::processor_time;

const LENGTH: Duration = Duration::from_millis(10);

/// Somebody else who needs 10 ms for each answer, and the connection to them.
///
/// No timer of the runtime: it knows whole milliseconds only, and what a step costs would vanish in them.
#[derive(Debug, Clone)]
pub(super) struct Upstream(Arc<Mutex<TcpStream>>);

impl Upstream {
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = listener.local_addr()?;
        std::thread::spawn(move || answer(&listener));
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(Arc::new(Mutex::new(stream))))
    }

    pub(super) async fn ask(&self) -> Result<()> {
        let mut stream = self.0.lock().await;
        stream.write_all(b"?").await?;
        stream.read_exact(&mut [0]).await?;
        Ok(())
    }
}

/// Answers until the one who asks is gone.
fn answer(listener: &TcpListener) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    loop {
        stream.read_exact(&mut [0])?;
        std::thread::sleep(LENGTH);
        stream.write_all(b"!")?;
    }
}

/// So many rounds of hashing.
pub(super) fn compute(rounds: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    for round in 0..rounds {
        hasher.write_u64(std::hint::black_box(round));
    }
    hasher.finish()
}

/// How many rounds take 10 ms of a processor. The time of day would count what others do meanwhile.
pub(super) fn calibrate() -> u64 {
    const ROUNDS: u64 = 1_000_000;
    let once = || {
        let begin = processor_time();
        std::hint::black_box(compute(ROUNDS));
        processor_time().saturating_sub(begin)
    };
    let fastest = (0..20).map(|_| once()).min().unwrap_or(LENGTH);
    let rounds = u128::from(ROUNDS) * LENGTH.as_nanos() / fastest.as_nanos().max(1);
    u64::try_from(rounds).unwrap_or(ROUNDS)
}
