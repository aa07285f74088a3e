//! Electronic books (EPUB): the chapters in the order in which they are read.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::html;
use super::package::{Broken, Package};
use super::source::Source;
use super::{LoadError, Loaded, Loader};
use crate::document::{Document, Kind};
use crate::normalise::normalise;

const WHAT: &str = "EPUB book";
const CONTAINER: &str = "META-INF/container.xml";
const ENCRYPTION: &str = "META-INF/encryption.xml";

pub(super) struct Epub;

impl Loader for Epub {
    fn name(&self) -> &'static str {
        "a book (EPUB)"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["epub"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        match source.parts() {
            Some(Ok(parts)) => parts.iter().any(|part| part == CONTAINER),
            Some(Err(_)) => source.has_extension(self.extensions()),
            None => false,
        }
    }

    fn is_risky(&self) -> bool {
        true
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        let refuse = |broken: Broken| broken.refuse(source, WHAT);
        let mut package = Package::open(source).map_err(refuse)?;
        let container = package.read(CONTAINER, source).map_err(refuse)?;
        let root = root_file(&container)
            .ok_or_else(|| source.corrupt(WHAT, format!("{CONTAINER} names no package")))?;
        let opf = package.read(&root, source).map_err(|broken| match broken {
            Broken::Missing => source.corrupt(WHAT, format!("its package {root} is missing")),
            broken => refuse(broken),
        })?;
        let book =
            Book::read(&opf).map_err(|why| source.corrupt(WHAT, format!("{root}: {why}")))?;
        let locked = match package.read(ENCRYPTION, source) {
            Ok(list) => encrypted_parts(&list),
            Err(Broken::Missing) => Vec::new(),
            Err(broken) => return Err(refuse(broken)),
        };
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);

        let mut chapters = Vec::new();
        let mut warnings = Vec::new();
        for (number, href) in (1..).zip(&book.chapters) {
            let part = resolve(folder, href);
            if locked.contains(&part) {
                return Err(source.encrypted());
            }
            match package.read(&part, source) {
                Ok(bytes) => {
                    let page = html::convert(&String::from_utf8_lossy(&bytes));
                    chapters.push((number, page.text));
                }
                Err(broken @ (Broken::Encrypted | Broken::Bomb(_))) => return Err(refuse(broken)),
                Err(broken) => warnings.push(format!(
                    "chapter {number} ({part}) could not be read: {}",
                    broken.refuse(source, WHAT)
                )),
            }
        }
        if chapters.is_empty() && !book.chapters.is_empty() {
            return Err(source.corrupt(WHAT, "none of its chapters can be read"));
        }
        let mut document = Document::of_pages(Kind::Book, chapters);
        let first = document.headings.first().map(|it| it.title.clone());
        document.title = book.title.or(first);
        document.warnings = warnings;
        Ok(document.into())
    }
}

/// What the package says about the book.
#[derive(Debug, Default)]
struct Book {
    title: Option<String>,
    /// The files of the chapters, in order.
    chapters: Vec<String>,
}

impl Book {
    fn read(opf: &[u8]) -> Result<Self, String> {
        let mut book = Self::default();
        let mut items = Vec::new();
        let mut order = Vec::new();
        let mut in_title = false;
        each_event(opf, |event| match event {
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "item" => items.push((attribute(tag, "id"), attribute(tag, "href"))),
                "itemref" if attribute(tag, "linear").as_deref() != Some("no") => {
                    order.push(attribute(tag, "idref"));
                }
                "title" => in_title = book.title.is_none(),
                _ => {}
            },
            Event::Text(text) if in_title => {
                book.title.get_or_insert_default().push_str(text);
            }
            Event::GeneralRef(name) if in_title => {
                let named = resolve_predefined_entity(name).map(str::to_owned);
                let numbered = || name.resolve_char_ref().ok()?.map(String::from);
                let text = named.or_else(numbered).unwrap_or_default();
                book.title.get_or_insert_default().push_str(&text);
            }
            Event::End(_) => in_title = false,
            _ => {}
        })?;
        let chapter = |id: Option<String>| {
            let (_, href) = items.iter().find(|(item, _)| *item == id)?;
            href.clone()
        };
        book.chapters = order.into_iter().filter_map(chapter).collect();
        book.title = book
            .title
            .map(|title| normalise(&title))
            .filter(|it| !it.is_empty());
        if book.chapters.is_empty() {
            return Err("it lists no chapters".to_owned());
        }
        Ok(book)
    }
}

/// The path of the package in `container.xml`.
fn root_file(container: &[u8]) -> Option<String> {
    let mut root = None;
    let read = each_event(container, |event| {
        if let Event::Start(tag) | Event::Empty(tag) = event
            && tag.local_name().as_ref() == "rootfile"
            && root.is_none()
        {
            root = attribute(tag, "full-path");
        }
    });
    read.ok()?;
    root
}

/// The parts that only a reader with the right key can open. Fonts that are merely scrambled are never read anyway.
fn encrypted_parts(list: &[u8]) -> Vec<String> {
    let mut parts = Vec::new();
    // What is read before a fault still counts.
    let _fault = each_event(list, |event| {
        if let Event::Start(tag) | Event::Empty(tag) = event
            && tag.local_name().as_ref() == "CipherReference"
        {
            parts.extend(attribute(tag, "URI"));
        }
    });
    parts
}

/// Reads XML without recursion; an error says where it is faulty.
fn each_event(xml: &[u8], mut handle: impl FnMut(&Event<'_>)) -> Result<(), String> {
    let xml = String::from_utf8_lossy(xml);
    let mut reader = Reader::from_str(xml.trim_start_matches('\u{FEFF}'));
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => return Ok(()),
            Ok(event) => handle(&event),
            Err(error) => return Err(format!("byte {}: {error}", reader.error_position())),
        }
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = tag
        .attributes()
        .flatten()
        .find(|it| it.key.local_name().as_ref() == name)?;
    let value = attribute.normalized_value(XmlVersion::Explicit1_0).ok()?;
    Some(value.into_owned())
}

/// A reference of the package as the path of a part.
fn resolve(folder: &str, href: &str) -> String {
    let href = href.split('#').next().unwrap_or(href);
    let mut parts: Vec<String> = Vec::new();
    for part in folder.split('/').chain(href.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(percent_decoded(part)),
        }
    }
    parts.join("/")
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let byte = after
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match byte {
            Some(byte) => {
                bytes.push(byte);
                after.get(2..).unwrap_or_default()
            }
            None => {
                bytes.push(b'%');
                after
            }
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
pub(super) mod tests;
