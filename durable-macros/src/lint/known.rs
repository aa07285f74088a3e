//! The functions of the standard library and of well-known crates that a workflow must not call.

use super::offence::Offence;

/// Functions and types of some modules that are the same offence.
struct Known {
    offence: Offence,
    modules: &'static [&'static str],
    /// `function`, `Type::function`, `Type::*`, or `*` for all that is in the modules.
    names: &'static [&'static str],
}

const fn known(
    offence: Offence,
    modules: &'static [&'static str],
    names: &'static [&'static str],
) -> Known {
    Known {
        offence,
        modules,
        names,
    }
}

const FILES: &[&str] = &[
    "canonicalize",
    "copy",
    "create_dir",
    "create_dir_all",
    "exists",
    "hard_link",
    "metadata",
    "read",
    "read_dir",
    "read_link",
    "read_to_string",
    "remove_dir",
    "remove_dir_all",
    "remove_file",
    "rename",
    "set_permissions",
    "symlink_metadata",
    "try_exists",
    "write",
    "File::*",
    "OpenOptions::*",
    "DirBuilder::*",
];

const SOCKETS: &[&str] = &[
    "TcpListener::*",
    "TcpStream::*",
    "TcpSocket::*",
    "UdpSocket::*",
    "UnixDatagram::*",
    "UnixListener::*",
    "UnixStream::*",
    "lookup_host",
];

const TABLE: &[Known] = &[
    known(
        Offence::Clock,
        &["std::time", "tokio::time"],
        &["SystemTime::now", "Instant::now"],
    ),
    known(
        Offence::Clock,
        &["chrono"],
        &["Utc::now", "Utc::today", "Local::now", "Local::today"],
    ),
    known(
        Offence::Clock,
        &["time"],
        &[
            "OffsetDateTime::now_utc",
            "OffsetDateTime::now_local",
            "UtcDateTime::now",
        ],
    ),
    known(Offence::Clock, &["jiff"], &["Timestamp::now", "Zoned::now"]),
    known(
        Offence::Sleep,
        &["std::thread"],
        &[
            "sleep",
            "sleep_ms",
            "sleep_until",
            "park",
            "park_timeout",
            "yield_now",
        ],
    ),
    known(
        Offence::Sleep,
        &["tokio::time", "async_std::task"],
        &["sleep", "sleep_until"],
    ),
    known(
        Offence::Sleep,
        &["smol", "async_io", "futures_timer"],
        &["Timer::after", "Timer::at", "Delay::new"],
    ),
    known(
        Offence::Deadline,
        &["tokio::time", "async_std::future"],
        &["timeout", "timeout_at"],
    ),
    known(
        Offence::Interval,
        &["tokio::time"],
        &["interval", "interval_at"],
    ),
    known(
        Offence::Interval,
        &["smol", "async_io"],
        &["Timer::interval"],
    ),
    known(
        Offence::Random,
        &["rand"],
        &[
            "fill",
            "random",
            "random_bool",
            "random_iter",
            "random_range",
            "random_ratio",
            "rng",
            "thread_rng",
            "ThreadRng::default",
            "SmallRng::from_entropy",
            "SmallRng::from_os_rng",
            "StdRng::from_entropy",
            "StdRng::from_os_rng",
            "rngs::OsRng",
            "rngs::SysRng",
        ],
    ),
    known(
        Offence::Random,
        &["getrandom"],
        &["fill", "getrandom", "u32", "u64"],
    ),
    known(
        Offence::Random,
        &["fastrand"],
        &[
            "alphabetic",
            "alphanumeric",
            "bool",
            "char",
            "choice",
            "choose_multiple",
            "digit",
            "f32",
            "f64",
            "fill",
            "i8",
            "i16",
            "i32",
            "i64",
            "i128",
            "isize",
            "lowercase",
            "shuffle",
            "u8",
            "u16",
            "u32",
            "u64",
            "u128",
            "uppercase",
            "usize",
            "Rng::new",
            "Rng::default",
        ],
    ),
    known(
        Offence::Id,
        &["uuid"],
        &[
            "Uuid::new_v1",
            "Uuid::new_v4",
            "Uuid::new_v6",
            "Uuid::new_v7",
            "Uuid::now_v1",
            "Uuid::now_v6",
            "Uuid::now_v7",
        ],
    ),
    known(Offence::Id, &["ulid"], &["Ulid::new", "Ulid::generate"]),
    known(
        Offence::Spawn,
        &["tokio", "tokio::task"],
        &[
            "spawn",
            "spawn_blocking",
            "spawn_local",
            "block_in_place",
            "JoinSet::new",
            "LocalSet::new",
        ],
    ),
    known(
        Offence::Spawn,
        &["tokio::runtime"],
        &["Handle::current", "Handle::try_current", "Runtime::new"],
    ),
    known(
        Offence::Spawn,
        &["std::thread"],
        &["spawn", "scope", "Builder::*"],
    ),
    known(
        Offence::Spawn,
        &["async_std::task", "smol", "async_global_executor"],
        &[
            "spawn",
            "spawn_local",
            "spawn_blocking",
            "unblock",
            "block_on",
        ],
    ),
    known(
        Offence::Spawn,
        &["futures::executor", "pollster"],
        &["block_on", "ThreadPool::new"],
    ),
    known(Offence::Spawn, &["rayon"], &["*"]),
    known(
        Offence::Race,
        &["futures::stream", "futures_util::stream"],
        &["FuturesUnordered::*", "select_all", "select_with_strategy"],
    ),
    known(
        Offence::Race,
        &["futures::future", "futures_util::future"],
        &["select", "select_all", "select_ok", "try_select"],
    ),
    known(
        Offence::Environment,
        &["std::env"],
        &[
            "args",
            "args_os",
            "current_dir",
            "current_exe",
            "home_dir",
            "remove_var",
            "set_current_dir",
            "set_var",
            "temp_dir",
            "var",
            "var_os",
            "vars",
            "vars_os",
        ],
    ),
    known(
        Offence::Environment,
        &["std::thread"],
        &["available_parallelism"],
    ),
    known(
        Offence::Environment,
        &["num_cpus"],
        &["get", "get_physical"],
    ),
    known(
        Offence::Environment,
        &["hostname", "gethostname", "whoami", "dotenvy"],
        &["*"],
    ),
    known(Offence::Environment, &["std::process"], &["id"]),
    known(Offence::Thread, &["std::thread"], &["current"]),
    known(
        Offence::File,
        &[
            "std::fs",
            "tokio::fs",
            "fs_err",
            "async_std::fs",
            "smol::fs",
        ],
        FILES,
    ),
    known(
        Offence::File,
        &["std::fs", "tokio::fs", "fs_err", "tempfile"],
        &["*"],
    ),
    known(Offence::File, &["std::io"], &["stdin"]),
    known(Offence::File, &["tokio::io"], &["stdin"]),
    known(
        Offence::Network,
        &[
            "std::net",
            "std::os::unix::net",
            "tokio::net",
            "async_std::net",
            "smol::net",
        ],
        SOCKETS,
    ),
    known(
        Offence::Network,
        &["reqwest"],
        &[
            "get",
            "blocking::get",
            "Client::new",
            "Client::builder",
            "ClientBuilder::new",
        ],
    ),
    known(
        Offence::Network,
        &["ureq"],
        &[
            "get", "post", "put", "delete", "head", "patch", "agent", "request", "Agent::*",
        ],
    ),
    known(
        Offence::Process,
        &["std::process", "tokio::process", "async_process"],
        &["Command::new"],
    ),
    known(Offence::Exit, &["std::process"], &["exit", "abort"]),
    known(
        Offence::Hasher,
        &["std::hash", "std::collections::hash_map"],
        &[
            "RandomState::new",
            "RandomState::default",
            "DefaultHasher::new",
            "DefaultHasher::default",
        ],
    ),
    known(
        Offence::Hasher,
        &["ahash"],
        &["RandomState::new", "AHasher::default"],
    ),
];

/// Types whose name says nothing: only the whole path to them does.
const COMMON: [&str; 8] = [
    "Agent", "Builder", "Client", "Delay", "Handle", "Rng", "Runtime", "Timer",
];

/// What a path names, by all of it or by its last two segments.
pub(super) fn offence(path: &[String]) -> Option<Offence> {
    let found = TABLE.iter().find(|known| {
        known.modules.iter().any(|module| {
            let mut names = known.names.iter();
            names.any(|name| is_whole(path, module, name) || is_end(path, module, name))
        })
    });
    found.map(|known| known.offence)
}

/// Whether `path` is `module::name`.
pub(super) fn is_whole(path: &[String], module: &str, name: &str) -> bool {
    let mut path = path.iter();
    for segment in module.split("::").chain(name.split("::")) {
        match path.next() {
            // All that is in it: what follows may be of any length.
            Some(_) if segment == "*" => return true,
            Some(written) if written == segment => {}
            _ => return false,
        }
    }
    path.next().is_none()
}

/// Whether `path` ends like `module::name`, as it does below a `use` outside of the body.
///
/// The name of a type is enough, whatever stands before it: types are reexported. That of a module
/// is not, when more stands before it than it has itself.
fn is_end(path: &[String], module: &str, name: &str) -> bool {
    let (parent, name) = match name.split_once("::") {
        Some(of_type) => of_type,
        None => (module.rsplit("::").next().unwrap_or(module), name),
    };
    let [before @ .., written_parent, written] = path else {
        return false;
    };
    let is_type = parent.starts_with(|first: char| first.is_uppercase());
    let is_known_by_its_name = match is_type {
        true => !COMMON.contains(&parent),
        false => before.is_empty() && name != "*",
    };
    is_known_by_its_name && written_parent == parent && (name == "*" || written == name)
}

#[cfg(test)]
mod tests {
    use super::{Offence, offence};

    #[test]
    fn paths_are_known_by_all_of_them_or_by_their_end() {
        for (path, expected) in [
            ("std::time::SystemTime::now", Some(Offence::Clock)),
            ("SystemTime::now", Some(Offence::Clock)),
            ("chrono::offset::Utc::now", Some(Offence::Clock)),
            ("minstant::Instant::now", Some(Offence::Clock)),
            ("tokio::time::sleep", Some(Offence::Sleep)),
            ("time::sleep", Some(Offence::Sleep)),
            ("sleep", None),
            ("own::time::sleep", None),
            ("tokio::time::Duration::from_secs", None),
            ("Duration::from_secs", None),
            ("rand::random", Some(Offence::Random)),
            ("rand::rngs::OsRng", Some(Offence::Random)),
            ("rand::rngs::StdRng::seed_from_u64", None),
            ("fastrand::Rng::with_seed", None),
            ("fastrand::Rng::new", Some(Offence::Random)),
            ("Rng::new", None),
            ("Uuid::new_v4", Some(Offence::Id)),
            ("Uuid::new_v5", None),
            ("Uuid::parse_str", None),
            ("tokio::task::spawn", Some(Offence::Spawn)),
            ("task::spawn_blocking", Some(Offence::Spawn)),
            ("rayon::iter::once", Some(Offence::Spawn)),
            ("std::fs::File::open", Some(Offence::File)),
            ("File::open", Some(Offence::File)),
            ("fs::read", Some(Offence::File)),
            ("fs::load", None),
            ("std::fs::anything", Some(Offence::File)),
            ("std::net::IpAddr::from", None),
            ("TcpStream::connect", Some(Offence::Network)),
            ("reqwest::get", Some(Offence::Network)),
            ("reqwest::Client::new", Some(Offence::Network)),
            ("Client::new", None),
            ("reqwest::Url::parse", None),
            ("process::exit", Some(Offence::Exit)),
            ("DateTime::parse_from_rfc3339", None),
        ] {
            let path: Vec<String> = path.split("::").map(str::to_owned).collect();
            assert_eq!(offence(&path), expected, "{}", path.join("::"));
        }
    }

    #[test]
    fn every_row_finds_itself() {
        for known in super::TABLE {
            for module in known.modules {
                for name in known.names {
                    let path = format!("{module}::{}", name.replace('*', "x"));
                    let path: Vec<String> = path.split("::").map(str::to_owned).collect();
                    assert_eq!(offence(&path), Some(known.offence), "{}", path.join("::"));
                }
            }
        }
    }
}
