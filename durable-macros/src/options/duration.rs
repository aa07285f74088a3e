//! Durations as options spell them.

/// What a duration looks like, for messages.
pub(crate) const SPELLING: &str = "write a whole number and a unit, `ms`, `s`, `m`, `h` or `d`: `\"250ms\"`, `\"1s\"`, `\"5m\"`, `\"1h\"`";

/// The milliseconds of a duration such as `250ms` or `1h`, or what is wrong with it.
pub(crate) fn milliseconds(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (number, unit) = text.split_at(
        text.find(|character: char| !character.is_ascii_digit())
            .unwrap_or(text.len()),
    );
    if number.is_empty() {
        return Err(format!(
            "`{text}` is not a duration: it does not start with a whole number"
        ));
    }
    let scale = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" => return Err(format!("`{text}` is not a duration: the unit is missing")),
        other => {
            return Err(format!(
                "`{text}` is not a duration: `{other}` is not a unit"
            ));
        }
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(scale))
        // The database keeps durations as signed 64-bit milliseconds.
        .filter(|milliseconds| i64::try_from(*milliseconds).is_ok())
        .ok_or_else(|| format!("`{text}` is longer than a duration can be"))
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn reads_every_unit() {
        for (text, expected) in [
            ("250ms", 250),
            ("0s", 0),
            ("1s", 1_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("2d", 172_800_000),
            (" 10 s ", 10_000),
        ] {
            assert_eq!(milliseconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn explains_what_it_cannot_read() {
        for (text, expected) in [
            ("", "does not start with a whole number"),
            ("fast", "does not start with a whole number"),
            ("-1s", "does not start with a whole number"),
            ("5", "the unit is missing"),
            ("1.5s", "`.5s` is not a unit"),
            ("3 weeks", "`weeks` is not a unit"),
            ("99999999999999999999s", "longer than a duration can be"),
            ("9223372036854775808ms", "longer than a duration can be"),
        ] {
            let message = milliseconds(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
