//! The part of a passage that shows why it was found.

use std::collections::HashSet;

use serde::Serialize;

use super::question::stem;

/// How long a snippet is at most, in characters, without the dots at its ends.
const LENGTH: usize = 240;
/// How many characters stand before the first marked word, if there are so many.
const BEFORE: usize = 60;

/// A part of a text on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snippet {
    /// The part. Where the text goes on before it or after it, it has an ellipsis.
    pub text: String,
    /// Where the words of the question stand in it: first byte, and one past the last.
    pub marks: Vec<(usize, usize)>,
}

impl Snippet {
    /// The part of `text` where most of the words stand; its beginning if there are none.
    pub fn of(text: &str, words: &[String]) -> Self {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let stems: HashSet<String> = words.iter().map(|word| stem(word)).collect();
        let found: Vec<Found> = tokens(&line)
            .filter_map(|(start, token)| {
                let stem = stem(token);
                let end = start + token.len();
                stems.contains(&stem).then_some(Found { start, end, stem })
            })
            .collect();
        let from = best_start(&line, &found);
        let to = after(&line, from, LENGTH);
        // No word is cut at the end, unless it is longer than all of it.
        let to = if to < line.len() {
            let cut = line.get(from..to).unwrap_or_default();
            from + cut.rfind(' ').unwrap_or(cut.len())
        } else {
            to
        };
        let before = if from > 0 { "…" } else { "" };
        let behind = if to < line.len() { "…" } else { "" };
        let part = line.get(from..to).unwrap_or_default();
        let marks = found
            .iter()
            .filter(|found| from <= found.start && found.end <= to)
            .map(|found| {
                let shift = before.len();
                (found.start - from + shift, found.end - from + shift)
            })
            .collect();
        Self {
            text: format!("{before}{part}{behind}"),
            marks,
        }
    }

    /// The text with something before and after every marked word.
    pub fn marked(&self, open: &str, close: &str) -> String {
        let mut marked = String::with_capacity(self.text.len());
        let mut done = 0;
        for (start, end) in &self.marks {
            marked.push_str(self.text.get(done..*start).unwrap_or_default());
            marked.push_str(open);
            marked.push_str(self.text.get(*start..*end).unwrap_or_default());
            marked.push_str(close);
            done = *end;
        }
        marked.push_str(self.text.get(done..).unwrap_or_default());
        marked
    }
}

struct Found {
    start: usize,
    end: usize,
    stem: String,
}

/// The words of a line with their places.
fn tokens(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.split(|character: char| !character.is_alphanumeric())
        .filter(|token| !token.is_empty())
        .map(|token| (token.as_ptr() as usize - line.as_ptr() as usize, token))
}

/// Where the window with the most different words begins; of equal ones the first, or the one with more marks.
fn best_start(line: &str, found: &[Found]) -> usize {
    let mut best = (0, 0, 0);
    for (index, first) in found.iter().enumerate() {
        let from = word_start(line, before(line, first.start, BEFORE));
        let to = after(line, from, LENGTH);
        let inside = || {
            let rest = found.get(index..).unwrap_or_default();
            rest.iter().take_while(|found| found.end <= to)
        };
        let different = inside()
            .map(|found| &found.stem)
            .collect::<HashSet<_>>()
            .len();
        let marks = inside().count();
        if (different, marks) > (best.0, best.1) {
            best = (different, marks, from);
        }
    }
    // What is short enough is shown from its beginning.
    if line.chars().nth(LENGTH).is_none() {
        0
    } else {
        best.2
    }
}

/// The place `count` characters behind another.
fn after(line: &str, from: usize, count: usize) -> usize {
    let rest = line.get(from..).unwrap_or_default();
    rest.char_indices()
        .nth(count)
        .map_or(line.len(), |(index, _)| from + index)
}

/// The place `count` characters before another.
fn before(line: &str, to: usize, count: usize) -> usize {
    let rest = line.get(..to).unwrap_or_default();
    rest.char_indices()
        .rev()
        .nth(count.saturating_sub(1))
        .map_or(0, |(index, _)| index)
}

/// The first beginning of a word at or behind a place.
fn word_start(line: &str, from: usize) -> usize {
    if from == 0 {
        return 0;
    }
    let rest = line.get(from..).unwrap_or_default();
    rest.find(' ').map_or(from, |space| from + space + 1)
}

#[cfg(test)]
mod tests {
    use super::Snippet;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn forms_of_the_words_are_marked() {
        let snippet = Snippet::of(
            "A step\nthat failed is   RETRIED.",
            &words(&["retry", "steps"]),
        );
        assert_eq!(
            snippet.marked("[", "]"),
            "A [step] that failed is [RETRIED]."
        );
    }

    #[test]
    fn the_part_with_most_of_the_words_is_shown() {
        let text = format!(
            "{} whales {} whales sing loudly {}",
            "x ".repeat(200),
            "y ".repeat(200),
            "z ".repeat(200)
        );
        let snippet = Snippet::of(&text, &words(&["whale", "sing"]));
        assert_eq!(snippet.marks.len(), 2);
        assert!(
            snippet.marked("[", "]").contains("[whales] [sing] loudly"),
            "{snippet:?}"
        );
        assert!(snippet.text.starts_with('…') && snippet.text.ends_with('…'));
    }

    #[test]
    fn without_a_word_it_is_the_beginning() {
        let text = "ä".repeat(1000);
        let snippet = Snippet::of(&text, &words(&["whale"]));
        assert_eq!(snippet.text.chars().count(), 241);
        assert!(snippet.marks.is_empty());
        assert_eq!(Snippet::of("", &[]).text, "");
    }
}
