//! Triggers that fire at times.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Schedule, ScheduleFilter};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};

use super::settings::Settings;
use super::starter::Starter;
use super::{ServeError, ServeOptions, Served};
use crate::run::{Request, Tick, scheduled};
use crate::value::Object;

/// What the names of schedules begin with.
const PREFIX: &str = "rpa:";

/// Makes the schedules of the triggers what they say now, and starts what comes once. Those of triggers that are gone from
/// their workflow are deleted. Gives a line for each.
pub(super) async fn apply(
    durable: &Durable,
    options: &ServeOptions,
    ticks: &[(&Served, Settings)],
) -> Result<Vec<String>, ServeError> {
    let client = durable.client();
    let mut lines = Vec::new();
    let mut schedules = Vec::new();
    let mut names = Vec::new();
    for (served, settings) in ticks {
        let starter = Starter::new(durable, options, served, &settings.node)?;
        let zone = settings.text("timezone");
        let zone_known = TimeZone::get(&zone)
            .map_err(|_| settings.refuse(format!("there is no time zone `{zone}`")))?;
        let begin = begin(settings, &zone_known)?;
        if settings.text("frequency") == "once" {
            let begin = begin.ok_or_else(|| {
                settings.refuse("it fires once, and `start_time` does not say when; set it")
            })?;
            lines.push(format!("{}: once at {begin}", served.name));
            once(&starter, settings, begin).await?;
            continue;
        }
        let cron = cron(settings)?;
        let name = format!("{PREFIX}{}:{}", served.name, settings.node);
        let mut request = Request::new(&served.workflow, &Object::new(), &options.folder)?;
        if let Some(repairs) = &served.repairs {
            request = request.lenient(repairs.clone());
        }
        request
            .seal(&options.work.host.vault)
            .map_err(crate::run::StartError::from)?;
        let tick = Tick {
            request,
            node: settings.node.clone(),
            schedule: name.clone(),
            prefix: starter.prefix(&settings.node),
            max_runs: u64::try_from(settings.integer("max_runs")).unwrap_or_default(),
            not_before: begin.map(written),
        };
        lines.push(format!("{}: at {cron} ({zone})", served.name));
        schedules.push(
            Schedule::new(&name)
                .cron(cron)
                .time_zone(zone)
                .workflow::<scheduled>()
                .queue(crate::run::QUEUE)
                .context(tick),
        );
        names.push(name);
    }
    for served in &options.workflows {
        let own = format!("{PREFIX}{}:", served.name);
        for known in client
            .list_schedules(&ScheduleFilter::new().name_prefix(own))
            .await?
        {
            if !names.contains(&known.name) {
                client.delete_schedule(&known.name).await?;
            }
        }
    }
    client.apply_schedules(schedules).await?;
    Ok(lines)
}

/// Starts a run that comes once, at its time; how often it is asked for makes no difference.
async fn once(starter: &Starter, settings: &Settings, begin: Timestamp) -> Result<(), ServeError> {
    let due = written(begin);
    let id = format!("{}{due}", starter.prefix(&settings.node));
    let outputs = Object::from_iter([
        ("trigger_time".to_owned(), due.clone().into()),
        ("run_number".to_owned(), 1.into()),
        ("scheduled_time".to_owned(), due.into()),
    ]);
    let now = Timestamp::now();
    let wait = Duration::try_from(begin.duration_since(now)).unwrap_or_default();
    starter
        .start_after(&settings.node, &id, outputs, wait)
        .await?;
    Ok(())
}

/// A time as schedules write it.
fn written(time: Timestamp) -> String {
    let rounded = time.round(Unit::Millisecond).unwrap_or(time);
    format!("{}", rounded.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
}

/// When the trigger begins to fire.
fn begin(settings: &Settings, zone: &TimeZone) -> Result<Option<Timestamp>, ServeError> {
    let said = settings.text("start_time");
    if said.is_empty() {
        return Ok(None);
    }
    if let Ok(time) = said.parse::<Timestamp>() {
        return Ok(Some(time));
    }
    let civil: Option<DateTime> = said.parse().ok();
    let time = civil.and_then(|civil| civil.to_zoned(zone.clone()).ok());
    match time {
        Some(time) => Ok(Some(time.timestamp())),
        None => Err(settings.refuse(format!(
            "`start_time` is `{said}`; write a time as 2026-01-31T09:00"
        ))),
    }
}

/// The cron expression that says the same.
fn cron(settings: &Settings) -> Result<String, ServeError> {
    let (minute, hour) = (
        settings.integer("time_minute"),
        settings.integer("time_hour"),
    );
    if !(0..60).contains(&minute) || !(0..24).contains(&hour) {
        return Err(settings.refuse(format!("{hour}:{minute} is no time of a day")));
    }
    let day = settings.integer("day_of_month");
    if !(1..=31).contains(&day) {
        return Err(settings.refuse(format!("{day} is no day of a month")));
    }
    Ok(match settings.text("frequency").as_str() {
        "interval" => every(settings.integer("interval_seconds")).ok_or_else(|| {
            settings.refuse(
                "`interval_seconds` has to divide a minute, an hour or a day, so that its times are the same for all servers",
            )
        })?,
        "hourly" => format!("{minute} * * * *"),
        "daily" => format!("{minute} {hour} * * *"),
        "weekly" => format!("{minute} {hour} * * {}", settings.text("day_of_week").to_uppercase()),
        "monthly" => format!("{minute} {hour} {day} * *"),
        _ => settings.text("cron_expression"),
    })
}

/// The times of an interval, if they are the same each day.
fn every(seconds: i64) -> Option<String> {
    let step = |count: i64| match count {
        1 => "*".to_owned(),
        count => format!("*/{count}"),
    };
    let divides = |part: i64, whole: i64| part > 0 && whole % part == 0;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match seconds {
        86_400 => Some("0 0 * * *".to_owned()),
        _ if divides(seconds, 60) && seconds < 60 => Some(format!("{} * * * * *", step(seconds))),
        _ if seconds % 60 == 0 && divides(minutes, 60) && minutes < 60 => {
            Some(format!("{} * * * *", step(minutes)))
        }
        _ if seconds % 3600 == 0 && divides(hours, 24) => Some(format!("0 {} * * *", step(hours))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_that_divide_a_day_are_cron_expressions() {
        let cases = [
            (1, Some("* * * * * *")),
            (15, Some("*/15 * * * * *")),
            (60, Some("* * * * *")),
            (300, Some("*/5 * * * *")),
            (3600, Some("0 * * * *")),
            (7200, Some("0 */2 * * *")),
            (86_400, Some("0 0 * * *")),
            (90, None),
            (7, None),
            (0, None),
            (-60, None),
            (172_800, None),
        ];
        for (seconds, expected) in cases {
            assert_eq!(every(seconds).as_deref(), expected, "{seconds}");
        }
    }

    #[test]
    fn times_are_written_as_the_slots_of_schedules_are() {
        let time: Timestamp = "2026-01-05T07:00:00+01:00".parse().unwrap();
        assert_eq!(written(time), "2026-01-05T06:00:00.000Z");
    }
}
