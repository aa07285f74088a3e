//! The code version of a workflow: a hash of its tokens.
//!
//! Spans, spacing, comments, lint levels and what a formatter may add or drop are left out (see
//! [`plain`]), so neither a formatter nor a comment changes a version. The hash must be equal on
//! every machine and for every compiler release, which is why it is written out here.

mod plain;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// The hash of `tokens` as 32 hexadecimal digits.
pub(crate) fn hash(tokens: TokenStream) -> String {
    let mut fnv = Fnv(OFFSET_BASIS);
    feed(&mut fnv, plain::plain(tokens), false);
    format!("{:032x}", fnv.0)
}

/// 128-bit FNV-1a.
struct Fnv(u128);

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }

    /// A token is fed with a terminator, so that `ab c` and `a bc` differ.
    fn token(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.bytes(&[0]);
    }
}

fn feed(fnv: &mut Fnv, tokens: TokenStream, one_tuple: bool) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut rest = tokens.as_slice();
    let mut previous: Option<&TokenTree> = None;
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        match token {
            TokenTree::Group(group) => {
                let (open, close) = delimiters(group.delimiter());
                fnv.token(open);
                feed(fnv, group.stream(), is_one_tuple(previous, group));
                fnv.token(close);
            }
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                if one_tuple || !is_optional_comma(previous, after) {
                    fnv.token(",");
                }
            }
            // Whether a punctuation touches the next is left out: it is all that
            // distinguishes `x=-1` from `x = -1`.
            TokenTree::Punct(punct) => fnv.token(punct.as_char().encode_utf8(&mut [0; 4])),
            TokenTree::Ident(ident) => fnv.token(&ident.to_string()),
            TokenTree::Literal(literal) => fnv.token(&literal.to_string()),
        }
        previous = Some(token);
    }
}

/// Whether a formatter may add or drop this comma: before a closing bracket, after a block.
fn is_optional_comma(previous: Option<&TokenTree>, after: &[TokenTree]) -> bool {
    let closes = match after.first() {
        None => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == '>',
        Some(_) => false,
    };
    let after_block = matches!(
        previous,
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace
    );
    closes || after_block
}

/// Whether `group` is a tuple of one element, where the comma means something.
fn is_one_tuple(previous: Option<&TokenTree>, group: &Group) -> bool {
    let is_call = match previous {
        None | Some(TokenTree::Literal(_)) => false,
        Some(TokenTree::Punct(punct)) => matches!(punct.as_char(), '>' | '!'),
        Some(TokenTree::Ident(_) | TokenTree::Group(_)) => true,
    };
    let commas = group
        .stream()
        .into_iter()
        .filter(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','))
        .count();
    group.delimiter() == Delimiter::Parenthesis && !is_call && commas == 1
}

fn delimiters(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

#[cfg(test)]
mod tests;
