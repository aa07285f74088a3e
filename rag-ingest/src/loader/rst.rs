//! reStructuredText, which is kept as it is, and where its headings are.

use super::source::Source;
use super::{LoadError, Loaded, Loader};
use crate::document::{Document, Heading};

pub(super) struct ReStructuredText;

impl Loader for ReStructuredText {
    fn name(&self) -> &'static str {
        "reStructuredText"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["rst"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source.has_extension(self.extensions()) && source.text().is_ok()
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        let decoded = source.decoded()?;
        let mut document = Document::plain(&decoded.text);
        document.headings = headings(&document.text);
        document.title = document.headings.first().map(|it| it.title.clone());
        Ok(decoded.describe(document).into())
    }
}

/// The underlined titles of a text. The first style of line that occurs is the highest level, and so on.
fn headings(text: &str) -> Vec<Heading> {
    let mut styles: Vec<(u8, bool)> = Vec::new();
    let mut headings = Vec::new();
    // The last three lines, the youngest last, each with where it starts.
    let mut recent: [(usize, &str); 3] = [(0, ""); 3];
    let mut at = 0;
    for line in text.split('\n') {
        let [_, above, (title_at, title)] = recent;
        if let Some(mark) = rule(line)
            && title.chars().any(char::is_alphanumeric)
            && line.chars().count() >= title.trim_end().chars().count()
        {
            let overlined = rule(above.1) == Some(mark);
            // A title follows an empty line or the line over it; it is only indented below the latter.
            if overlined || above.1.trim().is_empty() && !title.starts_with(char::is_whitespace) {
                let style = (mark, overlined);
                let level = styles.iter().position(|known| *known == style);
                let level = level.unwrap_or_else(|| {
                    styles.push(style);
                    styles.len() - 1
                });
                headings.push(Heading {
                    level: u8::try_from(level + 1).unwrap_or(6).min(6),
                    title: title.trim().to_owned(),
                    start: if overlined { above.0 } else { title_at },
                });
            }
        }
        recent = [recent[1], recent[2], (at, line)];
        at += line.len() + 1;
    }
    headings
}

/// The character that a line is drawn with, if it is nothing but one kind of punctuation.
fn rule(line: &str) -> Option<u8> {
    let line = line.trim_end().as_bytes();
    let mark = *line.first().filter(|mark| mark.is_ascii_punctuation())?;
    (line.len() >= 3 && line.iter().all(|byte| *byte == mark)).then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::headings;

    fn found(text: &str) -> Vec<(u8, String, usize)> {
        headings(text)
            .into_iter()
            .map(|heading| (heading.level, heading.title, heading.start))
            .collect()
    }

    #[test]
    fn levels_follow_the_order_in_which_styles_occur() {
        let text = "=====\nPorts\n=====\n\ntext\n\nCork\n----\n\nShips\n~~~~~\n\nBrest\n-----\n";
        assert_eq!(
            found(text),
            [
                (1, "Ports".to_owned(), 0),
                (2, "Cork".to_owned(), 25),
                (3, "Ships".to_owned(), 36),
                (2, "Brest".to_owned(), 49)
            ]
        );
    }

    #[test]
    fn a_line_under_a_paragraph_makes_no_heading() {
        assert_eq!(found("one\ntwo\n---\n"), []);
        assert_eq!(found("a longer line\n---\n"), []);
        assert_eq!(found("\n  indented\n  --------\n"), []);
    }
}
