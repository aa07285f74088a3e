//! What a search gives.

use std::collections::HashMap;

use serde::Serialize;

use super::snippet::Snippet;
use super::{Fused, SearchError};
use crate::collection::{Collection, Passage};
use crate::discover::location_of;
use crate::document::Kind;

/// A passage that answers the question, perhaps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// The file.
    pub path: String,
    /// Where the passage stands, for people: file, page (or slide, sheet, chapter, cell) and headings.
    pub citation: String,
    /// The sum of the reciprocal ranks; only good for comparing hits of one search.
    pub score: f64,
    /// Its places in the two rankings.
    pub ranks: Ranks,
    /// The score of a [`Reranker`](super::Reranker), if there is one; then hits are in its order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reranked: Option<f64>,
    /// The passage.
    pub text: String,
    /// The part of it where the words of the question stand.
    pub snippet: Snippet,
    /// First byte in the normalised text of the document.
    pub start: i64,
    /// One past the last byte.
    pub end: i64,
    /// First character in the normalised text; nothing until the document is ingested by this version.
    pub start_char: Option<i64>,
    /// One past the last character.
    pub end_char: Option<i64>,
    /// First byte in the file, if the text is the file's own (plain text, Markdown, source code, in UTF-8).
    pub file_start: Option<i64>,
    /// One past the last byte in the file.
    pub file_end: Option<i64>,
    /// The headings it stands under, joined by ` > `.
    pub heading: Option<String>,
    /// The page it begins on, from 1.
    pub page: Option<i64>,
    /// The page it ends on.
    pub last_page: Option<i64>,
    /// What pages are: `page`, `slide`, `sheet`, `chapter` or `cell`; nothing where there are none.
    pub page_name: Option<&'static str>,
    /// The word for what the document was made from, see [`Kind`].
    pub kind: String,
    /// The title that the document gives itself.
    pub title: Option<String>,
    /// When the file was last changed, as RFC 3339 has it.
    pub modified: String,
    /// The number of the document, for asking for all of it.
    pub document: i64,
    /// The number of the chunk.
    pub chunk: i64,
}

/// The places of a passage in the rankings, from 1; none where it is not among the candidates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Ranks {
    /// By the vectors.
    pub vector: Option<u32>,
    /// By the words.
    pub keyword: Option<u32>,
}

/// Reads the chunks that were found. Those that were replaced meanwhile are left out.
pub(super) async fn read(
    collection: &Collection,
    found: &[Fused],
    words: &[String],
) -> Result<Vec<Hit>, SearchError> {
    let ids: Vec<i64> = found.iter().map(|fused| fused.chunk).collect();
    let passages = collection.passages(&ids).await?;
    let mut passages: HashMap<i64, Passage> = passages
        .into_iter()
        .map(|passage| (passage.id, passage))
        .collect();
    Ok(found
        .iter()
        .filter_map(|fused| Some(hit(fused, passages.remove(&fused.chunk)?, words)))
        .collect())
}

fn hit(fused: &Fused, passage: Passage, words: &[String]) -> Hit {
    let path = location_of(&passage.root, &passage.path);
    let path = path.display().to_string();
    let heading = (!passage.heading.is_empty()).then(|| passage.heading.join(" > "));
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == passage.kind);
    let page_name = passage.pages.map(|_| kind.map_or("page", Kind::page_name));
    Hit {
        citation: citation(&path, page_name, passage.pages, heading.as_deref()),
        path,
        score: fused.score,
        ranks: fused.ranks,
        reranked: None,
        snippet: Snippet::of(&passage.text, words),
        text: passage.text,
        start: passage.start,
        end: passage.end,
        start_char: passage.characters.map(|(start, _)| start),
        end_char: passage.characters.map(|(_, end)| end),
        file_start: passage.file.map(|(start, _)| start),
        file_end: passage.file.map(|(_, end)| end),
        heading,
        page: passage.pages.map(|(first, _)| first),
        last_page: passage.pages.map(|(_, last)| last),
        page_name,
        kind: passage.kind,
        title: passage.title,
        modified: moment(passage.mtime_ns),
        document: passage.document,
        chunk: passage.id,
    }
}

fn citation(
    path: &str,
    page_name: Option<&str>,
    pages: Option<(i64, i64)>,
    heading: Option<&str>,
) -> String {
    let mut citation = path.to_owned();
    if let Some((name, (first, last))) = page_name.zip(pages) {
        if first == last {
            citation.push_str(&format!(", {name} {first}"));
        } else {
            citation.push_str(&format!(", {name}s {first}-{last}"));
        }
    }
    if let Some(heading) = heading {
        citation.push_str(", ");
        citation.push_str(heading);
    }
    citation
}

/// A moment as RFC 3339 has it, in UTC, to the second.
pub(crate) fn moment(ns: i64) -> String {
    jiff::Timestamp::from_second(ns.div_euclid(1_000_000_000))
        .unwrap_or_default()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::{citation, moment};

    #[test]
    fn a_citation_names_what_the_format_counts() {
        assert_eq!(
            citation("a.pptx", Some("slide"), Some((3, 3)), Some("Plan > Costs")),
            "a.pptx, slide 3, Plan > Costs"
        );
        assert_eq!(
            citation("a.pdf", Some("page"), Some((3, 4)), None),
            "a.pdf, pages 3-4"
        );
        assert_eq!(citation("a.md", None, None, None), "a.md");
    }

    #[test]
    fn moments_are_written_for_people_and_programs() {
        assert_eq!(moment(1_767_225_600_123_456_789), "2026-01-01T00:00:00Z");
        assert_eq!(moment(-1), "1969-12-31T23:59:59Z");
    }
}
