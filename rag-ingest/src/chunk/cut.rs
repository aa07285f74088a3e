//! Where to cut a full window.

use std::collections::VecDeque;

use super::atoms::{Atom, Strength};

/// The best place to cut: how many atoms go into the chunk, more than the `repeated` ones at its front.
///
/// The strongest break in the second half, or failing that the last break that is not inside a word, or else the
/// end of the window. `None` if everything but the repeated atoms belongs together with what comes next.
pub(super) fn best(
    window: &VecDeque<Atom>,
    repeated: usize,
    next: Strength,
    max_tokens: u32,
) -> Option<usize> {
    let mut tokens = 0;
    let mut strongest: Option<(Strength, usize)> = None;
    let mut last_word: Option<usize> = None;
    let mut last_any: Option<usize> = None;
    let breaks = window.iter().map(|atom| (atom.strength, atom.tokens));
    for (place, (strength, size)) in breaks.chain([(next, 0)]).enumerate() {
        if place > repeated && strength > Strength::Inside {
            last_any = Some(place);
            if strength > Strength::Glued {
                last_word = Some(place);
                if tokens * 2 >= max_tokens && strongest.is_none_or(|(best, _)| strength >= best) {
                    strongest = Some((strength, place));
                }
            }
        }
        tokens += size;
    }
    strongest
        .map(|(_, place)| place)
        .or(last_word)
        .or(last_any)
        // A window without any break starts inside something that turned out not to fit.
        .or_else(|| (repeated == 0).then_some(window.len()))
}

/// How many of the atoms before a cut the next chunk repeats: back to the start of a sentence if one starts within
/// the limit, else to the start of a word.
///
/// Nothing is repeated at the border of a section, a table or a code fence.
pub(super) fn overlap(
    window: &VecDeque<Atom>,
    place: usize,
    strength: Strength,
    limit: u32,
) -> usize {
    if strength >= Strength::Block {
        return 0;
    }
    let mut tokens = 0;
    let (mut word, mut sentence) = (0, 0);
    for (back, atom) in (1..).zip(window.iter().take(place).rev()) {
        tokens += atom.tokens;
        // The first atom stays behind: every chunk starts later than the one before it.
        if tokens > limit || atom.heading || atom.strength == Strength::Inside || back == place {
            break;
        }
        if atom.strength >= Strength::Word {
            word = back;
        }
        if atom.strength >= Strength::Sentence {
            sentence = back;
        }
        if atom.strength >= Strength::Block {
            break;
        }
    }
    if sentence > 0 { sentence } else { word }
}
