//! Files that go to an FTP server and come from it.

use std::io::{Cursor, Read};
use std::path::Path;

use suppaftp::types::FileType;
use suppaftp::{FtpError, FtpResult, RustlsFtpStream, Status};

use super::open::{Connection, is_refused};
use crate::fault::Fault;

impl Connection {
    /// Uploads a file under another name, and gives it its own when it is there as a whole: a server takes what comes before
    /// a connection breaks for a whole file. Gives the number of bytes.
    pub(crate) fn upload(&mut self, file: &Path, path: &str, is_text: bool) -> Result<u64, Fault> {
        let failed = |error: &std::io::Error| Fault::file("upload", file, error);
        let mut content = std::fs::File::open(file).map_err(|error| failed(&error))?;
        let place = beside(path);
        self.kind(is_text)?;
        let sent = self.ask_about("upload to", path, |stream| match is_text {
            true => stream.put_file(&place, &mut Lines::outgoing(&mut content)),
            false => stream.put_file(&place, &mut content),
        });
        let sent = sent?;
        self.kind(false)?;
        self.ask_about("upload to", path, |stream| replace(stream, &place, path))?;
        Ok(sent)
    }

    /// Downloads a file. Whoever takes its content decides where it goes.
    pub(crate) fn download(
        &mut self,
        path: &str,
        is_text: bool,
        take: impl FnOnce(&mut dyn Read) -> Result<u64, Fault>,
    ) -> Result<u64, Fault> {
        self.kind(is_text)?;
        let mut stream = self.ask_about("download", path, |stream| stream.retr_as_stream(path))?;
        let taken = match is_text {
            true => take(&mut Lines::incoming(&mut stream)),
            false => take(&mut stream),
        };
        // The server says at the end whether that was all.
        let ended = self.ask_about("download", path, |_| stream.finish());
        let length = taken?;
        ended?;
        self.kind(false)?;
        Ok(length)
    }

    /// Creates a folder, and those around it.
    pub(crate) fn create_all(&mut self, path: &str) -> Result<(), Fault> {
        let mut whole = match path.starts_with('/') {
            true => "/".to_owned(),
            false => String::new(),
        };
        for part in path.split('/').filter(|part| !part.is_empty()) {
            if !whole.is_empty() && !whole.ends_with('/') {
                whole.push('/');
            }
            whole.push_str(part);
            if !self.exists(&whole)? {
                self.ask_about("create", &whole, |stream| stream.mkdir(&whole))?;
            }
        }
        Ok(())
    }

    fn kind(&mut self, is_text: bool) -> Result<(), Fault> {
        self.ask(|stream| match is_text {
            // Not every server knows the longer `TYPE A N`.
            true => stream
                .custom_command("TYPE A", &[Status::CommandOk])
                .map(drop),
            false => stream.transfer_type(FileType::Binary),
        })
    }
}

/// Gives a file its name, also where a server does not replace what has it already.
fn replace(stream: &mut RustlsFtpStream, place: &str, path: &str) -> FtpResult<()> {
    match stream.rename(place, path) {
        Err(error) if is_refused(&error) => match stream.rm(path) {
            Ok(()) => stream.rename(place, path),
            // That it could not be renamed is what counts.
            Err(FtpError::UnexpectedResponse(_)) => Err(error),
            Err(error) => Err(error),
        },
        renamed => renamed,
    }
}

/// The name under which a file is uploaded: always the same, so that a crash leaves one file at most.
fn beside(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/.{name}.rpa-new"),
        None => format!(".{path}.rpa-new"),
    }
}

/// The folder of a path, if it names one.
pub(crate) fn folder(path: &str) -> Option<&str> {
    let (folder, _) = path.rsplit_once('/')?;
    (!folder.is_empty()).then_some(folder)
}

/// A text with other line ends.
struct Lines<R> {
    inner: R,
    /// Whether it gets the line ends of the network; else it has them, and gets those that files have here.
    goes_out: bool,
    /// Whether the last byte was the first half of a line end of the network.
    held: bool,
    ready: Cursor<Vec<u8>>,
}

impl<R: Read> Lines<R> {
    fn outgoing(inner: R) -> Self {
        Self {
            inner,
            goes_out: true,
            held: false,
            ready: Cursor::default(),
        }
    }

    fn incoming(inner: R) -> Self {
        Self {
            goes_out: false,
            ..Self::outgoing(inner)
        }
    }

    /// Reads on. False at the end.
    fn fill(&mut self) -> std::io::Result<bool> {
        let mut raw = vec![0; 8192];
        let count = self.inner.read(&mut raw)?;
        let mut ready = Vec::with_capacity(count + 1);
        for byte in raw.iter().take(count) {
            let was_held = std::mem::replace(&mut self.held, *byte == b'\r');
            match (self.goes_out, byte) {
                (true, b'\n') if !was_held => ready.extend(b"\r\n"),
                (true, byte) => ready.push(*byte),
                (false, byte) => {
                    if was_held && *byte != b'\n' {
                        ready.push(b'\r');
                    }
                    if *byte != b'\r' {
                        ready.push(*byte);
                    }
                }
            }
        }
        let is_end = count == 0;
        if is_end && std::mem::take(&mut self.held) && !self.goes_out {
            ready.push(b'\r');
        }
        self.ready = Cursor::new(ready);
        Ok(!is_end)
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let count = self.ready.read(into)?;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            if !self.fill()? {
                return self.ready.read(into);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_those_of_the_other_side_wherever_the_pieces_end() {
        for size in [1, 2, 3, 100] {
            let mut text = String::new();
            let bytes = b"a\r\nb\rc\n\r\r\nd\r".as_slice();
            let mut reader = std::io::BufReader::with_capacity(size, bytes);
            let mut incoming = Lines::incoming(&mut reader);
            incoming.read_to_string(&mut text).unwrap();
            assert_eq!(text, "a\nb\rc\n\r\nd\r", "pieces of {size}");
            let mut text = String::new();
            let bytes = b"a\nb\r\nc\r\n\nd\r".as_slice();
            let mut reader = std::io::BufReader::with_capacity(size, bytes);
            let mut outgoing = Lines::outgoing(&mut reader);
            outgoing.read_to_string(&mut text).unwrap();
            assert_eq!(text, "a\r\nb\r\nc\r\n\r\nd\r", "pieces of {size}");
        }
    }

    #[test]
    fn what_is_uploaded_lies_beside_its_place_until_it_is_whole() {
        assert_eq!(beside("a.txt"), ".a.txt.rpa-new");
        assert_eq!(beside("/in/b/a.txt"), "/in/b/.a.txt.rpa-new");
        assert_eq!(folder("/in/b/a.txt"), Some("/in/b"));
        assert_eq!((folder("/a.txt"), folder("a.txt")), (None, None));
    }
}
