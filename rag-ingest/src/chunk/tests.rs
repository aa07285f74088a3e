use super::{Chunk, ChunkOptions, chunk};
use crate::document::{Document, PageSpan};
use crate::tokenizer::Tokenizer;

fn cut(document: &Document, max_tokens: u32, overlap_tokens: u32) -> Vec<Chunk> {
    let options = ChunkOptions {
        max_tokens,
        overlap_tokens,
        ..ChunkOptions::default()
    };
    chunk(document, &options, Tokenizer::builtin())
}

fn texts<'a>(document: &'a Document, chunks: &[Chunk]) -> Vec<&'a str> {
    chunks.iter().map(|chunk| chunk.text(document)).collect()
}

fn sentences(count: usize) -> String {
    (0..count)
        .map(|number| format!("Sentence number {number} tells of a ship. "))
        .collect()
}

/// What must hold for every document and every option.
fn check(document: &Document, max_tokens: u32, overlap_tokens: u32) {
    let chunks = cut(document, max_tokens, overlap_tokens);
    let text = &document.text;
    let mut covered = 0;
    for (ordinal, chunk) in chunks.iter().enumerate() {
        let content = &text[chunk.start..chunk.end];
        assert_eq!(chunk.ordinal as usize, ordinal);
        assert!(
            chunk.tokens <= max_tokens.max(16),
            "{} tokens",
            chunk.tokens
        );
        assert_eq!(
            Tokenizer::builtin().count(content),
            chunk.tokens as usize,
            "{content:?}"
        );
        assert!(chunk.end > covered, "chunk {ordinal} brings nothing new");
        if chunk.start > covered {
            assert_eq!(
                text[covered..chunk.start].trim(),
                "",
                "lost before chunk {ordinal}"
            );
        }
        covered = chunk.end;
    }
    assert_eq!(text[covered..].trim(), "", "lost at the end");
    assert!(chunks.windows(2).all(|pair| pair[0].start < pair[1].start));
}

#[test]
fn every_text_is_covered_by_chunks_that_fit() {
    let bricks = [
        "word ",
        "Sentence. ",
        "\n",
        "\n\n",
        "# Heading\n\n",
        "## Other\n",
        "```\ncode { }\n```\n",
        "~~~\n",
        "| a | b |\n| --- | --- |\n| c | d |\n",
        "\u{6771}\u{4EAC}\u{3002}",
        "\u{D55C}\u{AD6D}\u{C5B4}",
        "e\u{301}",
        "\u{E000}",
        "    ",
        "- item\n",
        "unbrokenunbrokenunbroken",
        "\u{1F44D}",
        "(x, y)",
        "===\n",
        "|",
        "\u{200D}",
    ];
    // A small generator with a fixed seed: the same documents in every run.
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    for _ in 0..400 {
        let text: String = (0..next(200)).map(|_| bricks[next(bricks.len())]).collect();
        let (size, overlap) = (16 + next(60) as u32, next(40) as u32);
        check(&Document::plain(&text), size, overlap);
        check(&Document::markdown(&text), size, overlap);
    }
}

#[test]
fn a_short_text_is_one_chunk() {
    let document = Document::plain("One line.\n\nAnother line.");
    assert_eq!(
        texts(&document, &cut(&document, 200, 30)),
        [document.text.as_str()]
    );
}

#[test]
fn white_space_makes_no_chunk() {
    assert_eq!(cut(&Document::plain(" \n\n \n"), 200, 30), []);
}

#[test]
fn a_heading_starts_a_new_chunk() {
    let document = Document::markdown("# One\n\nfirst\n\n## Two\n\nsecond");
    let chunks = cut(&document, 200, 30);
    assert_eq!(
        texts(&document, &chunks),
        ["# One\n\nfirst", "## Two\n\nsecond"]
    );
    assert_eq!(chunks[1].heading, ["One", "Two"]);
}

#[test]
fn headings_without_text_between_them_stay_with_what_follows() {
    let document = Document::markdown("# One\n\n## Two\n\ntext");
    let chunks = cut(&document, 200, 30);
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].heading, ["One", "Two"]);
}

#[test]
fn a_code_fence_that_fits_is_not_cut() {
    let fence = format!("```rust\n{}```", "let x = call(y);\n\n".repeat(4));
    let document = Document::markdown(&format!("{}\n\n{fence}\n\n{}", sentences(4), sentences(4)));
    let chunks = cut(&document, 60, 20);
    assert!(
        texts(&document, &chunks)
            .iter()
            .any(|text| text.contains(&fence)),
        "{chunks:?}"
    );
}

#[test]
fn a_table_that_fits_is_not_cut() {
    let table = "| port | ships |\n| --- | --- |\n| Cork | 12 |\n| Brest | 7 |\n| Kiel | 31 |";
    let document = Document::markdown(&format!("{}\n\n{table}\n\n{}", sentences(5), sentences(5)));
    let chunks = cut(&document, 56, 20);
    assert!(
        texts(&document, &chunks)
            .iter()
            .any(|text| text.contains(table)),
        "{chunks:?}"
    );
}

#[test]
fn a_code_fence_that_does_not_fit_is_cut_between_lines() {
    let code = "let value = compute(1);\n".repeat(40);
    let document = Document::markdown(&format!("```\n{code}```"));
    let chunks = cut(&document, 50, 0);
    assert!(chunks.len() > 3);
    assert!(
        texts(&document, &chunks)[1..]
            .iter()
            .all(|text| text.starts_with("let value"))
    );
}

#[test]
fn a_long_paragraph_is_cut_between_sentences_and_overlaps_by_whole_sentences() {
    let document = Document::plain(&sentences(30));
    let chunks = cut(&document, 60, 20);
    let texts = texts(&document, &chunks);
    assert!(
        texts
            .iter()
            .all(|text| text.starts_with("Sentence") && text.ends_with("ship."))
    );
    assert!(
        chunks.windows(2).all(|pair| pair[1].start < pair[0].end),
        "no overlap: {chunks:?}"
    );
}

#[test]
fn nothing_is_repeated_across_a_heading() {
    let document = Document::markdown(&format!(
        "# A\n\n{}\n\n# B\n\n{}",
        sentences(3),
        sentences(3)
    ));
    let chunks = cut(&document, 200, 30);
    assert_eq!(chunks[1].text(&document).lines().next(), Some("# B"));
}

#[test]
fn a_line_break_inside_a_sentence_is_no_better_than_a_space() {
    let wrapped = sentences(30).replace(" tells", "\ntells");
    let document = Document::plain(&wrapped);
    let chunks = cut(&document, 60, 0);
    assert!(
        texts(&document, &chunks)
            .iter()
            .all(|text| text.starts_with("Sentence"))
    );
}

#[test]
fn chunks_know_their_pages() {
    let mut document = Document::plain("alpha beta\n\ngamma delta");
    document.pages = vec![
        PageSpan {
            page: 4,
            start: 0,
            end: 10,
        },
        PageSpan {
            page: 5,
            start: 12,
            end: 23,
        },
    ];
    assert_eq!(cut(&document, 200, 0)[0].pages, Some((4, 5)));
    assert_eq!(cut(&Document::plain("x"), 200, 0)[0].pages, None);
}

#[test]
fn megabytes_without_a_space_are_cut_in_linear_time() {
    let document = Document::plain(&"a".repeat(2 << 20));
    let chunks = cut(&document, 200, 30);
    assert!(chunks.len() > 4000);
    assert!(chunks.iter().all(|chunk| chunk.tokens <= 200));
}

#[test]
fn a_desert_of_spaces_does_not_make_a_giant_chunk() {
    let document = Document::plain(&format!("a{}b", " ".repeat(1 << 20)));
    assert_eq!(texts(&document, &cut(&document, 200, 30)), ["a", "b"]);
}

#[test]
fn editing_one_paragraph_leaves_the_chunks_of_other_sections_as_they_are() {
    let section = |name: &str| format!("# {name}\n\n{}\n\n", sentences(20));
    let before = Document::markdown(&[section("A"), section("B"), section("C")].concat());
    let after = Document::markdown(
        &[
            section("A"),
            section("B").replacen("number 3", "three", 1),
            section("C"),
        ]
        .concat(),
    );
    let (old, new) = (cut(&before, 60, 20), cut(&after, 60, 20));
    let old = texts(&before, &old);
    let fresh = texts(&after, &new)
        .into_iter()
        .filter(|text| !old.contains(text))
        .count();
    assert!((1..=2).contains(&fresh), "{fresh} chunks changed");
}

#[test]
fn the_text_to_embed_begins_with_the_headings() {
    let document = Document::markdown("# Ships\n\n## Sails\n\ncanvas");
    let chunks = cut(&document, 200, 30);
    assert!(
        chunks[0]
            .embedding_text(&document)
            .starts_with("Ships > Sails\n")
    );
}
