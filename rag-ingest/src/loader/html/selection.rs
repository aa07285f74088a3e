//! Which blocks of a page are its content.

use super::blocks::{Block, Shape};

/// Content that is left with less than this share of a page's text was not found; then all is content.
const MIN_SHARE: usize = 4;
/// So many lines of links in a row are a menu.
const MENU_LINES: usize = 5;

/// The blocks that are the page's content, in order.
///
/// Each rule only counts while it leaves a quarter of the text: a page that calls everything navigation is read
/// whole rather than lost.
pub(super) fn main_content(blocks: &[Block]) -> Vec<&Block> {
    let all: Vec<&Block> = blocks.iter().collect();
    let proper = keep(&all, |block| !block.boilerplate);
    let main = keep(&proper, |block| block.main);
    let menus = menus(&main);
    let mut index = 0;
    keep(&main, |_| {
        index += 1;
        !menus.get(index - 1).copied().unwrap_or(false)
    })
}

fn keep<'a>(blocks: &[&'a Block], mut rule: impl FnMut(&Block) -> bool) -> Vec<&'a Block> {
    let kept: Vec<&Block> = blocks.iter().copied().filter(|block| rule(block)).collect();
    let size = |blocks: &[&Block]| blocks.iter().map(|block| block.text.len()).sum::<usize>();
    if size(&kept) * MIN_SHARE >= size(blocks) && !kept.is_empty() {
        kept
    } else {
        blocks.to_vec()
    }
}

/// Marks runs of lines that are nothing but links.
fn menus(blocks: &[&Block]) -> Vec<bool> {
    let is_link = |block: &Block| {
        matches!(block.shape, Shape::Item { .. } | Shape::Paragraph)
            && block.linked * 5 >= block.text.len() * 4
            && block.text.len() < 120
    };
    let mut marks = Vec::with_capacity(blocks.len());
    for run in blocks.chunk_by(|a, b| is_link(a) == is_link(b)) {
        let menu = run.len() >= MENU_LINES && run.first().is_some_and(|block| is_link(block));
        marks.extend(run.iter().map(|_| menu));
    }
    marks
}
