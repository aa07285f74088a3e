//! Guessing which option was meant.

/// What other libraries call our options.
const SYNONYMS: [(&str, &str); 12] = [
    ("attempts", "max_attempts"),
    ("backoff", "backoff_rate"),
    ("backoff_factor", "backoff_rate"),
    ("class_name", "class"),
    ("delay", "interval"),
    ("id", "name"),
    ("max_delay", "max_interval"),
    ("max_retries", "max_attempts"),
    ("required_roles", "roles"),
    ("retries", "max_attempts"),
    ("retry_on", "retry_if"),
    ("when", "retry_if"),
];

/// The option that `word` probably stands for.
pub(super) fn meant<'a>(word: &str, options: &[&'a str]) -> Option<&'a str> {
    let synonym = SYNONYMS
        .iter()
        .find(|(synonym, _)| *synonym == word)
        .and_then(|(_, option)| options.iter().find(|candidate| *candidate == option));
    match synonym {
        Some(option) => Some(option),
        None => nearest(word, options),
    }
}

/// The candidate nearest to `word`, if any is near enough to have been meant.
fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    candidates
        .iter()
        .copied()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many characters must be added, dropped or replaced to turn `from` into `to`.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (index, left) in from.chars().enumerate() {
        let mut diagonal = index;
        let mut last = index + 1;
        for (right, cell) in to.chars().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            *cell = (diagonal + usize::from(left != right))
                .min(above + 1)
                .min(last + 1);
            diagonal = above;
            last = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, meant};

    #[test]
    fn counts_edits() {
        for (from, to, expected) in [
            ("", "", 0),
            ("", "name", 4),
            ("name", "", 4),
            ("nam", "name", 1),
            ("retries", "retry_if", 4),
            ("max_atempts", "max_attempts", 1),
        ] {
            assert_eq!(distance(from, to), expected, "{from} -> {to}");
        }
    }

    #[test]
    fn suggests_only_what_may_have_been_meant() {
        let options = ["name", "pure", "max_attempts", "max_interval", "timeout"];
        for (word, expected) in [
            ("max_atempts", Some("max_attempts")),
            ("timout", Some("timeout")),
            ("nmae", Some("name")),
            ("retries", Some("max_attempts")),
            ("retry_on", None),
            ("queue", None),
        ] {
            assert_eq!(meant(word, &options), expected, "{word}");
        }
    }
}
