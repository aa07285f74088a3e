//! When a cron expression is due, in a time zone.
//!
//! The times are those that croniter gives, which the schedulers of DBOS use: all processes that share a schedule have
//! to agree on its slots. What a time zone does to them:
//!
//! - A time of day that the clocks skip moves to the end of the skipped span (02:30 becomes 03:00), unless every hour
//!   matches: then it does not happen.
//! - A time of day that comes twice, when the clocks go back, matches twice.

mod fields;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::civil::{Date, DateTime, Time, time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan, Zoned};

use fields::Fields;

/// Within so many years an expression has a match, or it is given up.
const YEARS: i16 = 50;

/// A cron expression in a time zone.
#[derive(Debug, Clone)]
pub(crate) struct Cron {
    fields: Fields,
    zone: TimeZone,
}

/// Why text is no cron expression, or no time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CronError(String);

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Cron {
    /// Five fields (minute, hour, day of month, month, day of week), six with the second first, or seven with the year
    /// last; in an IANA time zone, or in UTC.
    pub(crate) fn parse(expression: &str, zone: Option<&str>) -> Result<Self, CronError> {
        let fields = Fields::parse(expression).map_err(|problem| {
            CronError(format!("invalid cron schedule `{expression}`: {problem}"))
        })?;
        let zone = match zone {
            None | Some("") => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| {
                CronError(format!(
                    "invalid time zone `{name}`: it takes an IANA name, as `Europe/Berlin`"
                ))
            })?,
        };
        Ok(Self { fields, zone })
    }

    /// The first match after `after`; `None` when there is none for 50 years.
    pub(crate) fn next(&self, after: Timestamp) -> Option<Zoned> {
        let now = after.to_zoned(self.zone.clone());
        let first = self.next_from(now.datetime(), &now);
        let again = self.repeated_since(&now);
        let again = again.and_then(|start| self.next_from(start, &now));
        match (first, again) {
            (Some(first), Some(again)) => Some(first.min(again)),
            (first, again) => first.or(again),
        }
    }

    /// When `now` is in a span that the clocks will show once more: just before its beginning.
    fn repeated_since(&self, now: &Zoned) -> Option<DateTime> {
        let AmbiguousOffset::Fold { before, .. } =
            self.zone.to_ambiguous_zoned(now.datetime()).offset()
        else {
            return None;
        };
        if now.offset() != before {
            return None;
        }
        let turned_back = self.zone.following(now.timestamp()).next()?;
        let start = turned_back.offset().to_datetime(turned_back.timestamp());
        start.checked_sub(1.second()).ok()
    }

    /// The first match whose time of day is after `wall`, and which is after `now`.
    fn next_from(&self, wall: DateTime, now: &Zoned) -> Option<Zoned> {
        let whole = wall.with().subsec_nanosecond(0).build().ok()?;
        let mut from = whole.checked_add(1.second()).ok()?;
        loop {
            let wall = self.match_from(from)?;
            let instant = self.zone.to_ambiguous_zoned(wall);
            let found = match instant.offset() {
                AmbiguousOffset::Unambiguous { .. } => instant.compatible().ok()?,
                AmbiguousOffset::Fold { .. } => {
                    let earlier = instant.clone().earlier().ok()?;
                    if earlier > *now {
                        earlier
                    } else {
                        instant.later().ok()?
                    }
                }
                AmbiguousOffset::Gap { after, .. } if !self.fields.hours.any => {
                    let skipped = after.to_timestamp(wall).ok()?;
                    let moved = self.zone.following(skipped).next()?;
                    let moved = moved.timestamp().to_zoned(self.zone.clone());
                    moved.checked_add(i64::from(wall.second()).seconds()).ok()?
                }
                AmbiguousOffset::Gap { .. } => {
                    from = wall.checked_add(1.second()).ok()?;
                    continue;
                }
            };
            if found > *now {
                return Some(found);
            }
            from = wall.checked_add(1.second()).ok()?;
        }
    }

    /// The first match at or after `from`, as the clock on the wall shows it.
    fn match_from(&self, from: DateTime) -> Option<DateTime> {
        let last_year = from.year().saturating_add(YEARS);
        let (mut date, mut since) = (from.date(), from.time());
        while date.year() <= last_year {
            if !self.fields.years.contains(date.year()) {
                date = Date::new(date.year().checked_add(1)?, 1, 1).ok()?;
            } else if !self.fields.months.contains(date.month().into()) {
                date = date.last_of_month().tomorrow().ok()?;
            } else if self.fields.matches_day(date)
                && let Some(time) = self.time_from(since)
            {
                return Some(date.to_datetime(time));
            } else {
                date = date.tomorrow().ok()?;
            }
            since = Time::midnight();
        }
        None
    }

    /// The first match of a day at or after `since`.
    fn time_from(&self, since: Time) -> Option<Time> {
        let Fields {
            hours,
            minutes,
            seconds,
            ..
        } = &self.fields;
        for hour in hours.from(since.hour()) {
            let same_hour = hour == since.hour();
            for minute in minutes.from(if same_hour { since.minute() } else { 0 }) {
                let same = same_hour && minute == since.minute();
                if let Some(second) = seconds.from(if same { since.second() } else { 0 }).next() {
                    return Some(time(hour, minute, second, 0));
                }
            }
        }
        None
    }
}

/// A slot in ISO 8601, with the offset of its zone: `2026-11-21T20:13:24+00:00`.
pub(crate) fn iso(slot: &Zoned) -> String {
    let offset = slot.offset().seconds();
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes, seconds) = (
        offset.abs() / 3600,
        offset.abs() / 60 % 60,
        offset.abs() % 60,
    );
    let mut text = format!(
        "{}{sign}{hours:02}:{minutes:02}",
        slot.strftime("%Y-%m-%dT%H:%M:%S")
    );
    if seconds != 0 {
        text.push_str(&format!(":{seconds:02}"));
    }
    text
}
