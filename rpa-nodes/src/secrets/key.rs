use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

use super::SecretError;

const LENGTH: usize = 32;

/// The key that seals values: 32 bytes, from `RPA_KEY` in base64, or from the file `RPA_KEY_FILE`, or from
/// `~/.config/rpa/key`, which is made when it is first needed.
#[derive(Debug)]
pub struct Key(LessSafeKey);

impl Key {
    /// The key of this machine and user.
    ///
    /// # Errors
    /// It cannot be read, or made.
    pub fn of_this_machine() -> Result<Self, SecretError> {
        if let Ok(text) = std::env::var("RPA_KEY") {
            return Self::parse(&text);
        }
        let path = Self::path()?;
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::make(&path),
            Err(error) => Err(wrong(format!("cannot read {}: {error}", path.display()))),
        }
    }

    fn path() -> Result<PathBuf, SecretError> {
        if let Some(path) = std::env::var_os("RPA_KEY_FILE") {
            return Ok(path.into());
        }
        let folder = match std::env::var_os("XDG_CONFIG_HOME") {
            Some(folder) => PathBuf::from(folder),
            None => std::env::home_dir()
                .ok_or_else(|| wrong("there is no home folder to keep it in".to_owned()))?
                .join(".config"),
        };
        Ok(folder.join("rpa").join("key"))
    }

    /// Makes a key. Of two processes that do so at once, one gets the key of the other.
    fn make(path: &Path) -> Result<Self, SecretError> {
        let cannot =
            |error: std::io::Error| wrong(format!("cannot make {}: {error}", path.display()));
        let mut bytes = [0; LENGTH];
        random(&mut bytes)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(cannot)?;
        // It is there as a whole or not at all: it is written under a name of its own, which then becomes a second one.
        let mut draft = [0; 8];
        random(&mut draft)?;
        let draft = folder.join(format!(".key-{}", BASE64.encode(draft)));
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .map_err(cannot)?;
        file.write_all(BASE64.encode(bytes).as_bytes())
            .map_err(cannot)?;
        file.sync_all().map_err(cannot)?;
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft).map_err(cannot)?;
        match linked {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(cannot(error)),
            _ => Self::parse(&fs::read_to_string(path).map_err(cannot)?),
        }
    }

    /// A key in base64, with or without padding.
    ///
    /// # Errors
    /// It is no base64, or not 32 bytes.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let plain = text
            .trim()
            .trim_end_matches('=')
            .replace('+', "-")
            .replace('/', "_");
        let bytes = BASE64
            .decode(plain)
            .map_err(|_| wrong("it is not base64".to_owned()))?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes)
            .map_err(|_| wrong(format!("it has {} bytes instead of {LENGTH}", bytes.len())))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    pub(super) fn seal(&self, text: &str) -> Result<String, SecretError> {
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce)?;
        let mut sealed = text.as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::empty(),
                &mut sealed,
            )
            .map_err(|_| wrong("the value is too long to be sealed".to_owned()))?;
        Ok(BASE64.encode([&nonce[..], &sealed].concat()))
    }

    pub(super) fn open(&self, sealed: &str) -> Result<String, SecretError> {
        let bytes = BASE64.decode(sealed).map_err(|_| SecretError::OtherKey)?;
        let (nonce, text) = bytes
            .split_at_checked(NONCE_LEN)
            .ok_or(SecretError::OtherKey)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SecretError::OtherKey)?;
        let mut text = text.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::empty(), &mut text);
        let opened = opened.map_err(|_| SecretError::OtherKey)?;
        String::from_utf8(opened.to_vec()).map_err(|_| SecretError::OtherKey)
    }
}

fn random(bytes: &mut [u8]) -> Result<(), SecretError> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| wrong("the system gives no random bytes".to_owned()))
}

fn wrong(reason: String) -> SecretError {
    SecretError::Key { reason }
}
