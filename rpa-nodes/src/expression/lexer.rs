use super::ExpressionError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Integer(i64),
    Float(f64),
    /// A text in quotes, with its escapes resolved.
    Text(String),
    /// A name or a word of the language.
    Name(String),
    /// What stands between the braces of a placeholder.
    Placeholder(String),
    Symbol(&'static str),
}

/// Longer ones first, so that `<=` is not read as `<`.
const SYMBOLS: [&str; 27] = [
    "**", "//", "==", "!=", "<=", ">=", "<>", "&&", "||", "+", "-", "*", "/", "%", "<", ">", "(",
    ")", "[", "]", "{", "}", ",", ":", ".", "=", "!",
];

/// Cuts a text into tokens, each with the place where it begins.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ExpressionError> {
    let mut tokens: Vec<(usize, Token)> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            return Ok(tokens);
        };
        let wants_operand = !matches!(
            tokens.last(),
            Some((
                _,
                Token::Integer(_)
                    | Token::Float(_)
                    | Token::Text(_)
                    | Token::Placeholder(_)
                    | Token::Symbol(")" | "]" | "}")
            ))
        ) && !matches!(tokens.last(), Some((_, Token::Name(name))) if !is_word(name));
        let (token, length) = if let Some(found) = placeholder(rest, wants_operand) {
            found
        } else if first == '\'' || first == '"' {
            quoted(rest, first, at)?
        } else if first.is_ascii_digit()
            || (first == '.'
                && rest
                    .chars()
                    .nth(1)
                    .is_some_and(|next| next.is_ascii_digit()))
        {
            number(rest, at)?
        } else if first.is_alphabetic() || first == '_' {
            let length = rest
                .find(|character: char| !character.is_alphanumeric() && character != '_')
                .unwrap_or(rest.len());
            (
                Token::Name(rest.get(..length).unwrap_or(rest).to_owned()),
                length,
            )
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            (Token::Symbol(symbol), symbol.len())
        } else {
            return Err(ExpressionError::at(
                at,
                format!("`{first}` means nothing in an expression"),
            ));
        };
        tokens.push((at, token));
        rest = rest.get(length..).unwrap_or_default();
    }
}

fn is_word(name: &str) -> bool {
    matches!(name, "and" | "or" | "not" | "in" | "is" | "if" | "else")
}

/// `{{path}}`, `${path}`, and `%path%` where no operator can stand.
fn placeholder(rest: &str, wants_operand: bool) -> Option<(Token, usize)> {
    for (open, close) in [("{{", "}}"), ("${", "}")] {
        if let Some(inner) = rest.strip_prefix(open) {
            // A dict in a dict also begins with two braces, but no path has a colon.
            let end = inner.find(close)?;
            let path = inner.get(..end)?;
            if open == "{{" && path.contains([':', '{']) {
                return None;
            }
            let length = open.len() + end + close.len();
            return Some((Token::Placeholder(path.trim().to_owned()), length));
        }
    }
    let inner = rest.strip_prefix('%').filter(|_| wants_operand)?;
    let end = inner.find('%')?;
    let path = inner.get(..end)?;
    crate::value::Path::parse(path)?;
    Some((Token::Placeholder(path.to_owned()), end + 2))
}

fn quoted(rest: &str, quote: char, at: usize) -> Result<(Token, usize), ExpressionError> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((place, character)) = characters.next() {
        if character == quote {
            return Ok((Token::Text(text), place + quote.len_utf8()));
        }
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some((_, 'n')) => text.push('\n'),
            Some((_, 't')) => text.push('\t'),
            Some((_, 'r')) => text.push('\r'),
            Some((_, escaped @ ('\\' | '\'' | '"'))) => text.push(escaped),
            // Python leaves what it does not know as it stands.
            Some((_, other)) => text.extend(['\\', other]),
            None => break,
        }
    }
    Err(ExpressionError::at(at, "a quote is not closed"))
}

fn number(rest: &str, at: usize) -> Result<(Token, usize), ExpressionError> {
    let mut length = 0;
    let mut before = ' ';
    for character in rest.chars() {
        let part_of_it = character.is_ascii_alphanumeric()
            || matches!(character, '.' | '_')
            || (matches!(character, '+' | '-') && matches!(before, 'e' | 'E'));
        if !part_of_it {
            break;
        }
        length += character.len_utf8();
        before = character;
    }
    let text = rest.get(..length).unwrap_or(rest).replace('_', "");
    let token = match text.parse() {
        Ok(integer) => Token::Integer(integer),
        Err(_) => match text.parse::<f64>() {
            Ok(float) if float.is_finite() => Token::Float(float),
            _ => {
                return Err(ExpressionError::at(at, format!("`{text}` is not a number")));
            }
        },
    };
    Ok((token, length))
}
