//! The vocabulary as a trie over bytes, kept in one flat hash table.
//!
//! Words are matched greedily from the left, so each byte of a text is looked up once per token that starts
//! before it and ends after it. That keeps counting linear even in text without a single space.

/// Where a whole word, or its first piece, starts.
pub(super) const WORD: u32 = 0;
/// Where a piece that continues a word starts (`##` in the vocabulary file).
pub(super) const CONTINUATION: u32 = 1;

const NO_TOKEN: u32 = u32::MAX;

/// Node and byte to node; node to token.
#[derive(Debug)]
pub(super) struct Trie {
    /// Open addressing: the edge in the high half, the node it leads to in the low half. Zero is a free slot,
    /// which no edge can be, since none leads back to node 0.
    slots: Vec<u64>,
    mask: usize,
    tokens: Vec<u32>,
}

impl Trie {
    /// Builds the trie of a vocabulary file: one piece a line, its number is the line's.
    pub(super) fn new(vocabulary: &str) -> Self {
        // Every byte of the file makes at most one edge; half of the slots stay free.
        let capacity = (vocabulary.len().max(64) * 2).next_power_of_two();
        let mut trie = Self {
            slots: vec![0; capacity],
            mask: capacity - 1,
            tokens: vec![NO_TOKEN; 2],
        };
        for (id, piece) in (0_u32..).zip(vocabulary.lines()) {
            let (root, bytes) = match piece.strip_prefix("##") {
                Some(rest) if !rest.is_empty() => (CONTINUATION, rest),
                _ => (WORD, piece),
            };
            let node = bytes.bytes().fold(root, |node, byte| trie.grow(node, byte));
            if let Some(token) = trie.tokens.get_mut(node as usize) {
                *token = id;
            }
        }
        trie
    }

    /// The longest piece at the start of `bytes`: its token and its length.
    pub(super) fn longest(&self, root: u32, bytes: &[u8]) -> Option<(u32, usize)> {
        let mut node = root;
        let mut best = None;
        for (index, byte) in bytes.iter().enumerate() {
            match self.child(node, *byte) {
                Some(next) => node = next,
                None => break,
            }
            match self.tokens.get(node as usize) {
                Some(&token) if token != NO_TOKEN => best = Some((token, index + 1)),
                _ => {}
            }
        }
        best
    }

    fn child(&self, node: u32, byte: u8) -> Option<u32> {
        let edge = edge(node, byte);
        let mut slot = self.slot(edge);
        loop {
            let found = self.slots.get(slot).copied().unwrap_or(0);
            if found == 0 {
                return None;
            }
            if (found >> 32) as u32 == edge {
                return Some(found as u32);
            }
            slot = (slot + 1) & self.mask;
        }
    }

    fn grow(&mut self, node: u32, byte: u8) -> u32 {
        if let Some(child) = self.child(node, byte) {
            return child;
        }
        let child = u32::try_from(self.tokens.len()).unwrap_or(NO_TOKEN);
        self.tokens.push(NO_TOKEN);
        let edge = edge(node, byte);
        let mut slot = self.slot(edge);
        while self.slots.get(slot).is_some_and(|found| *found != 0) {
            slot = (slot + 1) & self.mask;
        }
        if let Some(free) = self.slots.get_mut(slot) {
            *free = u64::from(edge) << 32 | u64::from(child);
        }
        child
    }

    fn slot(&self, edge: u32) -> usize {
        // Multiplicative hashing; the high bits are the well-mixed ones.
        let mixed = u64::from(edge).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 40) as usize & self.mask
    }
}

fn edge(node: u32, byte: u8) -> u32 {
    node << 8 | u32::from(byte)
}
