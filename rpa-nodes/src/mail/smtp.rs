//! How mail is sent.

use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};

use crate::fault::Fault;

/// A server that takes mail.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Nobody logs in without a name.
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) wrapping: Wrapping,
    /// How long it may take for an answer.
    pub(crate) patience: Duration,
}

/// Who can read what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrapping {
    /// Anybody on the way.
    Plain,
    /// Nobody, after a few words (STARTTLS).
    Later,
    /// Nobody, from the first byte on.
    Always,
}

/// Why a mail was not sent.
#[derive(Debug)]
pub(crate) struct Unsent {
    pub(crate) fault: Fault,
    /// Whether it is sure that the server did not take it, and may take it the next time.
    pub(crate) may_pass: bool,
}

impl Server {
    /// Sends a mail to all whom it goes to, or to nobody.
    ///
    /// # Errors
    /// The server cannot be reached, lets nobody in, or does not take it.
    pub(crate) fn send(&self, message: &Message) -> Result<(), Unsent> {
        let early = |error: Error| Unsent {
            may_pass: !(error.is_permanent() || error.is_client() || is_tls(&error)),
            fault: self.fault(&error),
        };
        let mut connection = self.connect().map_err(early)?;
        self.log_in(&mut connection)?;
        let written = message.formatted();
        let envelope = message.envelope();
        let knows = |connection: &SmtpConnection, extension| {
            connection.server_info().supports_feature(extension)
        };
        let mut parameters = Vec::new();
        if !written.is_ascii() && knows(&connection, Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let mut people = envelope.to().iter().chain(envelope.from());
        if people.any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
            if !knows(&connection, Extension::SmtpUtfEight) {
                connection.abort();
                return Err(Unsent {
                    fault: Fault::value(format!(
                        "the SMTP server {} takes only addresses of ASCII letters",
                        self.place()
                    )),
                    may_pass: false,
                });
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let mut announced = connection.command(Mail::new(envelope.from().cloned(), parameters));
        for person in envelope.to() {
            announced =
                announced.and_then(|_| connection.command(Rcpt::new(person.clone(), vec![])));
        }
        let announced = announced.and_then(|_| connection.command(Data));
        if let Err(error) = announced {
            connection.abort();
            return Err(early(error));
        }
        if let Err(error) = connection.message(&written) {
            connection.abort();
            // Without an answer it may have been taken.
            return Err(Unsent {
                may_pass: error.is_transient(),
                fault: self.fault(&error),
            });
        }
        // It is sent, whatever becomes of the connection.
        if let Err(error) = connection.quit() {
            tracing::debug!(%error, "an SMTP server did not say good-bye");
        }
        Ok(())
    }

    fn connect(&self) -> Result<SmtpConnection, Error> {
        let hello = ClientId::default();
        let address = (self.host.as_str(), self.port);
        let tls = match self.wrapping {
            Wrapping::Plain => None,
            _ => Some(TlsParameters::new(self.host.clone())?),
        };
        let at_once = tls.as_ref().filter(|_| self.wrapping == Wrapping::Always);
        let patience = Some(self.patience);
        let mut connection = SmtpConnection::connect(address, patience, &hello, at_once, None)?;
        if let (Wrapping::Later, Some(tls)) = (self.wrapping, &tls) {
            connection.starttls(tls, &hello)?;
        }
        Ok(connection)
    }

    fn log_in(&self, connection: &mut SmtpConnection) -> Result<(), Unsent> {
        if self.username.is_empty() {
            return Ok(());
        }
        let credentials = Credentials::new(self.username.clone(), self.password.clone());
        let done = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
        done.map(drop).map_err(|error| {
            connection.abort();
            let mut fault = self.fault(&error);
            if error.is_permanent() || error.is_client() {
                fault.error_type = "AuthenticationError".to_owned();
                fault.message += "; check `username` and `password`, or whether the account wants a password for programs";
            }
            Unsent {
                may_pass: error.is_transient(),
                fault,
            }
        })
    }

    fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn fault(&self, error: &Error) -> Fault {
        let (class, advice) = match error {
            error if is_tls(error) => (
                "SSLError",
                "; set `use_ssl` where the server speaks TLS from the first byte on, `use_tls` for STARTTLS",
            ),
            error if error.is_permanent() || error.is_transient() => ("EmailError", ""),
            error if error.is_timeout() => {
                ("TimeoutError", "; check `smtp_server` and `smtp_port`")
            }
            error if error.is_client() => ("EmailError", ""),
            _ => ("ConnectionError", "; check `smtp_server` and `smtp_port`"),
        };
        let message = format!("the SMTP server {}: {error}{advice}", self.place());
        Fault::of(class, message)
    }
}

/// Whether no TLS could be agreed on. That somebody does not trust the server shows only when the first words are read.
fn is_tls(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    let broken = source.and_then(|source| source.downcast_ref::<std::io::Error>());
    error.is_tls()
        || broken
            .and_then(std::io::Error::get_ref)
            .is_some_and(|inner| inner.is::<rustls::Error>())
}
