//! Nodes that work with dates and times. A moment without a time zone is one of the system's zone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use serde_json::Value;

use crate::catalogue::{Kind, NodeType};
use crate::fault::Fault;
use crate::host;
use crate::value::text;
use crate::visit::Call;

/// Forms that a moment is read in when none is said.
const FORMS: [&str; 8] = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%Y/%m/%d",
    "%Y%m%d",
];

pub(super) fn types() -> Vec<NodeType> {
    let compute = NodeType::compute;
    let parts = |node_type: NodeType| {
        node_type
            .output("year", Kind::Integer)
            .output("month", Kind::Integer)
            .output("day", Kind::Integer)
            .output("hour", Kind::Integer)
            .output("minute", Kind::Integer)
            .output("second", Kind::Integer)
    };
    vec![
        parts(
            compute(
                "GetCurrentDateTimeNode",
                "The moment, in a time zone.",
                current,
            )
            .varies()
            .optional("timezone", Kind::Text)
            .optional("format", Kind::Text)
            .output("datetime", Kind::Text)
            .output("timestamp", Kind::Float),
        )
        .output("day_of_week", Kind::Text),
        compute(
            "GetTimestampNode",
            "Seconds, or milliseconds, since 1970 in UTC.",
            |call| {
                let now = host::now().timestamp();
                match call.flag("milliseconds") {
                    true => call.give("timestamp", now.as_millisecond()),
                    false => call.give("timestamp", seconds(now)),
                }
                Ok(())
            },
        )
        .varies()
        .property("milliseconds", Kind::Boolean, false)
        .output("timestamp", Kind::Float),
        compute(
            "FormatDateTimeNode",
            "Writes a moment in a format of strftime.",
            |call| {
                let moment = read(&call.value("datetime"), &call.text("input_format"))?;
                let written = written(&moment, &call.text("format"))?;
                call.give("result", written);
                Ok(())
            },
        )
        .needs("datetime", Kind::Any)
        .input("input_format", Kind::Text)
        .property("format", Kind::Text, "%Y-%m-%d %H:%M:%S")
        .output("result", Kind::Text),
        parts(
            compute(
                "ParseDateTimeNode",
                "Reads a moment, in a format of strptime or in a usual one.",
                |call| {
                    let moment = read(&call.value("datetime_string"), &call.text("format"))?;
                    give_parts(call, &moment);
                    call.give("timestamp", seconds(moment.timestamp()));
                    call.give("iso_format", iso(&moment));
                    call.give("success", true);
                    Ok(())
                },
            )
            .needs("datetime_string", Kind::Text)
            .optional("format", Kind::Text)
            .output("timestamp", Kind::Float),
        )
        .output("iso_format", Kind::Text)
        .output("success", Kind::Boolean),
        compute(
            "DateTimeAddNode",
            "Adds to a moment; negative amounts are subtracted.",
            add,
        )
        .needs("datetime", Kind::Any)
        .input_or("years", Kind::Integer, 0)
        .input_or("months", Kind::Integer, 0)
        .input_or("weeks", Kind::Integer, 0)
        .input_or("days", Kind::Integer, 0)
        .input_or("hours", Kind::Integer, 0)
        .input_or("minutes", Kind::Integer, 0)
        .input_or("seconds", Kind::Integer, 0)
        .output("result", Kind::Text)
        .output("timestamp", Kind::Float),
        compute(
            "DateTimeDiffNode",
            "How much later the first moment is than the second.",
            difference,
        )
        .needs("datetime_1", Kind::Any)
        .needs("datetime_2", Kind::Any)
        .output("total_seconds", Kind::Float)
        .output("total_minutes", Kind::Float)
        .output("total_hours", Kind::Float)
        .output("total_days", Kind::Float)
        .output("days", Kind::Integer)
        .output("hours", Kind::Integer)
        .output("minutes", Kind::Integer)
        .output("seconds", Kind::Integer),
        compute(
            "DateTimeCompareNode",
            "Which of two moments is earlier.",
            |call| {
                let first = read(&call.value("datetime_1"), "")?.timestamp();
                let second = read(&call.value("datetime_2"), "")?.timestamp();
                call.give("is_before", first < second);
                call.give("is_after", first > second);
                call.give("is_equal", first == second);
                call.give("comparison", first.cmp(&second) as i64);
                Ok(())
            },
        )
        .needs("datetime_1", Kind::Any)
        .needs("datetime_2", Kind::Any)
        .output("is_before", Kind::Boolean)
        .output("is_after", Kind::Boolean)
        .output("is_equal", Kind::Boolean)
        .output("comparison", Kind::Integer),
    ]
}

fn seconds(moment: Timestamp) -> f64 {
    moment.as_microsecond() as f64 / 1e6
}

fn wrong(error: impl std::fmt::Display) -> Fault {
    Fault::value(format!("the date cannot be used: {error}"))
}

/// A moment as Python's `isoformat` writes it: with an offset only if the zone is not that of the system.
fn iso(moment: &Zoned) -> String {
    let mut written = moment.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    if moment.subsec_nanosecond() != 0 {
        written.push_str(&format!(".{:06}", moment.subsec_nanosecond() / 1000));
    }
    if *moment.time_zone() != TimeZone::system() {
        written.push_str(&moment.strftime("%:z").to_string());
    }
    written
}

fn written(moment: &Zoned, format: &str) -> Result<String, Fault> {
    // As in Python a fraction of a second always has six digits, and dates of the locale are those of C.
    let plain = |part: &str| {
        part.replace("%f", "%6f")
            .replace("%c", "%a %b %e %H:%M:%S %Y")
            .replace("%x", "%m/%d/%y")
    };
    let format = format.split("%%").map(plain);
    let format = format.collect::<Vec<_>>().join("%%");
    jiff::fmt::strtime::format(format, moment).map_err(wrong)
}

/// Reads a moment: a number of seconds since 1970, a text in the given format, or one in a usual form.
fn read(value: &Value, format: &str) -> Result<Zoned, Fault> {
    let system = TimeZone::system();
    if let Value::Number(number) = value {
        let micros = number.as_f64().unwrap_or_default() * 1e6;
        let moment = Timestamp::from_microsecond(micros.round() as i64).map_err(wrong)?;
        return Ok(moment.to_zoned(system));
    }
    let said = text(value);
    let said = said.trim();
    if !format.trim().is_empty() {
        return parsed(format, said, &system).map_err(|error| {
            Fault::value(format!(
                "`{said}` is not a date in the format `{format}`: {error}"
            ))
        });
    }
    if let Ok(moment) = said.parse::<Timestamp>() {
        let offset = jiff::fmt::temporal::Pieces::parse(said)
            .ok()
            .and_then(|pieces| pieces.to_numeric_offset());
        let zone = offset.map_or_else(|| TimeZone::UTC, TimeZone::fixed);
        return Ok(moment.to_zoned(zone));
    }
    if let Ok(moment) = said.parse::<DateTime>() {
        return moment.to_zoned(system).map_err(wrong);
    }
    let found = FORMS
        .iter()
        .find_map(|form| parsed(form, said, &system).ok());
    found.ok_or_else(|| {
        Fault::value(format!(
            "`{said}` is not a date that can be read; say its format, as in `%d.%m.%Y`"
        ))
    })
}

fn parsed(format: &str, said: &str, zone: &TimeZone) -> Result<Zoned, jiff::Error> {
    let broken = jiff::fmt::strtime::parse(format, said)?;
    if broken.offset().is_some() {
        return broken.to_zoned();
    }
    let moment = match broken.to_datetime() {
        Ok(moment) => moment,
        Err(_) => broken.to_date()?.to_datetime(jiff::civil::Time::midnight()),
    };
    moment.to_zoned(zone.clone())
}

fn give_parts(call: &mut Call<'_>, moment: &Zoned) {
    call.give("year", moment.year());
    call.give("month", moment.month());
    call.give("day", moment.day());
    call.give("hour", moment.hour());
    call.give("minute", moment.minute());
    call.give("second", moment.second());
}

fn current(call: &mut Call<'_>) -> Result<(), Fault> {
    let mut now = host::now();
    let zone = call.text("timezone");
    if !zone.trim().is_empty() {
        now = now.in_tz(zone.trim()).map_err(wrong)?;
    }
    let format = call.text("format");
    let shown = match format.trim().is_empty() {
        true => iso(&now),
        false => written(&now, &format)?,
    };
    give_parts(call, &now);
    call.give("datetime", shown);
    call.give("timestamp", seconds(now.timestamp()));
    call.give("day_of_week", now.strftime("%A").to_string());
    Ok(())
}

fn add(call: &mut Call<'_>) -> Result<(), Fault> {
    let mut moment = read(&call.value("datetime"), "")?;
    let amount = |name: &str| call.integer(name).unwrap_or(0);
    // One after the other: a span has one sign, and amounts may have different ones.
    let spans = [
        Span::new().try_years(amount("years")),
        Span::new().try_months(amount("months")),
        Span::new().try_weeks(amount("weeks")),
        Span::new().try_days(amount("days")),
        Span::new().try_hours(amount("hours")),
        Span::new().try_minutes(amount("minutes")),
        Span::new().try_seconds(amount("seconds")),
    ];
    for span in spans {
        moment = span
            .and_then(|span| moment.checked_add(span))
            .map_err(wrong)?;
    }
    call.give("timestamp", seconds(moment.timestamp()));
    call.give("result", iso(&moment));
    Ok(())
}

fn difference(call: &mut Call<'_>) -> Result<(), Fault> {
    let first = read(&call.value("datetime_1"), "")?.timestamp();
    let second = read(&call.value("datetime_2"), "")?.timestamp();
    let total = seconds(first) - seconds(second);
    call.give("total_seconds", total);
    call.give("total_minutes", total / 60.0);
    call.give("total_hours", total / 3600.0);
    call.give("total_days", total / 86400.0);
    // As a timedelta of Python: whole days rounded down, and what is left of a day.
    let days = (total / 86400.0).floor();
    let rest = (total - days * 86400.0) as i64;
    call.give("days", days as i64);
    call.give("hours", rest / 3600);
    call.give("minutes", rest % 3600 / 60);
    call.give("seconds", rest % 60);
    Ok(())
}
