//! Connections that are open in this process.

use std::fmt;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use suppaftp::types::FileType;
use suppaftp::{FtpError, FtpResult, Mode, RustlsConnector, RustlsFtpStream, Status};

use super::FtpPlace;
use crate::fault::Fault;
use crate::tls;
use crate::value::{Object, read_integer, read_number, text, truth};

/// How long a server may take for an answer, unless the workflow says.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many connections stay open that nobody uses. Runs that end without a disconnect leave theirs behind.
const MOST: usize = 8;

/// Connections that no visit uses at the moment, by what they belong to; the one last that was used last.
#[derive(Debug, Default)]
pub(crate) struct Idle(Mutex<Vec<(String, Connection)>>);

/// A connection to an FTP server that let somebody in.
pub(crate) struct Connection {
    pub(super) stream: RustlsFtpStream,
    place: String,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.place).finish()
    }
}

impl Idle {
    fn lock(&self) -> MutexGuard<'_, Vec<(String, Connection)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the connection of a run; if it is not open any more, it is opened again.
    ///
    /// # Errors
    /// The server cannot be reached, or lets nobody in.
    pub(crate) fn take(&self, place: &FtpPlace) -> Result<Connection, Fault> {
        if let Some(mut connection) = self.find(&place.id)
            // Servers end what nobody uses for some minutes.
            && connection.stream.noop().is_ok()
        {
            return Ok(connection);
        }
        Connection::open(&place.settings)
    }

    fn find(&self, id: &str) -> Option<Connection> {
        let mut idle = self.lock();
        let found = idle.iter().position(|(known, _)| known == id)?;
        Some(idle.remove(found).1)
    }

    /// Gives back a connection on which nothing failed.
    pub(crate) fn keep(&self, id: &str, connection: Connection) {
        let mut idle = self.lock();
        idle.push((id.to_owned(), connection));
        if idle.len() > MOST {
            idle.remove(0);
        }
    }

    /// Ends a connection in order, if it is open.
    pub(crate) fn close(&self, id: &str) {
        if let Some(mut connection) = self.find(id)
            && let Err(error) = connection.stream.quit()
        {
            tracing::debug!(%error, "an FTP server did not say good-bye");
        }
    }
}

impl Connection {
    /// Connects and logs in.
    ///
    /// # Errors
    /// The server cannot be reached, or lets nobody in.
    pub(crate) fn open(settings: &Object) -> Result<Self, Fault> {
        let said = |name: &str| settings.get(name).map(text).unwrap_or_default();
        let host = said("host").trim().to_owned();
        let port = settings.get("port").and_then(read_integer).unwrap_or(21);
        let port = u16::try_from(port).map_err(|_| Fault::value(format!("{port} is no port")))?;
        let place = format!("{host}:{port}");
        for name in ["username", "password"] {
            one_line(name, &said(name))?;
        }
        let patience = settings.get("timeout").and_then(read_number);
        let patience = patience
            .filter(|seconds| *seconds > 0.0)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .unwrap_or(PATIENCE);
        let reached = reach(&host, port, patience).and_then(RustlsFtpStream::connect_with_stream);
        let mut stream = reached.map_err(|error| {
            let mut fault = fault(&place, &error);
            fault.message += "; check `host` and `port`";
            fault
        })?;
        // Behind a firewall servers name addresses that only they know.
        stream.set_passive_nat_workaround(true);
        stream = stream.passive_stream_builder(move |address| patient(address, patience));
        if settings
            .get("passive")
            .is_some_and(|passive| !truth(passive))
        {
            stream = stream.active_mode(patience);
        } else if host.contains(':') {
            // The older way knows no such addresses.
            stream.set_mode(Mode::ExtendedPassive);
        }
        if settings.get("use_tls").is_some_and(truth) {
            let connector = RustlsConnector::from(tls::config()?);
            let secured = stream.into_secure(connector, &host);
            stream = secured.map_err(|error| {
                let mut fault = fault(&place, &error);
                fault.error_type = "SSLError".to_owned();
                fault
            })?;
        }
        stream
            .login(said("username"), said("password"))
            .map_err(|error| {
                let mut fault = fault(&place, &error);
                if matches!(error, FtpError::UnexpectedResponse(_)) {
                    fault.error_type = "AuthenticationError".to_owned();
                    fault.message += "; check `username` and `password`";
                }
                fault
            })?;
        let mut connection = Self { stream, place };
        connection.ask(|stream| stream.transfer_type(FileType::Binary))?;
        Ok(connection)
    }

    /// What the server said first.
    pub(crate) fn greeting(&self) -> String {
        let greeting = self.stream.get_welcome_msg().unwrap_or_default();
        greeting.trim().to_owned()
    }

    /// Does something; what fails is a failure of this server.
    pub(crate) fn ask<T>(
        &mut self,
        act: impl FnOnce(&mut RustlsFtpStream) -> FtpResult<T>,
    ) -> Result<T, Fault> {
        act(&mut self.stream).map_err(|error| fault(&self.place, &error))
    }

    /// The same with a path, which is told when it fails.
    pub(crate) fn ask_about<T>(
        &mut self,
        what: &str,
        path: &str,
        act: impl FnOnce(&mut RustlsFtpStream) -> FtpResult<T>,
    ) -> Result<T, Fault> {
        one_line("path", path)?;
        let done = self.ask(act);
        done.map_err(|fault| Fault {
            message: format!("cannot {what} `{path}`: {}", fault.message),
            ..fault
        })
    }
}

fn reach(host: &str, port: u16, patience: Duration) -> FtpResult<TcpStream> {
    let addresses = (host, port).to_socket_addrs();
    let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the host has no address");
    for address in addresses.map_err(FtpError::ConnectionError)? {
        match patient(address, patience) {
            Err(FtpError::ConnectionError(error)) => last = error,
            reached => return reached,
        }
    }
    Err(FtpError::ConnectionError(last))
}

/// Connects, and does not wait for ever for what is said then.
fn patient(address: SocketAddr, patience: Duration) -> FtpResult<TcpStream> {
    let connected = TcpStream::connect_timeout(&address, patience).and_then(|stream| {
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(stream)
    });
    connected.map_err(FtpError::ConnectionError)
}

/// Commands are lines: with a line break, a path would be several of them.
fn one_line(name: &str, said: &str) -> Result<(), Fault> {
    match said
        .chars()
        .any(|letter| matches!(letter, '\r' | '\n' | '\0'))
    {
        false => Ok(()),
        true => Err(Fault::value(format!(
            "`{name}` holds a line break, which could be another command to the server; remove it"
        ))),
    }
}

/// Whether a server says that there is no such thing, or that it may not be touched.
pub(super) fn is_refused(error: &FtpError) -> bool {
    matches!(error, FtpError::UnexpectedResponse(answer) if matches!(
        answer.status,
        Status::FileUnavailable | Status::RequestFileActionIgnored | Status::BadFilename
    ))
}

fn fault(place: &str, error: &FtpError) -> Fault {
    use std::io::ErrorKind;
    let (class, reason) = match error {
        FtpError::ConnectionError(error) => (
            match error.kind() {
                ErrorKind::TimedOut | ErrorKind::WouldBlock => "TimeoutError",
                _ => "ConnectionError",
            },
            error.to_string(),
        ),
        FtpError::SecureError(reason) => ("SSLError", reason.clone()),
        FtpError::UnexpectedResponse(answer) => {
            let said = String::from_utf8_lossy(&answer.body);
            ("FTPError", said.trim().to_owned())
        }
        error => ("FTPError", error.to_string()),
    };
    Fault::of(class, format!("the FTP server {place}: {reason}"))
}
