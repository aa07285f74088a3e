//! Nodes that go to pages.

use super::act::{Manner, limit, on_page};
use crate::browser::Page;
use crate::fault::Fault;
use crate::visit::Work;

pub(super) fn go(work: &mut Work) -> Result<(), Fault> {
    let url = work.text("url");
    if url.trim().is_empty() {
        return Err(Fault::value("there is no address; set `url`"));
    }
    address(work, &url)?;
    on_page(work, Manner::Changes, |work, _, page| {
        work.give("page", page.handle());
        if work.flag("ignore_https_errors") {
            page.ignore_certificates()?;
        }
        open(work, page, &work.text("url"))
    })
}

pub(super) fn back(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Changes, |work, _, page| turn(work, page, -1))
}

pub(super) fn forward(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Changes, |work, _, page| turn(work, page, 1))
}

pub(super) fn reload(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Changes, |work, _, page| {
        work.give("page", page.handle());
        page.reload(&work.text("wait_until"), limit(work))
    })
}

pub(super) fn arrive(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Changes, |work, _, page| {
        work.give("page", page.handle());
        page.arrive(&work.text("wait_until"), limit(work))
    })
}

fn turn(work: &mut Work, page: &Page, by: i64) -> Result<(), Fault> {
    work.give("page", page.handle());
    if !page.turn(by, &work.text("wait_until"), limit(work))? {
        work.warn("there is no page to go to; it stays where it is".to_owned());
    }
    Ok(())
}

/// Goes to an address.
pub(super) fn open(work: &Work, page: &Page, url: &str) -> Result<(), Fault> {
    let url = address(work, url)?;
    page.go(
        &url,
        &work.text("referer"),
        &work.text("wait_until"),
        limit(work),
    )
}

/// The address that a text means. Files have to be within the folders that the run may use.
pub(super) fn address(work: &Work, written: &str) -> Result<String, Fault> {
    let written = written.trim();
    let scheme = written
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("http" | "https" | "about" | "data") => Ok(written.to_owned()),
        Some("file") => {
            let path = written
                .get(5..)
                .unwrap_or_default()
                .trim_start_matches("//");
            let path = path.split(['?', '#']).next().unwrap_or_default();
            work.file(&unescaped(path)?)?;
            Ok(written.to_owned())
        }
        // `localhost:8000` has a port and no scheme.
        _ if written.split(['/', ':']).next().is_some_and(is_host) => {
            let is_near = ["localhost", "127.", "[::1]"]
                .iter()
                .any(|near| written.starts_with(near));
            Ok(format!(
                "{}://{written}",
                if is_near { "http" } else { "https" }
            ))
        }
        _ => Err(Fault::value(format!(
            "`{written}` is no address that can be opened; write it with http:// or https://"
        ))),
    }
}

fn is_host(text: &str) -> bool {
    text == "localhost"
        || text.contains('.')
            && text
                .chars()
                .all(|letter| letter.is_alphanumeric() || ".-_".contains(letter))
}

/// A path as an address writes it.
fn unescaped(path: &str) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return Err(Fault::value(format!(
                "the address of the file {path} is not written correctly"
            )));
        };
        bytes.extend(u8::try_from(high * 16 + low));
    }
    String::from_utf8(bytes)
        .map_err(|_| Fault::value(format!("the path {path} is not valid UTF-8")))
}
