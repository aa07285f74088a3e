//! Plain data and errors as Python pickles.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::opcode as op;
use super::{MAX_DIGITS, PickleError};
use crate::value::token::{Token, tokens};

/// A JSON document as a Python pickle of the same plain data, in base64.
///
/// Arrays become lists, numbers with a fraction or an exponent floats, all others ints with all their digits. Of
/// members with the same name Python takes the last.
///
/// Fails when `json` is not one JSON document, or holds a number that Python could not read: an integer of more than
/// 4300 digits, or a float above 1.8e308.
pub(crate) fn write_value(json: &str) -> Result<String, PickleError> {
    let mut out = vec![op::PROTO, 2];
    for token in tokens(json).map_err(PickleError::unwritable)? {
        match token.map_err(PickleError::unwritable)? {
            Token::Punctuation('{') => out.extend([op::EMPTY_DICT, op::MARK]),
            Token::Punctuation('}') => out.push(op::SETITEMS),
            Token::Punctuation('[') => out.extend([op::EMPTY_LIST, op::MARK]),
            Token::Punctuation(']') => out.push(op::APPENDS),
            Token::Punctuation(_) => {}
            Token::String(text) => string(&mut out, &text)?,
            Token::Number(digits) => number(&mut out, digits)?,
            Token::Bool(true) => out.push(op::NEWTRUE),
            Token::Bool(false) => out.push(op::NEWFALSE),
            Token::Null => out.push(op::NONE),
        }
    }
    out.push(op::STOP);
    Ok(STANDARD.encode(out))
}

fn string(out: &mut Vec<u8>, text: &str) -> Result<(), PickleError> {
    let length = u32::try_from(text.len())
        .map_err(|_| PickleError::unwritable("a string in it is longer than 4 GiB"))?;
    out.push(op::BINUNICODE);
    out.extend(length.to_le_bytes());
    out.extend(text.as_bytes());
    Ok(())
}

fn number(out: &mut Vec<u8>, digits: &str) -> Result<(), PickleError> {
    if digits.contains(['.', 'e', 'E']) {
        let float = digits.parse::<f64>().ok().filter(|float| float.is_finite());
        let Some(float) = float else {
            return Err(PickleError::unwritable(
                "a number in it is too large for a float",
            ));
        };
        out.push(op::BINFLOAT);
        out.extend(float.to_be_bytes());
    } else if let Ok(small) = digits.parse::<i32>() {
        out.push(op::BININT);
        out.extend(small.to_le_bytes());
    } else if digits.trim_start_matches('-').len() <= MAX_DIGITS {
        out.push(op::LONG);
        out.extend(digits.as_bytes());
        out.extend(b"L\n");
    } else {
        return Err(PickleError::unwritable(
            "an integer in it has more than 4300 digits, which is as many as Python reads",
        ));
    }
    Ok(())
}

/// An error as the pickle of a Python `Exception` with this message, in base64.
///
/// The class is always `Exception`: Python could not read a class that it cannot import.
pub(crate) fn write_error(message: &str) -> String {
    let mut out = "cbuiltins\nException\n(V".to_owned();
    for character in message.chars() {
        match character {
            // All but the backslash would end the line, or the text, for one reader or another.
            '\\' | '\n' | '\r' | '\0' | '\u{1a}' => out.push_str(&unicode_escape(character)),
            _ if character.is_ascii() => out.push(character),
            _ => out.push_str(&unicode_escape(character)),
        }
    }
    out.push_str("\ntR.");
    STANDARD.encode(out)
}

fn unicode_escape(character: char) -> String {
    match u32::from(character) {
        code @ ..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}
