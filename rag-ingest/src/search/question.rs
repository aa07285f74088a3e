//! What a question asks for: a text for the model, and words for the index of words.

/// How much of a question a model is given, in bytes: more than any model here reads.
const READ: usize = 8 << 10;
/// How many words are looked for.
const WORDS: usize = 64;

/// Words that stand in nearly every English text, and say nothing about one.
const EVERYWHERE: &str = "a about after all also am an and any are as at be because been before being both but by can \
    could d did do does doing don down during each else ever few for from further had has have having he her here hers \
    him his how i if in into is isn it its itself just ll let m may me might more most must my no nor not of off on once \
    only or other our ours out over own please re s same shall she should so some such t tell than that the their theirs \
    them then there these they this those through to too under until up us ve very was we were what when where which \
    while who whom whose why will with without would you your yours";

/// A question, cut down to what searches can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// What the model reads.
    pub(crate) text: String,
    /// The words that a text may be found by, in lower case, each once; none if all of them stand everywhere.
    pub(crate) words: Vec<String>,
}

impl Question {
    /// A question as somebody wrote it; nothing if it is empty.
    pub(crate) fn of(written: &str) -> Option<Self> {
        let written = written.trim();
        if written.is_empty() {
            return None;
        }
        let text = written.get(..written.floor_char_boundary(READ));
        let mut words: Vec<String> = Vec::new();
        let all = written.split(|character: char| !character.is_alphanumeric());
        for word in all.filter(|word| !word.is_empty()) {
            if words.len() == WORDS {
                break;
            }
            let word = word.to_lowercase();
            if !stands_everywhere(&word) && !words.contains(&word) {
                words.push(word);
            }
        }
        Some(Self {
            text: text.unwrap_or_default().to_owned(),
            words,
        })
    }
}

fn stands_everywhere(word: &str) -> bool {
    EVERYWHERE
        .split_ascii_whitespace()
        .any(|known| known == word)
}

/// The part of an English word that its forms share: `retries`, `retried` and `retrying` give the same. Only good for
/// comparing words with each other.
pub(crate) fn stem(word: &str) -> String {
    /// What is kept is at least so long.
    const LEAST: usize = 3;
    const ENDINGS: [&str; 11] = [
        "ingly", "edly", "ings", "ies", "ied", "ing", "ed", "es", "ly", "s", "y",
    ];
    let word = word.to_lowercase();
    let ending = ENDINGS.iter().find_map(|ending| {
        let kept = word.strip_suffix(ending)?;
        (kept.chars().count() >= LEAST && !(*ending == "s" && kept.ends_with('s'))).then_some(kept)
    });
    let kept = ending.unwrap_or(&word);
    let mut kept: String = kept.strip_suffix('e').unwrap_or(kept).to_owned();
    // `stopped` and `stopping` are forms of `stop`.
    let mut last = kept.chars().rev();
    if let (Some(a), Some(b)) = (last.next(), last.next())
        && a == b
        && ending.is_some()
        && !"ls".contains(a)
        && kept.chars().count() > LEAST
    {
        kept.pop();
    }
    if kept.ends_with(['i', 'y']) && kept.chars().count() > LEAST {
        kept.pop();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{Question, stem};

    fn words(question: &str) -> Vec<String> {
        Question::of(question).unwrap().words
    }

    #[test]
    fn punctuation_and_quotes_are_no_syntax() {
        assert_eq!(
            words("What's \"NEAR\" (a OR b)* AND col:umn^2 - NOT?"),
            ["near", "b", "col", "umn", "2"]
        );
    }

    #[test]
    fn nothing_is_no_question_and_words_that_stand_everywhere_find_nothing() {
        assert_eq!(Question::of(" \n\t"), None);
        assert_eq!(words("what is it?"), Vec::<String>::new());
    }

    #[test]
    fn a_question_as_long_as_a_book_is_cut_down() {
        let book: String = (0..20_000).map(|number| format!("wört{number} ")).collect();
        let question = Question::of(&book).unwrap();
        assert!(question.text.len() <= 8 << 10);
        assert_eq!(question.words.len(), 64);
    }

    #[test]
    fn forms_of_a_word_have_the_same_stem() {
        for forms in [
            &["retry", "retries", "retried", "retrying"][..],
            &["stop", "stops", "stopped", "stopping"],
            &["write", "writes", "writing"],
            &["document", "documents", "documented"],
            &["class", "classes"],
        ] {
            let stems: Vec<_> = forms.iter().map(|form| stem(form)).collect();
            assert!(
                stems.iter().all(|it| *it == stems[0]),
                "{forms:?}: {stems:?}"
            );
        }
        assert_ne!(stem("string"), stem("strong"));
        assert_eq!(stem("is"), "is");
    }
}
