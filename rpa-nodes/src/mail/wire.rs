//! A connection that is read and written in lines, perhaps one that nobody else can read.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::fault::Fault;
use crate::tls;

/// A connection.
#[derive(Debug)]
pub(super) enum Wire {
    /// Anybody on the way can read it.
    Plain(TcpStream),
    /// Nobody can.
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    /// Connects to the first address of a host that answers.
    pub(super) fn connect(host: &str, port: u16, patience: Duration) -> io::Result<Self> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, patience) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(patience))?;
                    stream.set_write_timeout(Some(patience))?;
                    stream.set_nodelay(true)?;
                    return Ok(Self::Plain(stream));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// From now on nobody else can read it.
    pub(super) fn secure(self, host: &str) -> Result<Self, Fault> {
        let Self::Plain(stream) = self else {
            return Ok(self);
        };
        let failed = |error: String| Fault::of("SSLError", format!("TLS with {host}: {error}"));
        let name = ServerName::try_from(host.to_owned()).map_err(|it| failed(it.to_string()))?;
        let connection = ClientConnection::new(tls::config()?, name);
        let connection = connection.map_err(|error| failed(error.to_string()))?;
        let mut stream = StreamOwned::new(connection, stream);
        // Who is there is known before anything is said.
        while stream.conn.is_handshaking() {
            let done = stream.conn.complete_io(&mut stream.sock);
            done.map_err(|error| failed(error.to_string()))?;
        }
        Ok(Self::Tls(Box::new(stream)))
    }

    pub(super) fn is_secure(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(from),
            Self::Tls(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
