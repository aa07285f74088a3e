//! FTP servers that workflows work on.
//!
//! A connection belongs to the branch of a run that opened it, as variables do. What is recorded is how it was opened
//! ([`FtpPlace`]); the connection itself is open between visits only as long as nothing crashes, and is opened again when the
//! next node needs it.

#[cfg(feature = "ftp")]
mod look;
#[cfg(feature = "ftp")]
mod open;
mod place;
#[cfg(feature = "ftp")]
mod transfer;

#[cfg(feature = "ftp")]
pub(crate) use self::look::Entry;
#[cfg(feature = "ftp")]
pub(crate) use self::open::{Connection, Idle};
pub use self::place::FtpPlace;
#[cfg(feature = "ftp")]
pub(crate) use self::transfer::folder;
