//! What is printed in the end: a row for everybody who did a work.

use std::fmt;

use crate::run::StoreKind;

/// What a row is to the others of its work and database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The same rows by plain SQL
    Floor,
    /// This runtime
    Ours,
    /// This runtime, set as some of the others are
    OursAsTheirs,
    /// Another library
    Peer,
}

/// Everybody's results, and what they depend on.
pub(super) struct Table {
    pub(super) conditions: String,
    pub(super) rows: Vec<Row>,
}

/// The results of one who did one work on one kind of database.
#[derive(Debug)]
pub(super) struct Row {
    work: &'static str,
    store: StoreKind,
    pub(super) role: Role,
    pub(super) who: String,
    n: Option<u32>,
    rates: Vec<f64>,
    failures: Vec<String>,
}

impl Row {
    pub(super) fn new(work: &'static str, store: StoreKind, role: Role, who: &str) -> Self {
        Self {
            work,
            store,
            role,
            who: who.to_owned(),
            n: None,
            rates: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(super) fn measured(&mut self, n: u32, rate: f64) {
        self.n = Some(n);
        self.rates.push(rate);
    }

    pub(super) fn failed(&mut self, reason: String) {
        self.failures.push(reason);
    }

    pub(super) fn has_result(&self) -> bool {
        !self.rates.is_empty()
    }

    /// The middle of the rates, with the lowest and the highest.
    fn spread(&self) -> Option<Spread> {
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        let half = rates.len() / 2;
        let upper = *rates.get(half)?;
        let middle = if rates.len().is_multiple_of(2) {
            let lower = *rates.get(half.checked_sub(1)?)?;
            f64::midpoint(lower, upper)
        } else {
            upper
        };
        Some(Spread {
            lowest: *rates.first()?,
            middle,
            highest: *rates.last()?,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    lowest: f64,
    middle: f64,
    highest: f64,
}

impl Table {
    /// The middle rate of the row with this role that did the same.
    fn middle(&self, like: &Row, role: Role) -> Option<f64> {
        let mut rows = self.rows.iter();
        let row =
            rows.find(|row| (row.work, row.store) == (like.work, like.store) && row.role == role)?;
        row.spread().map(|spread| spread.middle)
    }

    fn write_row(&self, row: &Row, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "| `{}` | {} | {} ",
            row.work,
            store_name(row.store),
            row.who
        )?;
        let Some(spread) = row.spread() else {
            let reason = row.failures.first().map_or("not measured", String::as_str);
            return writeln!(f, "| | {} | | | |", cell(reason));
        };
        let n = row.n.unwrap_or_default();
        write!(
            f,
            "| {} | {} ({}–{}) | {:.3} ",
            grouped(f64::from(n)),
            grouped(spread.middle),
            grouped(spread.lowest),
            grouped(spread.highest),
            f64::from(n) / spread.middle
        )?;
        let ours = self.middle(row, Role::Ours);
        match ours.filter(|_| row.role == Role::Peer) {
            Some(ours) => write!(f, "| {} ", times(ours / spread.middle))?,
            None => write!(f, "| ")?,
        }
        let floor = self.middle(row, Role::Floor);
        match floor.filter(|_| row.role != Role::Floor) {
            Some(floor) => write!(f, "| {}", percent(spread.middle / floor))?,
            None => write!(f, "|")?,
        }
        writeln!(f, " |")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| work | database | who | n | per second: middle (lowest–highest) | seconds | ours / theirs | of the floor |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            self.write_row(row, f)?;
        }
        writeln!(f, "\n{}", self.conditions)?;
        for row in self.rows.iter().filter(|row| row.has_result()) {
            let runs = row.rates.len() + row.failures.len();
            if let Some(reason) = row.failures.first() {
                writeln!(
                    f,
                    "\n`{}`, {}, {}: {} of {runs} runs failed: {}",
                    row.work,
                    store_name(row.store),
                    row.who,
                    row.failures.len(),
                    cell(reason)
                )?;
            }
        }
        Ok(())
    }
}

pub(super) fn store_name(store: StoreKind) -> &'static str {
    match store {
        StoreKind::Postgres => "PostgreSQL",
        StoreKind::Sqlite => "SQLite",
    }
}

/// A number without its fraction, in groups of three digits.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many times as fast; with a digit after the point while that says something.
fn times(ratio: f64) -> String {
    if ratio < 10.0 {
        format!("{ratio:.1} ×")
    } else {
        format!("{ratio:.0} ×")
    }
}

fn percent(part: f64) -> String {
    if part < 0.1 {
        format!("{:.1} %", part * 100.0)
    } else {
        format!("{:.0} %", part * 100.0)
    }
}

/// A text that neither ends its cell nor its line.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(role: Role, who: &str, n: u32, rates: &[f64]) -> Row {
        let mut row = Row::new("start", StoreKind::Postgres, role, who);
        for &rate in rates {
            row.measured(n, rate);
        }
        row
    }

    #[test]
    fn everybody_is_compared_with_ours_and_with_the_floor() {
        let mut absent = row(Role::Peer, "absent", 0, &[]);
        absent.failed("it cannot be built: error: a | b".to_owned());
        let rows = vec![
            row(
                Role::Floor,
                "`floor`",
                20_000,
                &[40_000.0, 50_000.0, 60_000.0],
            ),
            row(Role::Ours, "ours", 20_000, &[10_000.0, 30_000.0, 20_000.0]),
            row(Role::Peer, "theirs", 4_000, &[2_000.0, 1_000.0, 4_000.0]),
            absent,
        ];
        let conditions = "On a machine.".to_owned();
        let printed = Table { conditions, rows }.to_string();
        let expected = "\
| work | database | who | n | per second: middle (lowest–highest) | seconds | ours / theirs | of the floor |
|---|---|---|---|---|---|---|---|
| `start` | PostgreSQL | `floor` | 20,000 | 50,000 (40,000–60,000) | 0.400 | | |
| `start` | PostgreSQL | ours | 20,000 | 20,000 (10,000–30,000) | 1.000 | | 40 % |
| `start` | PostgreSQL | theirs | 4,000 | 2,000 (1,000–4,000) | 2.000 | 10 × | 4.0 % |
| `start` | PostgreSQL | absent | | it cannot be built: error: a \\| b | | | |

On a machine.
";
        assert_eq!(printed, expected);
    }

    #[test]
    fn another_database_is_another_comparison() {
        let mut ours = row(Role::Ours, "ours", 10, &[100.0]);
        ours.store = StoreKind::Sqlite;
        let rows = vec![ours, row(Role::Peer, "theirs", 10, &[10.0])];
        let conditions = String::new();
        let printed = Table { conditions, rows }.to_string();
        assert!(
            printed.contains("| theirs | 10 | 10 (10–10) | 1.000 | | |"),
            "{printed}"
        );
    }

    #[test]
    fn who_failed_in_some_rounds_is_named_below_the_table() {
        let mut theirs = row(Role::Peer, "theirs", 10, &[10.0, 20.0]);
        theirs.failed("not done after 60 s".to_owned());
        let conditions = String::new();
        let rows = vec![theirs];
        let printed = Table { conditions, rows }.to_string();
        let expected = "`start`, PostgreSQL, theirs: 1 of 3 runs failed: not done after 60 s";
        assert!(printed.contains(expected), "{printed}");
        assert!(printed.contains("| 15 (10–20) |"), "{printed}");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(grouped(1_234_567.8), "1,234,568");
        assert_eq!(grouped(999.4), "999");
        assert_eq!(times(1.26), "1.3 ×");
        assert_eq!(times(86.4), "86 ×");
        assert_eq!(percent(0.0345), "3.5 %");
        assert_eq!(percent(0.587), "59 %");
    }
}
