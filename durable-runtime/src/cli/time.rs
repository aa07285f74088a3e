use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, civil};

use crate::clock;

/// Reads a time: `2026-11-22T10:00:00Z`, `2026-11-22` (in UTC), or how long ago it was, `7d`, `2h 30m`.
pub(super) fn read(text: &str) -> Result<SystemTime, String> {
    let now = Timestamp::from_millisecond(clock::now_ms()).map_err(|error| error.to_string())?;
    let then = match (
        text.parse::<Timestamp>(),
        text.parse::<civil::Date>(),
        text.parse::<Span>(),
    ) {
        (Ok(time), _, _) => Ok(time),
        (_, Ok(date), _) => date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()),
        (_, _, Ok(ago)) => {
            let now = now.to_zoned(TimeZone::UTC);
            now.checked_sub(ago.abs()).map(|zoned| zoned.timestamp())
        }
        _ => {
            return Err(
                "write a time (2026-11-22T10:00:00Z), a day (2026-11-22), or how long ago (7d, 2h)"
                    .to_owned(),
            );
        }
    };
    let then = then.map_err(|error| error.to_string())?.as_millisecond();
    let since = u64::try_from(then).map_err(|_| "that is before 1970".to_owned())?;
    Ok(UNIX_EPOCH + Duration::from_millis(since))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::read;

    #[test]
    fn a_time_is_a_moment_a_day_or_how_long_ago() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(read("1970-01-01T00:01:00Z"), Ok(at(60)));
        assert_eq!(read("1970-01-02"), Ok(at(86400)));
        let ago = SystemTime::now()
            .duration_since(read("2d").unwrap())
            .unwrap();
        assert!((172_799..172_900).contains(&ago.as_secs()), "{ago:?}");
        assert!(read("yesterday").is_err());
        assert!(read("1960-01-01").is_err());
    }
}
