//! Files that go to an FTP server and come from it.

use std::io::{Cursor, Read};
use std::path::Path;

use suppaftp::types::{FileType, FormatControl};
use suppaftp::{FtpError, FtpResult, RustlsFtpStream};

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
        let sent = self.ask_about("upload to", path, |stream| {
            stream.put_file(&place, &mut content)
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
            true => take(&mut Lines::new(&mut stream)),
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
        let kind = match is_text {
            true => FileType::Ascii(FormatControl::Default),
            false => FileType::Binary,
        };
        self.ask(|stream| stream.transfer_type(kind))
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

/// A text with the line ends that files have here.
struct Lines<R> {
    inner: R,
    /// The last byte may begin a line end.
    held: bool,
    ready: Cursor<Vec<u8>>,
}

impl<R: Read> Lines<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            held: false,
            ready: Cursor::default(),
        }
    }

    /// Reads on. False at the end.
    fn fill(&mut self) -> std::io::Result<bool> {
        let mut raw = vec![0; 8192];
        let count = self.inner.read(&mut raw)?;
        let mut ready = Vec::with_capacity(count + 1);
        for byte in raw.iter().take(count) {
            if std::mem::take(&mut self.held) && *byte != b'\n' {
                ready.push(b'\r');
            }
            match byte {
                b'\r' => self.held = true,
                byte => ready.push(*byte),
            }
        }
        let is_end = count == 0;
        if is_end && std::mem::take(&mut self.held) {
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
    fn line_ends_become_those_of_this_system_wherever_the_pieces_end() {
        for size in [1, 2, 3, 100] {
            let mut text = String::new();
            let bytes = b"a\r\nb\rc\n\r\r\nd\r".as_slice();
            let mut reader = std::io::BufReader::with_capacity(size, bytes);
            Lines::new(&mut reader).read_to_string(&mut text).unwrap();
            assert_eq!(text, "a\nb\rc\n\r\nd\r", "pieces of {size}");
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
