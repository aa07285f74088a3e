//! The code version of a workflow: a hash of its tokens.
//!
//! Spans, spacing, doc comments and optional commas are left out, so neither a formatter nor a
//! comment changes a version. The hash must be equal on every machine and for every compiler
//! release, which is why it is written out here.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// The hash of `tokens` as 32 hexadecimal digits.
pub(crate) fn hash(tokens: TokenStream) -> String {
    let mut fnv = Fnv(OFFSET_BASIS);
    feed(&mut fnv, tokens, false);
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
        if let Some(after) = skip_doc_comment(rest) {
            rest = after;
            continue;
        }
        rest = after;
        match token {
            // The invisible groups of macro fragments come and go with how a call was produced.
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                feed(fnv, group.stream(), false);
            }
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

/// What follows a `#[doc …]` or `#![doc …]` at the start of `tokens`.
fn skip_doc_comment(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    let (TokenTree::Punct(hash), mut rest) = tokens.split_first()? else {
        return None;
    };
    if hash.as_char() != '#' {
        return None;
    }
    if let Some((TokenTree::Punct(bang), after)) = rest.split_first()
        && bang.as_char() == '!'
    {
        rest = after;
    }
    let (TokenTree::Group(group), after) = rest.split_first()? else {
        return None;
    };
    match group.stream().into_iter().next() {
        Some(TokenTree::Ident(ident)) if ident == "doc" => Some(after),
        _ => None,
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
mod tests {
    use super::hash;

    fn of(source: &str) -> String {
        hash(source.parse().unwrap())
    }

    #[test]
    fn is_the_published_function() {
        let mut fnv = super::Fnv(super::OFFSET_BASIS);
        fnv.bytes(b"foobar");
        assert_eq!(fnv.0, 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }

    #[test]
    fn stays_the_same_from_release_to_release() {
        assert_eq!(
            of("async fn f(ctx: WorkflowContext) -> Result<()> { Ok(()) }"),
            "f8fa08010d69187a449d414ee1cc46fc"
        );
    }

    /// Rules: V6
    #[test]
    fn formatting_and_comments_change_nothing() {
        let plain =
            of("fn f(a: u8, b: Vec<u8>) { let x = -1; g(a, b); match x { 1 => {} _ => h(x) } }");
        for same in [
            "fn f(a:u8,b:Vec<u8>){let x=-1;g(a,b);match x{1=>{}_=>h(x)}}",
            "fn f(\n a: u8,\n b: Vec<u8>,\n) {\n let x = -1; // why\n g(\n a,\n b,\n ); match x { 1 => {}, _ => h(x), } }",
            "/// Docs.\n fn f(a: u8, b: Vec<u8>) { /* x */ let x = -1; /// inner\n g(a, b); match x { 1 => {} _ => h(x) } }",
            "#[doc = \"Docs.\"] fn f(a: u8, b: Vec<u8,>) { #![doc = \"x\"] let x = -1; g(a, b); match x { 1 => {} _ => h(x) } }",
        ] {
            assert_eq!(of(same), plain, "{same}");
        }
    }

    /// Rules: V6
    #[test]
    fn code_changes_it() {
        let plain = of("{ load(&ctx, 1).await?; save(&ctx, (x)).await?; }");
        for other in [
            "{ fetch(&ctx, 1).await?; save(&ctx, (x)).await?; }",
            "{ load(&ctx, 2).await?; save(&ctx, (x)).await?; }",
            "{ load(&ctx, 1u8).await?; save(&ctx, (x)).await?; }",
            "{ save(&ctx, (x)).await?; load(&ctx, 1).await?; }",
            "{ load(&ctx, 1).await?; save(&ctx, (x,)).await?; }",
            "{ load(&ctx, 1).await; save(&ctx, (x)).await?; }",
            "{ load(&ctx, 1).await?; { save(&ctx, (x)).await?; } }",
        ] {
            assert_ne!(of(other), plain, "{other}");
        }
    }
}
