//! Rich text (RTF): its text, table cells and outline levels; everything about looks is dropped.
//!
//! One pass over the bytes with a stack of groups; nothing recurses, and every byte is looked at once.

mod charset;

use encoding_rs::{Encoding, WINDOWS_1252};

use self::charset::{of_charset, of_code_page};
use super::source::Source;
use super::{LoadError, Loaded, Loader};
use crate::document::{Document, Heading, Kind};
use crate::normalise::normalise;

/// Groups nest a handful of levels; a file that goes deeper wants to do harm.
const MAX_GROUPS: usize = 10_000;
const WHAT: &str = "RTF document";

/// Groups that hold no text of the document.
const SILENT: &[&str] = &[
    "fonttbl",
    "colortbl",
    "stylesheet",
    "pict",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "listtable",
    "listoverridetable",
    "rsidtbl",
    "generator",
    "themedata",
    "datastore",
    "latentstyles",
    "xmlnstbl",
    "object",
    "fldinst",
    "info",
    "bkmkstart",
    "bkmkend",
    "filetbl",
    "revtbl",
    "pntext",
    "nonshppict",
    "shppict",
    "datafield",
    "ftnsep",
    "ftnsepc",
    "aftnsep",
    "aftnsepc",
];

pub(super) struct Rtf;

impl Loader for Rtf {
    fn name(&self) -> &'static str {
        "rich text (RTF)"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["rtf"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source.head(64).trim_ascii_start().starts_with(b"{\\rtf")
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        let mut reader = Reader::default();
        reader.read(source)?;
        Ok(reader.finish().into())
    }
}

/// What holds until the end of a group.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    silent: bool,
    title: bool,
    hidden: bool,
    font: i32,
    /// How many characters stand in for one in Unicode, for readers that know none.
    fallback: usize,
}

#[derive(Default)]
struct Reader {
    groups: Vec<Group>,
    now: Group,
    /// Fonts that name a character set.
    fonts: Vec<(i32, &'static Encoding)>,
    in_fonts: Option<usize>,
    code_page: Option<&'static Encoding>,
    /// Bytes that wait to be decoded: a character may have two.
    bytes: Vec<u8>,
    /// The first half of a character outside the basic plane.
    surrogate: Option<u16>,
    /// How many fallback characters are still to be skipped.
    skip: usize,
    paragraph: String,
    outline: Option<u8>,
    text: String,
    headings: Vec<Heading>,
    title: String,
    replaced: usize,
}

impl Reader {
    fn read(&mut self, source: &Source<'_>) -> Result<(), LoadError> {
        self.now.fallback = 1;
        let mut rest = source.bytes();
        let mut opened = false;
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'{' => {
                    self.flush();
                    self.skip = 0;
                    opened = true;
                    if self.groups.len() >= MAX_GROUPS {
                        return Err(source.corrupt(
                            WHAT,
                            format!("its groups nest deeper than {MAX_GROUPS} levels"),
                        ));
                    }
                    self.groups.push(self.now);
                }
                b'}' => {
                    self.flush();
                    self.skip = 0;
                    self.now = self.groups.pop().unwrap_or_default();
                    if self.in_fonts.is_some_and(|depth| self.groups.len() < depth) {
                        self.in_fonts = None;
                    }
                    if opened && self.groups.is_empty() {
                        // What follows the end of the document is none of it.
                        return Ok(());
                    }
                }
                b'\\' => rest = self.control(rest),
                b'\r' | b'\n' => {}
                _ => self.byte(*byte),
            }
        }
        Err(source.truncated(WHAT))
    }

    /// Reads a control word or symbol; gives what follows it.
    fn control<'b>(&mut self, rest: &'b [u8]) -> &'b [u8] {
        let letters = rest
            .iter()
            .take(32)
            .take_while(|byte| byte.is_ascii_alphabetic());
        let length = letters.count();
        let (word, mut rest) = rest.split_at(length);
        if length == 0 {
            let Some((symbol, after)) = rest.split_first() else {
                return rest;
            };
            return self.symbol(*symbol, after);
        }
        let negative = rest.first() == Some(&b'-');
        let digits_at = usize::from(negative);
        let digits = rest
            .iter()
            .skip(digits_at)
            .take(10)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let mut number = None;
        if digits > 0 {
            let (parameter, after) = rest.split_at(digits_at + digits);
            number = std::str::from_utf8(parameter)
                .ok()
                .and_then(|it| it.parse::<i32>().ok());
            rest = after;
        }
        rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let word = std::str::from_utf8(word).unwrap_or_default();
        if word == "bin" {
            // Raw bytes follow, whatever they look like.
            let skipped = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
            return rest.get(skipped.min(rest.len())..).unwrap_or_default();
        }
        self.word(word, number);
        rest
    }

    fn symbol<'b>(&mut self, symbol: u8, after: &'b [u8]) -> &'b [u8] {
        match symbol {
            b'\'' => {
                let Some((digits, rest)) = after.split_at_checked(2) else {
                    return after;
                };
                let digits = std::str::from_utf8(digits).unwrap_or_default();
                if let Ok(byte) = u8::from_str_radix(digits, 16) {
                    self.byte(byte);
                    return rest;
                }
            }
            b'\\' | b'{' | b'}' => self.byte(symbol),
            b'~' => self.character(' '),
            b'_' => self.character('-'),
            b'\r' | b'\n' => self.end_paragraph(),
            // The group may be ignored by a reader that does not know it.
            b'*' => self.now.silent = true,
            _ => {}
        }
        after
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        if word == "u" {
            return self.unicode(number.unwrap_or(0));
        }
        self.flush();
        match word {
            "par" | "sect" | "page" => self.end_paragraph(),
            "line" => self.character('\n'),
            "tab" => self.character('\t'),
            "cell" | "nestcell" => self.write(" | "),
            "row" | "nestrow" => self.end_paragraph(),
            "emdash" => self.character('\u{2014}'),
            "endash" => self.character('\u{2013}'),
            "bullet" => self.character('\u{2022}'),
            "lquote" => self.character('\u{2018}'),
            "rquote" => self.character('\u{2019}'),
            "ldblquote" => self.character('\u{201C}'),
            "rdblquote" => self.character('\u{201D}'),
            "pard" => self.outline = None,
            "outlinelevel" => {
                let level = number.and_then(|level| u8::try_from(level).ok());
                self.outline = level
                    .filter(|level| *level < 9)
                    .map(|level| level.min(5) + 1);
            }
            "v" => self.now.hidden = number != Some(0),
            "uc" => self.now.fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(1),
            "ansicpg" => self.code_page = number.and_then(of_code_page),
            "mac" => self.code_page = Some(encoding_rs::MACINTOSH),
            "f" => self.now.font = number.unwrap_or(0),
            "fcharset" if self.in_fonts.is_some() => {
                if let Some(encoding) = number.and_then(of_charset) {
                    self.fonts.push((self.now.font, encoding));
                }
            }
            "title" => {
                self.now.title = true;
                self.now.silent = true;
            }
            "fonttbl" => {
                self.in_fonts = Some(self.groups.len());
                self.now.silent = true;
            }
            _ if SILENT.contains(&word) => self.now.silent = true,
            _ => {}
        }
    }

    /// A character in UTF-16, written as a signed number.
    fn unicode(&mut self, number: i32) {
        self.flush();
        self.skip = self.now.fallback;
        let unit = u16::try_from(number.rem_euclid(0x1_0000)).unwrap_or(0xFFFD);
        let first = self.surrogate.take();
        if matches!(unit, 0xD800..=0xDBFF) {
            self.surrogate = Some(unit);
            return;
        }
        let units = first.into_iter().chain([unit]);
        let character = char::decode_utf16(units).last();
        self.character(character.and_then(Result::ok).unwrap_or('\u{FFFD}'));
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        if !self.now.silent || self.now.title {
            self.bytes.push(byte);
        }
    }

    /// Decodes the bytes that wait, in the character set of their font.
    fn flush(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let font = self.fonts.iter().find(|(font, _)| *font == self.now.font);
        let encoding = font
            .map(|(_, encoding)| *encoding)
            .or(self.code_page)
            .unwrap_or(WINDOWS_1252);
        let (text, damaged) = encoding.decode_without_bom_handling(&bytes);
        self.replaced += usize::from(damaged);
        self.write(&text);
    }

    fn character(&mut self, character: char) {
        self.flush();
        self.write(character.encode_utf8(&mut [0; 4]));
    }

    fn write(&mut self, text: &str) {
        if self.now.title {
            self.title.push_str(text);
        } else if !self.now.silent && !self.now.hidden {
            self.paragraph.push_str(text);
        }
    }

    fn end_paragraph(&mut self) {
        self.flush();
        if self.now.silent {
            return;
        }
        let paragraph = normalise(&std::mem::take(&mut self.paragraph));
        let paragraph = paragraph.trim().trim_end_matches('|').trim_end();
        if paragraph.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        if let Some(level) = self.outline {
            self.headings.push(Heading {
                level,
                title: paragraph.replace('\n', " "),
                start: self.text.len(),
            });
        }
        self.text.push_str(paragraph);
    }

    fn finish(mut self) -> Document {
        self.now = Group::default();
        self.end_paragraph();
        let title = normalise(&self.title);
        let first = self.headings.first().map(|it| it.title.clone());
        let encoding = self.code_page.unwrap_or(WINDOWS_1252);
        let mut document = Document {
            kind: Kind::RichText,
            title: Some(title.trim().to_owned())
                .filter(|it| !it.is_empty())
                .or(first),
            text: self.text,
            headings: self.headings,
            encoding: encoding.name().to_owned(),
            ..Document::plain("")
        };
        if self.replaced > 0 {
            document.warnings.push(format!(
                "{} pieces of text are not valid in their character set; what could not be read was replaced",
                self.replaced
            ));
        }
        document
    }
}

#[cfg(test)]
mod tests;
