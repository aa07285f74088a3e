//! From bytes to characters.
//!
//! In this order: a byte order mark, valid UTF-8, UTF-16 without a mark, nearly valid UTF-8, what an HTML file
//! says of itself, and then a guess by statistics. A guess is only taken for text that reads like text: a
//! detector left alone calls a file full of 0xFF bytes Arabic.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::document::Document;
use crate::normalise::SourceMap;

/// Text and the encoding it was in.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) encoding: String,
    /// How many sequences were not valid in that encoding.
    pub(super) damaged: usize,
    /// How many bytes stand before the text in the file, if all of the text's bytes are the file's.
    pub(super) skipped: Option<usize>,
}

impl Decoded {
    /// Gives a document the encoding that its text was in, where it stands in the file, if it is the file's text, and a
    /// warning if it was damaged.
    pub(super) fn describe(&self, mut document: Document) -> Document {
        document.encoding.clone_from(&self.encoding);
        document.source = self
            .skipped
            .and_then(|skipped| SourceMap::of(&self.text, &document.text, skipped));
        if self.damaged > 0 {
            let damage = format!(
                "{} byte sequences are not valid {} and were replaced",
                self.damaged, self.encoding
            );
            document.warnings.insert(0, damage);
        }
        document
    }
}

/// So many zeros may be a fifth of a text.
const FEW_NULS: usize = 8;
/// How much of a file the statistics look at.
const SAMPLE_BYTES: usize = 256 << 10;

/// Decodes text; an error says why the bytes are no text.
pub(super) fn decode(bytes: &[u8], html: bool) -> Result<Decoded, &'static str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let mut decoded = with(encoding, bytes.get(mark..).unwrap_or_default());
        decoded.skipped = (encoding == UTF_8 && decoded.damaged == 0).then_some(mark);
        return refuse_controls(decoded);
    }
    let nuls = bytes.iter().filter(|byte| **byte == 0).count();
    if nuls > 0
        && let Some(encoding) = wide_encoding(bytes)
    {
        return refuse_controls(with(encoding, bytes));
    }
    // Some stray NULs are a fault in a text, and a short one has soon more than one in a hundred; many are something else.
    let share = if nuls <= FEW_NULS { 5 } else { 100 };
    if nuls * share > bytes.len() {
        return Err("it is full of zero bytes");
    }
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => {
            return refuse_controls(Decoded {
                text: text.to_owned(),
                encoding: UTF_8.name().to_owned(),
                damaged: 0,
                skipped: Some(0),
            });
        }
        Err(error) => error,
    };
    if mostly_utf8(bytes) {
        return refuse_controls(with(UTF_8, bytes));
    }
    let declared = html.then(|| declared_encoding(bytes)).flatten();
    let encoding = declared.unwrap_or_else(|| guess(bytes, error.valid_up_to()));
    let decoded = refuse_controls(with(encoding, bytes))?;
    refuse_noise(decoded)
}

fn with(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    let damaged = if damaged {
        text.matches('\u{FFFD}').count()
    } else {
        0
    };
    Decoded {
        text: text.into_owned(),
        encoding: encoding.name().to_owned(),
        damaged,
        skipped: None,
    }
}

/// UTF-16 shows in Western text as a zero in every other byte.
fn wide_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = bytes.get(..bytes.len().min(SAMPLE_BYTES) & !1)?;
    let pairs = sample.len() / 2;
    let count = |offset| {
        sample
            .iter()
            .skip(offset)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let (even, odd) = (count(0), count(1));
    let many = |zeros| zeros * 10 >= pairs * 4;
    let few = |zeros| zeros * 50 <= pairs;
    match () {
        () if pairs == 0 => None,
        () if many(odd) && few(even) => Some(UTF_16LE),
        () if many(even) && few(odd) => Some(UTF_16BE),
        () => None,
    }
}

/// Whether UTF-8 has a few broken characters in it, as a cut or a bad copy leaves them.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        // Non-ASCII characters have exactly one byte that starts them.
        good += chunk.valid().bytes().filter(|byte| *byte >= 0xC0).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good >= bad * 8
}

/// The encoding that an HTML file declares in its first kilobyte.
fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..bytes.len().min(1024))?.to_ascii_lowercase();
    let head = String::from_utf8_lossy(&head).into_owned();
    let label = head
        .split_once("charset")?
        .1
        .trim_start()
        .strip_prefix('=')?;
    let label = label.trim_start().trim_start_matches(['"', '\'']);
    let end = label
        .find(['"', '\'', '>', ';', ' ', '/'])
        .unwrap_or(label.len());
    // A declaration that is legible as ASCII is not in a wide encoding, and UTF-8 has been tried.
    Encoding::for_label(label.get(..end)?.as_bytes())
        .filter(|encoding| encoding.is_ascii_compatible() && *encoding != UTF_8)
}

fn guess(bytes: &[u8], first_odd: usize) -> &'static Encoding {
    let start = first_odd.saturating_sub(1024);
    let end = bytes.len().min(start + SAMPLE_BYTES);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(
        bytes.get(start..end).unwrap_or_default(),
        end == bytes.len(),
    );
    detector.guess(None, Utf8Detection::Deny)
}

fn refuse_controls(decoded: Decoded) -> Result<Decoded, &'static str> {
    let sample = sample(&decoded.text);
    let odd = |character: &char| {
        // Backspace and escape occur in manual pages and logs.
        matches!(character, '\u{1}'..='\u{7}' | '\u{E}'..='\u{1A}' | '\u{1C}'..='\u{1F}' | '\u{7F}')
    };
    let controls = sample.chars().filter(odd).count();
    if controls * 50 > sample.chars().count() {
        return Err("it is full of control characters");
    }
    Ok(decoded)
}

/// Refuses what a statistical guess made of bytes that are no text in any encoding.
fn refuse_noise(decoded: Decoded) -> Result<Decoded, &'static str> {
    let sample = sample(&decoded.text);
    let (mut all, mut odd, mut spaces) = (0_usize, 0_usize, 0_usize);
    let (mut run, mut longest, mut before) = (0_usize, 0_usize, None);
    for character in sample.chars() {
        all += 1;
        odd += usize::from(matches!(character, '\u{80}'..='\u{9F}' | '\u{FFFD}'));
        spaces += usize::from(character.is_whitespace());
        run = if before == Some(character) {
            run + 1
        } else {
            1
        };
        before = Some(character);
        if !character.is_ascii() {
            longest = longest.max(run);
        }
    }
    let ideographs = sample.chars().filter(|c| *c >= '\u{3000}').count();
    if longest >= 64 && longest * 4 > all {
        return Err("it repeats one byte that is no letter");
    }
    if odd * 20 > all {
        return Err("its bytes are not text in any encoding that was recognised");
    }
    // Alphabets have spaces between words; only ideographic scripts do without.
    if all > 200 && spaces * 100 < all && ideographs * 2 < all {
        return Err("it has no words: its bytes are not text in any encoding that was recognised");
    }
    Ok(decoded)
}

fn sample(text: &str) -> &str {
    text.get(..text.floor_char_boundary(SAMPLE_BYTES))
        .unwrap_or(text)
}
