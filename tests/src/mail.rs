//! A post office: an SMTP server that takes mail, and Dovecot, which shows it over IMAP.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::certificate::Certificate;
use crate::scratch::Scratch;
use crate::script::Script;

/// Whose mail it is. In the password is all that has to be quoted somewhere.
pub const USER: &str = "ada@example.org";
pub const PASSWORD: &str = r#"se"cr\et word"#;

/// The servers, which end with this.
pub struct PostOffice {
    pub smtp: Script,
    pub imap: Dovecot,
    pub certificate: Certificate,
    scratch: Scratch,
}

/// How the servers are.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// Who can read what is sent: `plain`, `later` for STARTTLS, `always` for TLS from the first byte on.
    pub wrapping: &'static str,
    /// Whether a mail can be moved at once; else it has to be copied and removed.
    pub moves: bool,
}

/// An IMAP server.
pub struct Dovecot {
    process: Child,
    /// Where it listens for what anybody can read. In `later` it lets nobody in who does not begin TLS.
    pub port: u16,
    /// Where it listens for TLS.
    pub tls_port: u16,
}

impl PostOffice {
    /// Servers that anybody on the way can read along with.
    pub fn open() -> Self {
        Self::with(Habits {
            wrapping: "plain",
            moves: true,
        })
    }

    /// # Panics
    ///
    /// When the servers do not start.
    pub fn with(habits: Habits) -> Self {
        let scratch = Scratch::new();
        let is_root = Command::new("id").arg("-u").output();
        let is_root = is_root.expect("there is a program id").stdout == b"0\n";
        let certificate = Certificate::new(&scratch);
        let folder = scratch.file("mail");
        std::fs::create_dir(&folder).expect("the folder can be made");
        if is_root {
            // Servers of mail work for others than root only.
            let all = Permissions::from_mode(0o755);
            std::fs::set_permissions(scratch.path(), all).expect("it is ours");
            let given = Command::new("chown").arg("nobody").arg(&folder).status();
            assert!(given.expect("there is a program chown").success());
        }
        let text = |path: &std::path::Path| path.display().to_string();
        let smtp = Script::start(
            "mail/smtp.py",
            &[
                USER,
                PASSWORD,
                &text(&folder.join(USER)),
                &text(&certificate.file),
                &text(&certificate.key),
                habits.wrapping,
            ],
        );
        let imap = Dovecot::start(&scratch, &certificate, habits, is_root);
        Self {
            smtp,
            imap,
            certificate,
            scratch,
        }
    }
}

impl PostOffice {
    /// Puts a mail into the inbox, whole.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn deliver(&self, name: &str, mail: &str) {
        let inbox = self.scratch.file("mail").join(USER);
        let whole = inbox.join("tmp").join(name);
        std::fs::write(&whole, mail).expect("it can be written");
        std::fs::set_permissions(&whole, Permissions::from_mode(0o644)).expect("it is ours");
        std::fs::rename(&whole, inbox.join("new").join(name)).expect("it can be moved");
    }

    /// Lets a mail that nobody looked at yet have come so long ago.
    ///
    /// # Panics
    ///
    /// When it is not there.
    pub fn received(&self, name: &str, ago: Duration) {
        let mail = self.scratch.file("mail").join(USER).join("new").join(name);
        let mail = std::fs::File::options().write(true).open(mail);
        let then = SystemTime::now() - ago;
        let set = mail.and_then(|mail| mail.set_modified(then));
        set.expect("it is there");
    }

    /// Lets the inbox give other numbers to its mails.
    ///
    /// # Panics
    ///
    /// When Dovecot did not number them.
    pub fn number_anew(&self) {
        let inbox = self.scratch.file("mail").join(USER);
        for entry in std::fs::read_dir(&inbox).expect("it can be listed") {
            let path = entry.expect("it can be listed").path();
            let name = path.file_name().and_then(|name| name.to_str());
            if name.is_some_and(|name| name.starts_with("dovecot")) && path.is_file() {
                std::fs::remove_file(path).expect("it can be removed");
            }
        }
        std::fs::write(inbox.join("dovecot-uidlist"), "3 V7 N1\n").expect("it can be written");
    }

    /// How many mails are marked as read.
    pub fn read(&self) -> usize {
        let read = self.files().into_iter().filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.and_then(|name| name.split_once(":2,"))
                .is_some_and(|(_, flags)| flags.contains('S'))
        });
        read.count()
    }

    /// All mails that are there, in whatever folder.
    ///
    /// # Panics
    ///
    /// When one cannot be read.
    pub fn mails(&self) -> Vec<String> {
        let mails = self.files().into_iter().map(|path| {
            let content = std::fs::read(path).expect("it can be read");
            String::from_utf8_lossy(&content).into_owned()
        });
        mails.collect()
    }

    /// Deletes all mails.
    ///
    /// # Panics
    ///
    /// When one cannot be deleted.
    pub fn clear(&self) {
        for path in self.files() {
            std::fs::remove_file(path).expect("it can be deleted");
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let box_of_user = self.scratch.file("mail").join(USER);
        let mut folders = vec![box_of_user.clone()];
        let inside = std::fs::read_dir(&box_of_user).expect("it can be listed");
        // Dovecot calls folders of mail `.Name`.
        folders.extend(inside.map(|entry| entry.expect("it can be listed").path()));
        let parts = folders
            .iter()
            .flat_map(|folder| [folder.join("cur"), folder.join("new")]);
        let files = parts.filter_map(|part| std::fs::read_dir(part).ok());
        files
            .flatten()
            .map(|entry| entry.expect("it can be listed").path())
            .collect()
    }
}

impl Dovecot {
    fn start(scratch: &Scratch, certificate: &Certificate, habits: Habits, is_root: bool) -> Self {
        let folder = scratch.path().display().to_string();
        let users = format!("{USER}:{{PLAIN}}{PASSWORD}\n");
        std::fs::write(scratch.file("users"), users).expect("it can be written");
        let (owner, more) = match is_root {
            true => ("nobody".to_owned(), String::new()),
            false => {
                let name = Command::new("id").arg("-un").output();
                let name = name.expect("there is a program id").stdout;
                let name = String::from_utf8_lossy(&name).trim().to_owned();
                let more = format!(
                    "default_internal_user = {name}\ndefault_login_user = {name}\n\
                     service anvil {{\n  chroot =\n}}\n"
                );
                (name, more)
            }
        };
        let capabilities = match habits.moves {
            true => "",
            false => "imap_capability = IMAP4rev1 LITERAL+ UIDPLUS\n",
        };
        // Required, nobody is let in without it, not even from this machine.
        let tls = match habits.wrapping {
            "later" => "required",
            _ => "yes",
        };
        // Between the look for free ports and their use, others may take them.
        let mut said = String::new();
        for _ in 0..5 {
            let ports = free_ports();
            let config = format!(
                "base_dir = {folder}/run\nstate_dir = {folder}/state\nlog_path = /dev/stderr\nprotocols = imap\n\
             listen = 127.0.0.1\nssl = {tls}\nssl_cert = <{}\nssl_key = <{}\ndisable_plaintext_auth = no\n\
             mail_location = maildir:{folder}/mail/%u\nfirst_valid_uid = 1\n{capabilities}{more}\
             mail_max_userip_connections = 100\n\
             namespace inbox {{\n  inbox = yes\n  mailbox Archive {{\n    auto = create\n  }}\n  \
             mailbox \"Geprüft & fertig\" {{\n    auto = create\n  }}\n}}\n\
             passdb {{\n  driver = passwd-file\n  args = scheme=PLAIN username_format=%u {folder}/users\n}}\n\
             userdb {{\n  driver = static\n  args = uid={owner} gid={owner_group} home={folder}/mail/%u\n}}\n\
             service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {}\n  }}\n  \
             inet_listener imaps {{\n    port = {}\n    ssl = yes\n  }}\n}}\n",
                certificate.file.display(),
                certificate.key.display(),
                ports.0,
                ports.1,
                owner_group = group(&owner),
            );
            let path = scratch.file("dovecot.conf");
            std::fs::write(&path, config).expect("it can be written");
            let mut process = Command::new("dovecot")
                .arg("-F")
                .arg("-c")
                .arg(&path)
                .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("Dovecot is installed, as tests/run does");
            let mut lines = BufReader::new(process.stderr.take().expect("it is piped")).lines();
            // It listens before it says that it starts.
            let has_begun = lines.by_ref().map_while(Result::ok).any(|line| {
                said.push_str(&line);
                said.push('\n');
                line.contains("starting up for imap")
            });
            if !has_begun {
                process.wait().expect("it has ended");
                continue;
            }
            // Its log has to go somewhere for as long as it runs.
            std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
            return Self {
                process,
                port: ports.0,
                tls_port: ports.1,
            };
        }
        panic!("Dovecot did not start: {said}");
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Its own processes end with it only when it is told to end.
        let id = self.process.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        if told.is_ok_and(|told| told.success()) {
            let _ = self.process.wait();
        }
    }
}

/// Two ports that nobody uses.
fn free_ports() -> (u16, u16) {
    let one = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let other = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = |it: &TcpListener| it.local_addr().expect("it has an address").port();
    (port(&one), port(&other))
}

fn group(user: &str) -> String {
    let group = Command::new("id").args(["-gn", user]).output();
    let group = group.expect("there is a program id").stdout;
    String::from_utf8_lossy(&group).trim().to_owned()
}
