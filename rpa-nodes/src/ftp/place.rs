//! What is recorded of a connection, so that another process can open it again.

use serde::{Deserialize, Serialize};

use crate::value::Object;

/// An FTP server that a run is connected to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FtpPlace {
    /// What tells the connection from others: the visit that opened it, `RUN/NODE/VISIT`.
    pub id: String,
    /// What it was opened with. A password that is a secret has its mark here.
    pub settings: Object,
}
