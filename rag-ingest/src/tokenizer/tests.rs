use super::{PIECES, Tokenizer, Word};

fn words(text: &str) -> Vec<(&str, u32)> {
    Tokenizer::builtin()
        .words(text)
        .map(|Word { start, end, tokens }| (&text[start..end], tokens))
        .collect()
}

#[test]
fn the_numbers_are_those_of_the_original_tokenizer() {
    let golden = include_str!("../../tests/fixtures/wordpiece.tsv");
    for line in golden.lines() {
        let (text, ids) = line.rsplit_once('\t').unwrap();
        let expected: Vec<u32> = ids.split(' ').map(|id| id.parse().unwrap()).collect();
        assert_eq!(Tokenizer::builtin().ids(text), expected, "{text:?}");
    }
}

#[test]
fn the_vocabulary_is_complete() {
    assert_eq!(Tokenizer::builtin().vocabulary_size(), 30_522);
    let placeholders: Vec<_> = PIECES.lines().skip(100).take(4).collect();
    assert_eq!(placeholders, ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]);
}

#[test]
fn a_text_without_words_has_no_pieces() {
    assert_eq!(Tokenizer::builtin().count(" \t\n\u{200B}\u{E000}"), 0);
    assert!(Tokenizer::builtin().ids("").is_empty());
}

#[test]
fn words_know_where_they_stand() {
    assert_eq!(
        words("The  \u{C9}tude, \u{6771}x"),
        [
            ("The", 1),
            ("\u{C9}tude", 2),
            (",", 1),
            ("\u{6771}", 1),
            ("x", 1)
        ]
    );
}

#[test]
fn unbroken_text_is_read_in_stretches_rather_than_called_unknown() {
    let long = "ab".repeat(10_000);
    let words = words(&long);
    assert_eq!(words.len(), 200);
    assert!(
        words
            .iter()
            .all(|(word, tokens)| word.len() == 100 && *tokens > 10)
    );
}

#[test]
fn a_placeholder_written_in_a_text_is_only_text() {
    assert_eq!(Tokenizer::builtin().count("[MASK]"), 3);
}
