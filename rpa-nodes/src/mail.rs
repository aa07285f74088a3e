//! Mail: how it is written and sent, and what there is in the folders of an IMAP server.
//!
//! Each visit of a node has a connection of its own, so nothing has to be opened again after a crash.

mod account;
mod folder;
mod imap;
mod letter;
mod read;
mod smtp;
mod wire;

pub(crate) use self::account::Account;
pub(crate) use self::imap::{Line, Mailbox, Stored, criteria};
pub(crate) use self::letter::{Enclosed, Letter, message_id, one_line, people};
pub(crate) use self::read::{attachments, content};
pub(crate) use self::smtp::{Server, Wrapping};
