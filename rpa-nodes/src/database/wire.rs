//! Values as PostgreSQL sends them, of the types that a workflow knows only as texts or numbers.

use jiff::civil::date;
use jiff::{SignedDuration, ToSpan};
use serde_json::Value;

use crate::value::float;

/// Reads a value of a type; none if the type is not known here, or the value is not of it.
pub(super) fn read(kind: &str, raw: &[u8]) -> Option<Value> {
    match kind {
        "JSON" => serde_json::from_slice(raw).ok(),
        "JSONB" => serde_json::from_slice(raw.strip_prefix(&[1])?).ok(),
        "UUID" => Some(uuid::Uuid::from_slice(raw).ok()?.to_string().into()),
        "NUMERIC" => numeric(raw),
        "DATE" => {
            let days = i32::from_be_bytes(raw.try_into().ok()?);
            let day = date(2000, 1, 1).checked_add(days.days()).ok()?;
            Some(day.to_string().into())
        }
        "TIME" => {
            let micros = i64::from_be_bytes(raw.try_into().ok()?);
            let time =
                jiff::civil::Time::midnight().checked_add(SignedDuration::from_micros(micros));
            Some(time.ok()?.to_string().into())
        }
        "TIMESTAMP" | "TIMESTAMPTZ" => {
            let micros = i64::from_be_bytes(raw.try_into().ok()?);
            let moment = date(2000, 1, 1).at(0, 0, 0, 0);
            let moment = moment
                .checked_add(SignedDuration::from_micros(micros))
                .ok()?;
            let zone = if kind == "TIMESTAMPTZ" { "+00:00" } else { "" };
            Some(format!("{moment}{zone}").into())
        }
        _ => None,
    }
}

/// A number with as many digits as it has: an integer or a float where it is one, else its text.
fn numeric(raw: &[u8]) -> Option<Value> {
    let mut words = raw.chunks_exact(2).map(|word| match word {
        [high, low] => i16::from_be_bytes([*high, *low]),
        _ => 0,
    });
    let count = words.next()?;
    let weight = words.next()?;
    // The sign, or that it is no number.
    let sign = words.next()? as u16;
    let scale = usize::try_from(words.next()?).ok()?;
    if sign == 0xC000 {
        return Some("NaN".into());
    }
    let digits: Vec<i16> = words.take(usize::try_from(count).ok()?).collect();
    let digit = |place: i32| {
        let place = i32::from(weight) - place;
        let found = usize::try_from(place)
            .ok()
            .and_then(|place| digits.get(place));
        found.copied().unwrap_or(0)
    };
    let mut text = String::new();
    for place in (0..=i32::from(weight).max(0)).rev() {
        text.push_str(&format!("{:04}", digit(place)));
    }
    let mut text = text.trim_start_matches('0').to_owned();
    if text.is_empty() {
        text.push('0');
    }
    if scale > 0 {
        let mut fraction = String::new();
        let mut place = -1;
        while fraction.len() < scale {
            fraction.push_str(&format!("{:04}", digit(place)));
            place -= 1;
        }
        text.push('.');
        text.push_str(fraction.get(..scale)?);
    }
    if sign == 0x4000 {
        text.insert(0, '-');
    }
    if let Ok(integer) = text.parse::<i64>() {
        return Some(integer.into());
    }
    // Fifteen digits survive as a float; with more, only the text is exact.
    let significant = text.chars().filter(char::is_ascii_digit).count();
    match text.parse::<f64>() {
        Ok(number) if significant <= 15 => float(number).ok(),
        _ => Some(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let number = |weight: i16, sign: u16, scale: i16, digits: &[i16]| {
            let mut raw = Vec::new();
            for word in [digits.len() as i16, weight, sign as i16, scale]
                .iter()
                .chain(digits)
            {
                raw.extend(word.to_be_bytes());
            }
            numeric(&raw).unwrap()
        };
        assert_eq!(number(0, 0, 2, &[12, 3400]), json!(12.34));
        assert_eq!(number(1, 0x4000, 0, &[5]), json!(-50000));
        assert_eq!(number(-1, 0, 5, &[7, 8000]), json!(0.00078));
        assert_eq!(
            number(4, 0, 1, &[1, 2, 3, 4, 5, 6000]),
            json!("10002000300040005.6")
        );
    }

    #[test]
    fn moments_are_texts() {
        assert_eq!(
            read("DATE", &8000_i32.to_be_bytes()),
            Some(json!("2021-11-26"))
        );
        let micros = 1_500_000_i64.to_be_bytes();
        assert_eq!(
            read("TIMESTAMP", &micros),
            Some(json!("2000-01-01T00:00:01.5"))
        );
        assert_eq!(
            read("TIMESTAMPTZ", &micros),
            Some(json!("2000-01-01T00:00:01.5+00:00"))
        );
    }
}
