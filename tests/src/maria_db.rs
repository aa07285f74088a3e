//! A MariaDB server of a test's own, in a directory of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::scratch::Scratch;

/// What its tables of users are made of, in this order.
const SYSTEM: [&str; 3] = [
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
];
/// How often another port is tried.
const ATTEMPTS: usize = 8;

/// The server. It ends with the test, and its data with it.
pub struct MariaDb {
    process: Child,
    port: u16,
    _scratch: Scratch,
}

impl MariaDb {
    /// The name of the user who may do everything.
    pub const USER: &str = "rpa";
    /// The password of that user.
    pub const PASSWORD: &str = "let me in";

    /// Starts it, and waits until it can be used.
    ///
    /// # Panics
    ///
    /// When its programs are not there, or it does not start.
    pub fn start() -> Self {
        let scratch = Scratch::new();
        let data = scratch.file("data");
        fs::create_dir(&data).expect("a directory can be made");
        // Others than its owner have to find the way in.
        give_away(scratch.path());
        give_away(&data);
        Self::furnish(&data);
        let first = scratch.file("first.sql");
        let (user, password) = (Self::USER, Self::PASSWORD);
        let commands = format!(
            "CREATE DATABASE shop;\nCREATE USER '{user}'@'%' IDENTIFIED BY '{password}';\nGRANT ALL ON *.* TO '{user}'@'%';\n"
        );
        fs::write(&first, commands).expect("a file can be written");
        give_away(&first);
        for _ in 0..ATTEMPTS {
            let port = free_port();
            let process = Self::program(&data)
                .args(["--bind-address=127.0.0.1", "--skip-name-resolve"])
                .arg(format!("--port={port}"))
                .arg(format!("--socket={}", scratch.file("socket").display()))
                .arg(format!("--pid-file={}", scratch.file("data/pid").display()))
                .arg(format!("--init-file={}", first.display()))
                .stderr(Stdio::piped())
                .spawn();
            let mut process = process.expect("mariadbd starts");
            if is_ready(&mut process) {
                return Self {
                    process,
                    port,
                    _scratch: scratch,
                };
            }
            process.wait().expect("it is gone");
        }
        panic!("MariaDB did not start on any of {ATTEMPTS} ports");
    }

    /// The port on which it listens on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address, with the password.
    pub fn url(&self) -> String {
        let password = Self::PASSWORD.replace(' ', "%20");
        format!(
            "mysql://{}:{password}@127.0.0.1:{}/shop",
            Self::USER,
            self.port
        )
    }

    /// Makes the tables that a server needs.
    fn furnish(data: &Path) {
        let complaints = data.with_extension("stderr");
        let stderr = fs::File::create(&complaints).expect("a file can be made");
        let mut process = Self::program(data)
            .arg("--bootstrap")
            .stdin(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "mariadbd does not start ({error}): run the tests with `tests/run`, or install it (Debian: apt-get \
                     install mariadb-server-core)"
                )
            });
        let mut input = process.stdin.take().expect("its input is piped");
        let begin = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n";
        let mut script = begin.as_bytes().to_vec();
        for name in SYSTEM {
            let file = Path::new("/usr/share/mysql").join(name);
            script.extend(fs::read(&file).unwrap_or_else(|error| {
                panic!("{} comes with mariadb-server-core: {error}", file.display())
            }));
        }
        input.write_all(&script).expect("it takes its tables");
        drop(input);
        let ended = process.wait().expect("it ends");
        assert!(
            ended.success(),
            "MariaDB made no tables ({ended}): {}",
            fs::read_to_string(&complaints).unwrap_or_default()
        );
    }

    fn program(data: &Path) -> Command {
        let on_path = Command::new("mariadbd")
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        let program = match on_path {
            Ok(_) => PathBuf::from("mariadbd"),
            Err(_) => PathBuf::from("/usr/sbin/mariadbd"),
        };
        let mut command = Command::new(program);
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()))
            // When it starts it removes the temporary tables there, those of other servers as well.
            .arg(format!("--tmpdir={}", data.display()))
            .arg("--innodb-log-file-size=8M")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if is_root() {
            command.arg(format!("--user={OWNER}"));
        }
        command
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        // Nobody needs its data any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Who runs it where the tests run as root, as whom it refuses to run.
const OWNER: &str = "nobody";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn give_away(path: &Path) {
    if is_root() {
        let given = Command::new("chown").arg(OWNER).arg(path).status();
        assert!(given.expect("there is a program chown").success());
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    listener.local_addr().expect("it has an address").port()
}

/// Reads what it says until it can be used. False if it ends before: another program took its port.
fn is_ready(process: &mut Child) -> bool {
    let said = process.stderr.take().expect("its standard error is piped");
    let mut lines = BufReader::new(said).lines().map_while(Result::ok);
    let is_ready = lines.any(|line| line.contains("ready for connections"));
    // What it says further is read and dropped, so that it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    is_ready
}
