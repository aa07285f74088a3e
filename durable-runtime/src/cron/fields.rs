//! Reads the fields of a cron expression.

use jiff::civil::{Date, Weekday};

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Short for a whole expression.
const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// What a field may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Weekday,
    Year,
}

/// An expression of 5, 6 or 7 fields, by its number of fields.
const UNIX: [Kind; 5] = [
    Kind::Minute,
    Kind::Hour,
    Kind::Day,
    Kind::Month,
    Kind::Weekday,
];

impl Kind {
    fn range(self) -> (i16, i16) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::Day => (1, 31),
            Self::Month => (1, 12),
            Self::Weekday => (0, 6),
            Self::Year => (1970, 2099),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day of month",
            Self::Month => "month",
            Self::Weekday => "day of week",
            Self::Year => "year",
        }
    }

    /// A number, or the name of a month or of a day. Sunday is 0 and 7.
    fn number(self, text: &str) -> Option<i16> {
        let named = |names: &[&str], first: i16| {
            let index = names.iter().position(|name| *name == text)?;
            i16::try_from(index).ok()?.checked_add(first)
        };
        let number = match self {
            Self::Month => named(&MONTHS, 1),
            Self::Weekday => named(&WEEKDAYS, 0),
            _ => None,
        };
        let number = number.or_else(|| digits(text));
        number.map(|number| {
            if self == Self::Weekday && number == 7 {
                0
            } else {
                number
            }
        })
    }
}

fn digits(text: &str) -> Option<i16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// The values of one field, in order.
#[derive(Debug, Clone)]
pub(super) struct Values {
    /// It restricts nothing.
    pub(super) any: bool,
    values: Vec<i16>,
}

impl Values {
    fn all(kind: Kind) -> Self {
        let (low, high) = kind.range();
        Self {
            any: true,
            values: (low..=high).collect(),
        }
    }

    pub(super) fn contains(&self, value: i16) -> bool {
        self.any || self.values.binary_search(&value).is_ok()
    }

    /// The values from `least` on, as parts of a time of day.
    pub(super) fn from(&self, least: i8) -> impl Iterator<Item = i8> + '_ {
        let values = self
            .values
            .iter()
            .filter_map(|value| i8::try_from(*value).ok());
        values.filter(move |value| *value >= least)
    }
}

/// Which of its kind in a month: the first to the fifth, or the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nth {
    From(i8),
    Last,
}

/// An expression that has been read.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    pub(super) seconds: Values,
    pub(super) minutes: Values,
    pub(super) hours: Values,
    pub(super) months: Values,
    pub(super) years: Values,
    days: Values,
    /// `L`: the last day of the month.
    last_day: bool,
    /// `15W`: the working day next to this one.
    near: Option<i8>,
    weekdays: Values,
    /// `MON#2`, `L5`: these weekdays only.
    nths: Vec<(i16, Nth)>,
}

/// One field, read.
#[derive(Debug)]
struct Field {
    values: Values,
    last_day: bool,
    near: Option<i8>,
    nths: Vec<(i16, Nth)>,
}

impl Fields {
    pub(super) fn parse(expression: &str) -> Result<Self, String> {
        let lower = expression.to_ascii_lowercase();
        let nickname = NICKNAMES.iter().find(|(name, _)| *name == lower);
        let lower = nickname.map_or(lower.as_str(), |(_, meaning)| meaning);
        let mut texts: Vec<&str> = lower.split_ascii_whitespace().collect();
        let count = texts.len();
        if !(5..=7).contains(&count) {
            return Err(format!(
                "it has {count} fields; it takes 5, or 6 with the second first"
            ));
        }
        let second = if count > 5 { texts.remove(0) } else { "0" };
        let year = if count > 6 {
            texts.pop().unwrap_or("*")
        } else {
            "*"
        };
        let text = |kind: Kind| {
            let index = UNIX.iter().position(|other| *other == kind);
            index
                .and_then(|index| texts.get(index))
                .copied()
                .unwrap_or("*")
        };
        let (day_text, weekday_text) = (text(Kind::Day), text(Kind::Weekday));
        let days = field(Kind::Day, day_text, weekday_text.contains('*'))?;
        let weekdays = field(Kind::Weekday, weekday_text, day_text.contains('*'))?;
        let plain = |kind: Kind| field(kind, text(kind), true).map(|field| field.values);
        Ok(Self {
            seconds: field(Kind::Second, second, true)?.values,
            minutes: plain(Kind::Minute)?,
            hours: plain(Kind::Hour)?,
            months: plain(Kind::Month)?,
            years: field(Kind::Year, year, true)?.values,
            days: days.values,
            last_day: days.last_day,
            near: days.near,
            weekdays: weekdays.values,
            nths: weekdays.nths,
        })
    }

    /// Day of month and day of week: when both are restricted, either is enough. The special forms (`W`, `#`, `L5`) are
    /// never widened by the other field.
    pub(super) fn matches_day(&self, date: Date) -> bool {
        let day = match self.near {
            Some(wanted) => date.day() == near(date, wanted),
            None => {
                self.days.contains(date.day().into())
                    || self.last_day && date.day() == date.days_in_month()
            }
        };
        let weekday = i16::from(date.weekday().to_sunday_zero_offset());
        let weekday = if self.nths.is_empty() {
            self.weekdays.contains(weekday)
        } else {
            self.nths
                .iter()
                .any(|(wanted, nth)| *wanted == weekday && nth.is(date))
        };
        if self.days.any || self.weekdays.any {
            return day && weekday;
        }
        match (self.near.is_some(), !self.nths.is_empty()) {
            (false, false) => day || weekday,
            (true, false) => day,
            (false, true) => weekday,
            (true, true) => day && weekday,
        }
    }
}

impl Nth {
    fn is(self, date: Date) -> bool {
        match self {
            Self::From(number) => (date.day() - 1) / 7 + 1 == number,
            Self::Last => date.day() + 7 > date.days_in_month(),
        }
    }
}

/// The working day next to the given day, in the same month.
fn near(date: Date, wanted: i8) -> i8 {
    let last = date.days_in_month();
    let wanted = wanted.min(last);
    let Ok(day) = Date::new(date.year(), date.month(), wanted) else {
        return wanted;
    };
    match day.weekday() {
        Weekday::Saturday if wanted > 1 => wanted - 1,
        Weekday::Saturday => wanted + 2,
        Weekday::Sunday if wanted < last => wanted + 1,
        Weekday::Sunday => wanted - 2,
        _ => wanted,
    }
}

/// Reads one field. `star_beside`: of day and weekday, the other one is written with a star.
fn field(kind: Kind, text: &str, star_beside: bool) -> Result<Field, String> {
    let refuse = |part: &str| Err(format!("`{part}` makes no sense as {}", kind.name()));
    let is_day = matches!(kind, Kind::Day | Kind::Weekday);
    let mut field = Field {
        values: Values {
            any: false,
            values: Vec::new(),
        },
        last_day: false,
        near: None,
        nths: Vec::new(),
    };
    let text = if is_day && text == "?" { "*" } else { text };
    for part in text.split(',') {
        if part == "*" {
            field.values.any = true;
            continue;
        }
        if kind == Kind::Day && part == "l" {
            field.last_day = true;
            continue;
        }
        if let Some(day) = Some(part).filter(|_| kind == Kind::Day).and_then(nearest) {
            if text != part || !(1..=31).contains(&day) {
                return refuse(text);
            }
            field.near = Some(day);
            field.values.values.push(day.into());
            continue;
        }
        let (part, nth) = match kind {
            Kind::Weekday => nth(part)?,
            _ => (part, None),
        };
        let Some(values) = range(kind, part) else {
            return refuse(part);
        };
        if let Some(nth) = nth {
            field.nths.extend(values.iter().map(|value| (*value, nth)));
        }
        field.values.values.extend(values);
    }
    let (low, high) = kind.range();
    let values = &mut field.values;
    values.values.sort_unstable();
    values.values.dedup();
    if values
        .values
        .iter()
        .any(|value| !(low..=high).contains(value))
    {
        return refuse(text);
    }
    let plain = |value: &&i16| !field.nths.iter().any(|(day, _)| day == *value);
    let complete = values.values.len() == usize::from(high.abs_diff(low)) + 1;
    if !field.nths.is_empty() && !complete && values.values.iter().find(plain).is_some() {
        return Err(format!(
            "`{text}` mixes days of every week with days of some weeks"
        ));
    }
    // A full list is a star; not beside a restricted day, where either of the two is enough.
    if values.any || complete && !field.last_day && (!is_day || star_beside) {
        *values = Values::all(kind);
    }
    Ok(field)
}

/// `15w` or `w15`.
fn nearest(part: &str) -> Option<i8> {
    let day = part.strip_suffix('w').or_else(|| part.strip_prefix('w'))?;
    digits(day).and_then(|day| i8::try_from(day).ok())
}

/// `mon#2` (the second Monday), `l5` (the last Friday): the days, and which of them.
fn nth(part: &str) -> Result<(&str, Option<Nth>), String> {
    if let Some((days, number)) = part.split_once('#') {
        let number = digits(number).and_then(|number| i8::try_from(number).ok());
        let Some(number) = number.filter(|number| (1..=5).contains(number)) else {
            return Err(format!(
                "`{part}`: a weekday comes at most five times in a month"
            ));
        };
        // A range is of names here, as in `mon-wed#2`.
        let numeric = days.contains(['-', '/']) && days.contains(|c: char| c.is_ascii_digit());
        return if numeric || days == "*" {
            Err(format!("`{part}` makes no sense as day of week"))
        } else {
            Ok((days, Some(Nth::From(number))))
        };
    }
    match part.strip_prefix('l') {
        Some(day) if digits(day).is_some() => Ok((day, Some(Nth::Last))),
        _ => Ok((part, None)),
    }
}

/// A number, `a-b`, `a-b/step`, `a/step` or `*/step`.
fn range(kind: Kind, part: &str) -> Option<Vec<i16>> {
    let (least, most) = kind.range();
    let (bounds, step) = match part.split_once('/') {
        Some((bounds, step)) => (bounds, Some(usize::try_from(long(step)?).ok()?)),
        None => (part, None),
    };
    if step == Some(0) {
        return None;
    }
    let (low, high, from_one) = match (bounds, bounds.split_once('-')) {
        ("*", _) => (least, most, false),
        (_, Some((low, "l"))) if kind == Kind::Day => (kind.number(low)?, most, false),
        (_, Some((low, high))) => (kind.number(low)?, kind.number(high)?, false),
        (one, None) if step.is_some() => (kind.number(one)?, most, true),
        (one, None) => return Some(vec![kind.number(one)?]),
    };
    let step = step.unwrap_or(1);
    if low.max(high) > most {
        return None;
    }
    if low == high && from_one {
        return Some(vec![low]);
    }
    // A range from a value to itself goes once around.
    let (low, high) = if low == high {
        (least, most)
    } else {
        (low, high)
    };
    if low <= high {
        return Some((low..=high).step_by(step).collect());
    }
    // A range that ends before it begins goes on at the least value.
    let mut values: Vec<i16> = (low..=most).step_by(step).collect();
    let left = usize::from(most.abs_diff(*values.last()?));
    let skipped = if left + 1 < step { step - left } else { 0 };
    values.extend((least..=high).skip(skipped).step_by(step));
    Some(values)
}

/// A step, which may be larger than every field.
fn long(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}
