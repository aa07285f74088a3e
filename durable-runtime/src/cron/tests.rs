//! Compares slots with those of croniter, and reads what it reads.

use jiff::Timestamp;

use super::{Cron, iso};

const SLOTS: &str = include_str!("tests/slots.txt");

fn check(section: &str) {
    let (_, rest) = SLOTS.split_once(&format!("[{section}]\n")).unwrap();
    let cases = rest.lines().take_while(|line| !line.is_empty());
    let mut count = 0;
    for case in cases {
        let parts: Vec<&str> = case.split(" | ").collect();
        let [expression, zone, start, expected] = parts[..] else {
            panic!("{case}");
        };
        let zone = Some(zone).filter(|zone| *zone != "UTC");
        let cron = Cron::parse(expression, zone).unwrap_or_else(|error| panic!("{error}"));
        let mut now: Timestamp = start.parse().unwrap();
        let mut slots = Vec::new();
        while slots.len() < 4
            && let Some(slot) = cron.next(now)
        {
            slots.push(iso(&slot));
            now = slot.timestamp();
        }
        assert_eq!(slots.join(" "), expected, "{case}");
        count += 1;
    }
    assert!(count > 3, "the section `{section}` has {count} cases");
}

/// Rules: C1
#[test]
fn ordinary_expressions_are_due_when_they_say() {
    check("ordinary");
}

#[test]
fn lists_ranges_and_steps_choose_values() {
    check("lists");
}

#[test]
fn months_and_weekdays_have_names_and_ranges_go_around() {
    check("names");
}

#[test]
fn of_day_and_weekday_either_is_enough_when_both_are_restricted() {
    check("days");
}

/// Rules: C1
#[test]
fn six_fields_begin_with_the_second_and_a_seventh_is_the_year() {
    check("seconds");
}

#[test]
fn a_leap_day_comes_in_leap_years_only_and_a_day_that_never_comes_is_given_up() {
    check("leap");
}

/// Rules: C9
#[test]
fn in_berlin_a_skipped_time_moves_and_a_repeated_time_matches_twice() {
    check("berlin");
}

/// Rules: C9
#[test]
fn in_new_york_a_skipped_time_moves_and_a_repeated_time_matches_twice() {
    check("new_york");
}

#[test]
fn zones_with_odd_changes_are_as_croniter_has_them() {
    check("others");
}

/// Rules: C1
#[test]
fn what_makes_no_sense_is_refused_with_the_part_that_does_not() {
    for (expression, part) in [
        ("* * * *", "4 fields"),
        ("", "0 fields"),
        ("60 * * * *", "`60`"),
        ("* 24 * * *", "`24`"),
        ("* * 0 * *", "`0`"),
        ("* * * 13 *", "`13`"),
        ("* * * * 8", "`8`"),
        ("*/0 * * * *", "`*/0`"),
        ("1,,2 * * * *", "``"),
        ("a * * * *", "`a`"),
        ("1-x * * * *", "`1-x`"),
        ("-1 * * * *", "`-1`"),
        ("* * * * MON#6", "`mon#6`"),
        ("* * * * 1,TUE#2", "`1,tue#2`"),
        ("* * 15W,3 * *", "`15w,3`"),
        ("? * * * *", "`?`"),
        ("@sometimes", "1 fields"),
    ] {
        let error = Cron::parse(expression, None).unwrap_err().to_string();
        assert!(error.contains(part), "`{expression}`: {error}");
    }
}

/// Rules: C1
#[test]
fn a_zone_has_an_iana_name() {
    assert!(Cron::parse("* * * * *", Some("Europe/Berlin")).is_ok());
    let error = Cron::parse("* * * * *", Some("Mars/Olympus")).unwrap_err();
    assert!(error.to_string().contains("`Mars/Olympus`"), "{error}");
}
