//! Tokens as a person would write them, for messages.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// The source text of a pattern or a type: `(u32, &'a [T])` rather than `(u32 , & 'a [T])`.
pub(crate) fn spelled(source: &impl ToTokens) -> String {
    let mut text = String::new();
    let mut glue = Glue::None;
    write(source.to_token_stream(), &mut text, &mut glue);
    text
}

/// What stands before the next token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Glue {
    None,
    Word,
    Blank,
}

fn write(tokens: TokenStream, text: &mut String, glue: &mut Glue) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let delimiters = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => (" { ", " }"),
                    Delimiter::None => ("", ""),
                };
                // A word before a bracket is `mut` or a lifetime.
                let after_word = *glue == Glue::Word && group.delimiter() == Delimiter::Bracket;
                if after_word || *glue == Glue::Blank {
                    text.push(' ');
                }
                text.push_str(delimiters.0);
                *glue = Glue::None;
                write(group.stream(), text, glue);
                text.push_str(delimiters.1);
                *glue = Glue::Word;
            }
            TokenTree::Punct(punct) => {
                let character = punct.as_char();
                let operator = matches!(character, '+' | '=' | '-') && *glue != Glue::None;
                if operator || *glue == Glue::Blank {
                    text.push(' ');
                }
                text.push(character);
                *glue = match character {
                    ',' | ';' | '+' | '=' => Glue::Blank,
                    ':' if punct.spacing() == Spacing::Alone && !text.ends_with("::") => {
                        Glue::Blank
                    }
                    '>' if text.ends_with("->") => Glue::Blank,
                    '>' => Glue::Word,
                    _ => Glue::None,
                };
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                if *glue != Glue::None {
                    text.push(' ');
                }
                text.push_str(&token.to_string());
                *glue = Glue::Word;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::spelled;

    #[test]
    fn reads_like_source() {
        for source in [
            "u32",
            "(u32, &'a [T])",
            "&'a str",
            "&mut Vec<Option<u8>>",
            "ctx: StepContext",
            "std::collections::HashMap<K, Vec<V>>",
            "(low, [high, ..])",
            "&mut [T]",
            "Box<dyn Fn(&str) -> bool + Send>",
            "[u8; 4]",
            "mut name",
        ] {
            let tokens: proc_macro2::TokenStream = source.parse().unwrap();
            assert_eq!(spelled(&tokens), source);
        }
    }
}
