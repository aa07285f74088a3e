//! Nodes that work on an FTP server.
//!
//! **After a crash** the connection is gone; the next node opens it again as it was opened first. A file is uploaded under
//! another name and then gets its own, so it is there as a whole, or as it was. Nodes that delete, rename and create look first what
//! there is, so that the second time they know what was done.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::files::{length, write_from};
use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::ftp::{Connection, Entry, FtpPlace, folder};
use crate::value::Object;
use crate::visit::Work;

/// What a connection is opened with.
const SETTINGS: [&str; 7] = [
    "host", "port", "username", "password", "passive", "timeout", "use_tls",
];

pub(super) fn types() -> Vec<NodeType> {
    let again = |node_type: NodeType| {
        node_type
            .property("retry_count", Kind::Integer, 0)
            .property("retry_interval", Kind::Integer, 2000)
    };
    let remote = |node_type: NodeType| {
        node_type
            .needs("remote_path", Kind::Text)
            .key("path", "remote_path")
    };
    let transfers = |node_type: NodeType| {
        again(remote(node_type))
            .needs("local_path", Kind::Text)
            .property("binary_mode", Kind::Boolean, true)
    };
    let once = |name, summary, body| {
        NodeType::work(name, Effect::Once, summary, body)
            .intends(|work| Ok(json!({"there": there(work, "remote_path")?})))
    };
    vec![
        again(NodeType::work(
            "FTPConnectNode",
            Effect::Reads,
            "Connects to an FTP server. What follows works on it, in the same branch and in subflows, also when the run goes on \
             after a crash. With `use_tls` nobody else can read along.",
            connect,
        ))
        .needs("host", Kind::Text)
        .input_or("port", Kind::Integer, 21)
        .needs("username", Kind::Text)
        .needs("password", Kind::Text)
        .property("passive", Kind::Boolean, true)
        .property("timeout", Kind::Integer, 30)
        .property("use_tls", Kind::Boolean, false)
        .output("connected", Kind::Boolean)
        .output("server_message", Kind::Text),
        transfers(NodeType::work(
            "FTPUploadNode",
            Effect::Writes,
            "Uploads a file: on the server it is there as a whole, or as it was.",
            upload,
        ))
        .property("create_dirs", Kind::Boolean, false)
        .output("uploaded", Kind::Boolean)
        .output("bytes_sent", Kind::Integer),
        transfers(NodeType::work(
            "FTPDownloadNode",
            Effect::Writes,
            "Downloads a file: it is there as a whole, or as it was.",
            download,
        ))
        .intends(|work| length(work, "local_path"))
        .property("overwrite", Kind::Boolean, false)
        .output("downloaded", Kind::Boolean)
        .output("bytes_received", Kind::Integer),
        NodeType::work(
            "FTPListNode",
            Effect::Reads,
            "Lists a folder, sorted by name: names, or with `detailed` dicts of name, type, is_dir, size and modified.",
            list,
        )
        .input_or("remote_path", Kind::Text, ".")
        .key("path", "remote_path")
        .property("detailed", Kind::Boolean, false)
        .output("items", Kind::List)
        .output("count", Kind::Integer),
        remote(once("FTPDeleteNode", "Deletes a file.", |work| {
            remove(work, "delete", "deleted", |connection, path| {
                connection.ask_about("delete", path, |stream| stream.rm(path))
            })
        }))
        .output("deleted", Kind::Boolean),
        remote(once("FTPMakeDirNode", "Creates a folder.", make_folder))
            .property("parents", Kind::Boolean, false)
            .output("created", Kind::Boolean),
        remote(once("FTPRemoveDirNode", "Removes an empty folder.", |work| {
            remove(work, "remove", "removed", |connection, path| {
                connection.ask_about("remove", path, |stream| stream.rmdir(path))
            })
        }))
        .output("removed", Kind::Boolean),
        NodeType::work(
            "FTPRenameNode",
            Effect::Once,
            "Renames or moves a file or a folder.",
            rename,
        )
        .intends(|work| {
            Ok(json!({"there": there(work, "old_path")?, "taken": there(work, "new_path")?}))
        })
        .needs("old_path", Kind::Text)
        .needs("new_path", Kind::Text)
        .output("renamed", Kind::Boolean),
        NodeType::work(
            "FTPDisconnectNode",
            Effect::Reads,
            "The server is not needed any more.",
            disconnect,
        )
        .output("disconnected", Kind::Boolean),
        remote(NodeType::work(
            "FTPGetSizeNode",
            Effect::Reads,
            "The size of a file in bytes, and whether there is one.",
            size,
        ))
        .output("size", Kind::Integer)
        .output("found", Kind::Boolean),
    ]
}

/// The connection of the branch, lent to what is to be done. One on which something failed is not used again.
fn on<T>(work: &Work, act: impl FnOnce(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
    let Some(place) = work.ftp() else {
        return Err(Fault::of(
            "ConnectionError",
            "there is no connection to an FTP server; put an FTPConnectNode before this node",
        ));
    };
    let idle = &work.host().ftp;
    let mut connection = idle.take(place)?;
    let done = act(&mut connection)?;
    idle.keep(&place.id, connection);
    Ok(done)
}

/// Does it again as often as the node says, when the server could not be reached or broke off.
fn again<T>(work: &mut Work, mut act: impl FnMut(&Work) -> Result<T, Fault>) -> Result<T, Fault> {
    let mut left = work.integer("retry_count").unwrap_or(0);
    let pause = work.integer("retry_interval").unwrap_or(2000);
    let pause = Duration::from_millis(u64::try_from(pause).unwrap_or(0).min(3_600_000));
    loop {
        match act(work) {
            Err(fault)
                if left > 0
                    && matches!(
                        fault.error_type.as_str(),
                        "ConnectionError" | "TimeoutError"
                    ) =>
            {
                work.warn(format!("tried again after: {fault}"));
                left -= 1;
                std::thread::sleep(pause);
            }
            done => return done,
        }
    }
}

fn connect(work: &mut Work) -> Result<(), Fault> {
    let settings: Object = SETTINGS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), work.get(name)?.clone())))
        .collect();
    let connection = again(work, |_| Connection::open(&settings))?;
    work.give("connected", true);
    work.give("server_message", connection.greeting());
    let place = FtpPlace {
        id: work.key().to_owned(),
        settings,
    };
    let idle = &work.host().ftp;
    if let Some(before) = work.ftp() {
        idle.close(&before.id);
    }
    idle.keep(&place.id, connection);
    work.connect_ftp(Some(place));
    Ok(())
}

fn disconnect(work: &mut Work) -> Result<(), Fault> {
    if let Some(place) = work.ftp() {
        work.host().ftp.close(&place.id);
    }
    work.connect_ftp(None);
    work.give("disconnected", true);
    Ok(())
}

fn upload(work: &mut Work) -> Result<(), Fault> {
    let (file, path) = (work.path("local_path")?, work.text("remote_path"));
    let is_text = !work.flag("binary_mode");
    let sent = again(work, |work| {
        on(work, |connection| {
            if let Some(folder) = folder(&path).filter(|_| work.flag("create_dirs")) {
                connection.create_all(folder)?;
            }
            connection.upload(&file, &path, is_text)
        })
    })?;
    work.give("uploaded", true);
    work.give("bytes_sent", sent);
    Ok(())
}

fn download(work: &mut Work) -> Result<(), Fault> {
    let (file, path) = (work.path("local_path")?, work.text("remote_path"));
    let is_text = !work.flag("binary_mode");
    let was_there = work.found("local_path").is_some_and(|it| !it.is_null());
    if was_there && !work.flag("overwrite") {
        let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(Fault::file("download to", &file, &exists));
    }
    let received = again(work, |work| {
        on(work, |connection| {
            connection.download(&path, is_text, |content| write_from(&file, content, true))
        })
    })?;
    work.give("downloaded", true);
    work.give("bytes_received", received);
    Ok(())
}

fn list(work: &mut Work) -> Result<(), Fault> {
    let path = work.text("remote_path");
    let entries = on(work, |connection| connection.list(&path))?;
    let is_detailed = work.flag("detailed");
    let items = entries.iter().map(|entry| match is_detailed {
        true => detailed(entry),
        false => entry.name.clone().into(),
    });
    work.give("items", items.collect::<Vec<Value>>());
    work.give("count", entries.len());
    Ok(())
}

fn detailed(entry: &Entry) -> Value {
    let modified = entry.modified.and_then(|time| {
        let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
        let moment = jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
        Some(moment.to_string())
    });
    json!({
        "name": entry.name,
        "type": if entry.is_folder { "dir" } else { "file" },
        "is_dir": entry.is_folder,
        "size": entry.size,
        "modified": modified.unwrap_or_default(),
    })
}

fn size(work: &mut Work) -> Result<(), Fault> {
    let path = work.text("remote_path");
    let size = on(work, |connection| connection.size(&path))?;
    work.give("size", size.unwrap_or(0));
    work.give("found", size.is_some());
    Ok(())
}

/// Whether something is there.
fn there(work: &Work, name: &str) -> Result<bool, Fault> {
    let path = work.text(name);
    on(work, |connection| connection.exists(&path))
}

fn was(work: &Work, what: &str) -> bool {
    work.found(what).and_then(Value::as_bool) == Some(true)
}

fn missing(what: &str, path: &str) -> Fault {
    Fault::of(
        "FileNotFoundError",
        format!(
            "cannot {what} `{path}`: the FTP server has no such file or folder; check the path"
        ),
    )
}

fn taken(what: &str, path: &str) -> Fault {
    Fault::of(
        "FileExistsError",
        format!(
            "cannot {what} `{path}`: the FTP server has a file or folder of this name; choose another one"
        ),
    )
}

fn remove(
    work: &mut Work,
    what: &str,
    output: &str,
    act: fn(&mut Connection, &str) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let path = work.text("remote_path");
    // Gone, and it was there when this began: deleted before a crash.
    let is_done = was(work, "there");
    on(work, |connection| match connection.exists(&path)? {
        true => act(connection, &path),
        false if is_done => Ok(()),
        false => Err(missing(what, &path)),
    })?;
    work.give(output, true);
    Ok(())
}

fn make_folder(work: &mut Work) -> Result<(), Fault> {
    let path = work.text("remote_path");
    let was_there = was(work, "there");
    on(work, |connection| {
        if work.flag("parents") {
            return connection.create_all(&path);
        }
        match connection.exists(&path)? {
            true if was_there => Err(taken("create", &path)),
            true => Ok(()),
            false => connection.ask_about("create", &path, |stream| stream.mkdir(&path)),
        }
    })?;
    work.give("created", true);
    Ok(())
}

fn rename(work: &mut Work) -> Result<(), Fault> {
    let (old, new) = (work.text("old_path"), work.text("new_path"));
    if was(work, "taken") {
        return Err(taken("rename to", &new));
    }
    let was_there = was(work, "there");
    on(work, |connection| match connection.exists(&old)? {
        // Also a look at the new name refuses one that would be several commands.
        true if !connection.exists(&new)? => {
            connection.ask_about("rename", &old, |stream| stream.rename(&old, &new))
        }
        true => Err(taken("rename to", &new)),
        false if was_there && connection.exists(&new)? => Ok(()),
        false => Err(missing("rename", &old)),
    })?;
    work.give("renamed", true);
    Ok(())
}
