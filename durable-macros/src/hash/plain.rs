//! Tokens without what makes no difference.

use proc_macro2::{Delimiter, Group, Punct, Spacing, TokenStream, TokenTree};

/// Attributes that are for the reader and for the compiler's warnings, not for what the code does.
const SILENT: [&str; 7] = [
    "allow",
    "allow_nondeterminism",
    "deny",
    "doc",
    "expect",
    "forbid",
    "warn",
];

/// The tokens without silent attributes, without the invisible groups of macro fragments, and in
/// one of the forms between which a formatter chooses: `=> x` rather than `=> { x }`, `|a| x`
/// rather than `|a| { x }`, and `{ return x }` rather than `{ return x; }`.
pub(super) fn plain(tokens: TokenStream) -> TokenStream {
    unwrapped(visible(tokens)).into_iter().collect()
}

/// The tokens of all invisible groups, without silent attributes; other groups are plain already.
fn visible(tokens: TokenStream) -> Vec<TokenTree> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut rest = tokens.as_slice();
    let mut visible = Vec::new();
    while let Some((token, after)) = rest.split_first() {
        if let Some(after) = after_silent_attribute(rest) {
            rest = after;
            continue;
        }
        rest = after;
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                visible.append(&mut self::visible(group.stream()));
            }
            TokenTree::Group(group) => {
                let mut inside = unwrapped(self::visible(group.stream()));
                if group.delimiter() == Delimiter::Brace && ends_by_leaving(&inside) {
                    inside.pop();
                }
                let group = Group::new(group.delimiter(), inside.into_iter().collect());
                visible.push(TokenTree::Group(group));
            }
            token => visible.push(token.clone()),
        }
    }
    visible
}

/// What follows a silent attribute at the start of `tokens`.
fn after_silent_attribute(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    let (hash, mut rest) = tokens.split_first()?;
    if !is_punct(Some(hash), '#') {
        return None;
    }
    if let Some((bang, after)) = rest.split_first()
        && is_punct(Some(bang), '!')
    {
        rest = after;
    }
    let (TokenTree::Group(group), after) = rest.split_first()? else {
        return None;
    };
    // The last word of the path: `allow_nondeterminism` may be written with one.
    let mut name = None;
    for token in group.stream() {
        match token {
            TokenTree::Ident(ident) => name = Some(ident),
            TokenTree::Punct(punct) if punct.as_char() == ':' => {}
            _ => break,
        }
    }
    let is_silent = SILENT
        .iter()
        .any(|silent| name.as_ref().is_some_and(|name| name == silent));
    (group.delimiter() == Delimiter::Bracket && is_silent).then_some(after)
}

/// The tokens without the braces around the one expression of an arm or a closure.
fn unwrapped(tokens: Vec<TokenTree>) -> Vec<TokenTree> {
    let mut unwrapped: Vec<TokenTree> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let mut before = unwrapped.iter().rev();
        let last = before.next();
        let is_arm = is_punct(last, '>') && is_punct(before.next(), '=');
        let is_body = is_arm || is_punct(last, '|');
        let goes_on = is_punct(rest.peek(), '.') || is_punct(rest.peek(), '?');
        match expression(&token) {
            Some(mut inside) if is_body && !goes_on => {
                let ends_in_block = matches!(
                    inside.last(),
                    Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace
                );
                unwrapped.append(&mut inside);
                // Behind a block the comma between two arms is optional.
                if is_arm && !ends_in_block && rest.peek().is_some() && !is_punct(rest.peek(), ',')
                {
                    unwrapped.push(Punct::new(',', Spacing::Alone).into());
                }
            }
            _ => unwrapped.push(token),
        }
    }
    unwrapped
}

/// What stands in a block, if that is one expression.
fn expression(token: &TokenTree) -> Option<Vec<TokenTree>> {
    let TokenTree::Group(group) = token else {
        return None;
    };
    let inside: Vec<TokenTree> = group.stream().into_iter().collect();
    let has_statements = inside.iter().any(|token| is_punct(Some(token), ';'));
    (group.delimiter() == Delimiter::Brace && !inside.is_empty() && !has_statements)
        .then_some(inside)
}

/// Whether the last statement of a block is `return …;`, `break …;` or `continue;`.
fn ends_by_leaving(tokens: &[TokenTree]) -> bool {
    let Some((last, before)) = tokens.split_last() else {
        return false;
    };
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_punct(Some(token), ';'),
    };
    let statement = before.iter().rposition(is_end).map_or(0, |end| end + 1);
    let leaves = match before.get(statement) {
        Some(TokenTree::Ident(word)) => word == "return" || word == "break" || word == "continue",
        _ => false,
    };
    is_punct(Some(last), ';') && leaves
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}
