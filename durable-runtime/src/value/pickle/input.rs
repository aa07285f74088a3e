//! The bytes of a pickle, and the forms of numbers and text in them.

use std::borrow::Cow;

use super::object::Object;
use super::{MAX_DIGITS, PickleError};

/// The bytes of a pickle, from the front to the back.
pub(super) struct Input<'p> {
    bytes: &'p [u8],
    at: usize,
    /// Where the current instruction began.
    instruction: usize,
}

impl<'p> Input<'p> {
    pub(super) fn new(bytes: &'p [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            instruction: 0,
        }
    }

    pub(super) fn malformed(&self, reason: &'static str) -> PickleError {
        PickleError::Malformed {
            at: self.instruction,
            reason,
        }
    }

    pub(super) fn opcode(&mut self) -> Result<u8, PickleError> {
        self.instruction = self.at;
        self.byte()
    }

    pub(super) fn byte(&mut self) -> Result<u8, PickleError> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let chunk = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk);
        let chunk = chunk.ok_or_else(|| self.malformed("the pickle ends too early"))?;
        self.at += N;
        Ok(*chunk)
    }

    /// As many bytes as the `N` bytes before them say, the lowest first.
    pub(super) fn counted<const N: usize>(&mut self) -> Result<&'p [u8], PickleError> {
        let count = self.array::<N>()?;
        let count = count.iter().rev().try_fold(0_usize, |high, byte| {
            Some(high.checked_mul(256)? + usize::from(*byte))
        });
        let end = count.and_then(|count| self.at.checked_add(count));
        let bytes = end.and_then(|end| self.bytes.get(self.at..end));
        let bytes = bytes.ok_or_else(|| self.malformed("the pickle ends too early"))?;
        self.at += bytes.len();
        Ok(bytes)
    }

    /// The rest of the line.
    pub(super) fn line(&mut self) -> Result<&'p [u8], PickleError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if line.len() == rest.len() {
            return Err(self.malformed("the pickle ends too early"));
        }
        self.at += line.len() + 1;
        Ok(line)
    }

    /// The rest of the line, which is a name or a number.
    pub(super) fn word(&mut self) -> Result<&'p str, PickleError> {
        std::str::from_utf8(self.line()?).map_err(|_| self.malformed("a name is not UTF-8"))
    }

    /// The number of a memo entry, from the rest of the line.
    pub(super) fn memo_number(&mut self) -> Result<u32, PickleError> {
        let word = self.word()?;
        word.parse()
            .map_err(|_| self.malformed("the number of a memo entry is none"))
    }

    /// An int from decimal digits.
    pub(super) fn decimal(&self, text: &'p str) -> Result<Object<'p>, PickleError> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.malformed("an int has other characters than decimal digits"));
        }
        if digits.len() > MAX_DIGITS {
            return Ok(TOO_MANY_DIGITS);
        }
        let significant = digits.trim_start_matches('0');
        Ok(Object::Int(match significant {
            "" => Cow::Borrowed("0"),
            _ if significant.len() == digits.len() => Cow::Borrowed(text),
            _ => Cow::Owned(format!("{sign}{significant}")),
        }))
    }

    /// An int in two's complement of any length, the lowest byte first.
    pub(super) fn twos_complement(bytes: &[u8]) -> Object<'p> {
        let negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
        let fill = if negative { 0xff } else { 0 };
        // 16 bytes hold almost every int there is; the others cost a division for every nine digits.
        if bytes.len() <= 16 {
            let mut wide = [fill; 16];
            wide.iter_mut()
                .zip(bytes)
                .for_each(|(to, from)| *to = *from);
            return Object::Int(i128::from_le_bytes(wide).to_string().into());
        }
        // Eight bits are more than 2.4 digits.
        if bytes.len() > MAX_DIGITS * 10 / 24 {
            return TOO_MANY_DIGITS;
        }
        let mut words: Vec<u32> = Vec::with_capacity(bytes.len() / 4 + 1);
        let mut carry = negative;
        for chunk in bytes.chunks(4) {
            let mut word = [fill; 4];
            word.iter_mut()
                .zip(chunk)
                .for_each(|(to, from)| *to = *from);
            let word = u32::from_le_bytes(word);
            // The magnitude of a negative number is its complement plus one.
            let (word, overflow) = match negative {
                true => (!word).overflowing_add(carry.into()),
                false => (word, false),
            };
            carry = overflow;
            words.push(word);
        }
        if carry {
            words.push(1);
        }
        let digits = decimal_digits(words);
        if digits.len() > MAX_DIGITS {
            return TOO_MANY_DIGITS;
        }
        let sign = if negative { "-" } else { "" };
        Object::Int(format!("{sign}{digits}").into())
    }

    /// A float as Python prints it.
    pub(super) fn float(&self, text: &str) -> Result<Object<'p>, PickleError> {
        text.parse()
            .map(Object::Float)
            .map_err(|_| self.malformed("a float is no number"))
    }

    /// Text in UTF-8, in which Python also writes the halves of surrogate pairs.
    pub(super) fn utf8(&self, bytes: &'p [u8]) -> Result<Object<'p>, PickleError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Object::Str(text.into())),
            Err(reason) => {
                let wrong = bytes.get(reason.valid_up_to()..).unwrap_or_default();
                match wrong {
                    [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => Ok(HALF_A_PAIR),
                    _ => Err(self.malformed("a str is not UTF-8")),
                }
            }
        }
    }

    /// Text in Latin-1 with `\uXXXX` and `\UXXXXXXXX` for what is not in it, and for backslashes and line ends.
    pub(super) fn raw_unicode_escape(&self, line: &'p [u8]) -> Result<Object<'p>, PickleError> {
        let mut text = String::with_capacity(line.len());
        let mut rest = line;
        while let Some((byte, after)) = rest.split_first() {
            let (digits, after) = match (byte, after) {
                (b'\\', [b'u', after @ ..]) => {
                    (after.first_chunk::<4>().map(<[u8; 4]>::as_slice), after)
                }
                (b'\\', [b'U', after @ ..]) => {
                    (after.first_chunk::<8>().map(<[u8; 8]>::as_slice), after)
                }
                // A backslash in front of another takes away its meaning, and both stay.
                (b'\\', [next, after @ ..]) => {
                    text.extend(['\\', char::from(*next)]);
                    rest = after;
                    continue;
                }
                _ => {
                    text.push(char::from(*byte));
                    rest = after;
                    continue;
                }
            };
            let code = digits
                .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                .and_then(|digits| std::str::from_utf8(digits).ok())
                .and_then(|digits| u32::from_str_radix(digits, 16).ok());
            match code.map(|code| (code, char::from_u32(code))) {
                Some((_, Some(character))) => text.push(character),
                Some((0xd800..=0xdfff, None)) => return Ok(HALF_A_PAIR),
                _ => return Err(self.malformed("a str has an escape that is no character")),
            }
            let length = digits.map_or(0, <[u8]>::len);
            rest = after.get(length..).unwrap_or_default();
        }
        Ok(Object::Str(text.into()))
    }
}

const TOO_MANY_DIGITS: Object<'static> = Object::Foreign("an int of more than 4300 digits");
const HALF_A_PAIR: Object<'static> = Object::Foreign("a str with half of a surrogate pair");

/// The decimal digits of a number whose lowest word comes first.
fn decimal_digits(mut words: Vec<u32>) -> String {
    const NINE_DIGITS: u64 = 1_000_000_000;
    let mut groups = Vec::new();
    while words.iter().any(|word| *word != 0) {
        let mut remainder = 0;
        for word in words.iter_mut().rev() {
            let dividend = remainder << 32 | u64::from(*word);
            // Below 2^32, because the remainder is below the divisor.
            *word = (dividend / NINE_DIGITS) as u32;
            remainder = dividend % NINE_DIGITS;
        }
        groups.push(remainder);
        while words.pop_if(|word| *word == 0).is_some() {}
    }
    let Some(highest) = groups.pop() else {
        return "0".to_owned();
    };
    let rest = groups.iter().rev().map(|group| format!("{group:09}"));
    std::iter::once(highest.to_string()).chain(rest).collect()
}
