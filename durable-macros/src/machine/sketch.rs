//! One line of source, as short as a picture can show it.
//!
//! Made of tokens, so that a formatter does not change a picture. Arguments of durable calls and
//! `.await` are left out: the calls have nodes of their own.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::Expr;

use crate::contexts::Contexts;

/// The longest line, in characters.
const LONGEST: usize = 48;

/// The source of `tokens`, cut where it gets too long.
pub(super) fn sketch(tokens: TokenStream, contexts: &Contexts) -> String {
    let mut sketch = Sketch {
        text: String::new(),
        last: Last::Open,
        contexts,
    };
    sketch.write(tokens);
    let mut characters = sketch.text.char_indices();
    match characters.nth(LONGEST) {
        Some(_) => {
            let end = sketch.text.char_indices().nth(LONGEST - 1);
            let end = end.map_or(0, |(index, _)| index);
            let kept = sketch.text.get(..end).unwrap_or_default();
            format!("{}…", kept.trim_end())
        }
        None => sketch.text,
    }
}

struct Sketch<'a> {
    text: String,
    last: Last,
    contexts: &'a Contexts,
}

/// What was written last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing, or what a value may follow without a space: an opening bracket, a prefix.
    Open,
    /// A word or a value.
    Value,
    /// A word that cannot end a value: `in`, `if`, `mut`.
    Keyword,
    /// The name of a type, after which `<` begins its arguments.
    Type,
    /// What a space follows.
    Blank,
}

impl Sketch<'_> {
    fn write(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        // Whether the inputs of a closure have begun.
        let mut inputs = false;
        // How many `<` of types are open.
        let mut types = 0_usize;
        while let Some((token, after)) = rest.split_first() {
            rest = after;
            match token {
                TokenTree::Group(group) => self.group(group.delimiter(), group.stream()),
                TokenTree::Ident(_) | TokenTree::Literal(_) => self.word(&token.to_string()),
                TokenTree::Punct(_) => {
                    let (operator, after) = operator(rest, token);
                    rest = after;
                    // `.await`
                    if operator == "."
                        && let Some((TokenTree::Ident(word), after)) = rest.split_first()
                        && word == "await"
                    {
                        rest = after;
                        continue;
                    }
                    self.operator(&operator, &mut inputs, &mut types);
                }
            }
        }
    }

    fn word(&mut self, word: &str) {
        if matches!(
            self.last,
            Last::Value | Last::Type | Last::Keyword | Last::Blank
        ) {
            self.text.push(' ');
        }
        self.text.push_str(word);
        let keyword = [
            "as", "async", "box", "dyn", "else", "if", "in", "let", "match", "move", "mut", "ref",
            "return",
        ];
        self.last = if keyword.contains(&word) {
            Last::Keyword
        } else if word.starts_with(|first: char| first.is_ascii_uppercase()) {
            Last::Type
        } else {
            Last::Value
        };
    }

    fn group(&mut self, delimiter: Delimiter, stream: TokenStream) {
        let after_value = matches!(self.last, Last::Value | Last::Type);
        let (open, close) = match delimiter {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::None => ("", ""),
        };
        if matches!(self.last, Last::Keyword | Last::Blank)
            || after_value && delimiter == Delimiter::Brace
        {
            self.text.push(' ');
        }
        self.text.push_str(open);
        let is_durable = after_value && delimiter == Delimiter::Parenthesis;
        if is_durable && self.begins_with_context(&stream) {
            self.text.push('…');
        } else if delimiter == Delimiter::Brace && !stream.is_empty() {
            self.text.push(' ');
            self.last = Last::Open;
            self.write(stream);
            self.text.push(' ');
        } else {
            self.last = Last::Open;
            self.write(stream);
        }
        self.text.push_str(close);
        self.last = Last::Value;
    }

    fn begins_with_context(&self, stream: &TokenStream) -> bool {
        let first: TokenStream = stream
            .clone()
            .into_iter()
            .take_while(|token| !matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','))
            .collect();
        syn::parse2::<Expr>(first).is_ok_and(|first| self.contexts.is_context(&first))
    }

    fn operator(&mut self, operator: &str, inputs: &mut bool, types: &mut usize) {
        let after_value = matches!(self.last, Last::Value | Last::Type);
        let space_before = |sketch: &mut Self| {
            if sketch.last != Last::Open {
                sketch.text.push(' ');
            }
        };
        let next = match operator {
            "," | ";" => Last::Blank,
            ":" => Last::Blank,
            ".." | "..=" => {
                if self.last == Last::Blank {
                    self.text.push(' ');
                }
                Last::Open
            }
            "." | "::" => Last::Open,
            "?" => Last::Value,
            "'" => {
                space_before(self);
                Last::Open
            }
            "!" if after_value => Last::Open,
            "<" if self.last == Last::Type || self.text.ends_with("::") => {
                *types += 1;
                Last::Open
            }
            ">" if *types > 0 => {
                *types -= 1;
                Last::Type
            }
            "|" if *inputs => {
                *inputs = false;
                Last::Blank
            }
            "|" if !after_value => {
                if matches!(self.last, Last::Keyword | Last::Blank) {
                    self.text.push(' ');
                }
                *inputs = true;
                Last::Open
            }
            "||" if !after_value => {
                if matches!(self.last, Last::Keyword | Last::Blank) {
                    self.text.push(' ');
                }
                Last::Blank
            }
            "&" | "&&" | "*" | "-" | "!" | "#" if !after_value => {
                if matches!(self.last, Last::Keyword | Last::Blank) {
                    self.text.push(' ');
                }
                Last::Open
            }
            _ => {
                space_before(self);
                Last::Blank
            }
        };
        self.text.push_str(operator);
        self.last = next;
    }
}

/// An operator of one or more characters, and what follows it.
fn operator<'a>(mut rest: &'a [TokenTree], first: &TokenTree) -> (String, &'a [TokenTree]) {
    const LONG: [&str; 19] = [
        "::", "->", "=>", "==", "!=", "<=", ">=", "&&", "||", "..", "..=", "+=", "-=", "*=", "/=",
        "%=", "&=", "|=", "^=",
    ];
    let mut operator = first.to_string();
    let mut joint = is_joint(first);
    while joint
        && let Some((next, after)) = rest.split_first()
        && LONG.contains(&format!("{operator}{next}").as_str())
    {
        operator = format!("{operator}{next}");
        joint = is_joint(next);
        rest = after;
    }
    (operator, rest)
}

fn is_joint(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.spacing() == Spacing::Joint)
}

#[cfg(test)]
mod tests {
    use quote::format_ident;

    use super::sketch;
    use crate::contexts::Contexts;

    fn of(source: &str) -> String {
        let contexts = Contexts::new(&format_ident!("ctx"));
        sketch(source.parse().unwrap(), &contexts)
    }

    #[test]
    fn reads_like_source() {
        for source in [
            "Ok(document)",
            "Err(_)",
            "Some(Job { id, .. })",
            "A | B",
            "[first, .., last]",
            "n @ 1..=9",
            "-1",
            "state.count >= limit && !done",
            "a * b + -c",
            "Some(x) if x > 3",
            "let Some(next) = queue.pop()",
            "files.iter().filter(|file| file.size > 1_000)",
            "x == *y || is::<Vec<u8>>(&z)",
            "matches!(kind, Kind::A)",
            "name[1..]",
            "&mut items",
            "items?.len()",
        ] {
            assert_eq!(of(source), source);
        }
    }

    #[test]
    fn spacing_of_the_source_does_not_matter() {
        assert_eq!(of("a  .  len ( ) > 1"), "a.len() > 1");
        assert_eq!(of("Ok ( x )"), "Ok(x)");
    }

    #[test]
    fn what_has_a_node_of_its_own_is_short() {
        assert_eq!(
            of("load(&ctx, &request, 1).await? > ctx.sleep(1).await"),
            "load(…)? > ctx.sleep(1)"
        );
    }

    #[test]
    fn long_lines_are_cut() {
        let long = of("first.second().third().fourth().fifth().sixth().seventh()");
        assert_eq!(long, "first.second().third().fourth().fifth().sixth()…");
        assert_eq!(long.chars().count(), 48);
    }
}
