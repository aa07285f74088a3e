use std::time::Duration;

/// Where an IMAP server is, and how to get in.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) username: String,
    pub(crate) password: String,
    /// Whether nobody else can read it from the first byte on. Else it becomes so if the server asks for that.
    pub(crate) is_secure: bool,
    /// How long the server may take for an answer.
    pub(crate) patience: Duration,
}
