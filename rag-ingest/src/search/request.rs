//! A search as people and programs write it.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;

use super::{Filter, Mode, Query, SearchError};
use crate::document::Kind;

/// A search in words: what the command line, the HTTP endpoint and the tool for agents take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What is asked.
    pub question: String,
    /// The collection, if not the one that is searched else.
    #[serde(default)]
    pub collection: Option<String>,
    /// What it goes by.
    #[serde(default)]
    pub mode: Mode,
    /// How many hits at most; 5 unless given.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Patterns of paths, see [`Filter::paths`].
    #[serde(default)]
    pub path: Vec<String>,
    /// What the documents were made from, see [`Kind::as_str`].
    #[serde(default, rename = "type")]
    pub kind: Vec<String>,
    /// Only files that were last changed on this day or later, or at this moment.
    #[serde(default)]
    pub since: Option<String>,
    /// Only files that were last changed on this day or before, or before this moment.
    #[serde(default)]
    pub until: Option<String>,
    /// Only what stands on this page, or on these: `7`, `3-9`.
    #[serde(default)]
    pub pages: Option<String>,
}

impl Request {
    /// What it means.
    ///
    /// # Errors
    /// A type, a date or a range of pages cannot be read.
    pub fn query(&self) -> Result<Query, SearchError> {
        let kinds = self.kind.iter().map(|word| kind(word));
        let filter = Filter {
            paths: self.path.clone(),
            kinds: kinds.collect::<Result<_, _>>()?,
            from_ns: self
                .since
                .as_deref()
                .map(|text| moment(text, 0))
                .transpose()?,
            before_ns: self
                .until
                .as_deref()
                .map(|text| moment(text, 1))
                .transpose()?,
            pages: self.pages.as_deref().map(pages).transpose()?,
        };
        let query = Query::new(self.question.clone());
        Ok(Query {
            mode: self.mode,
            limit: self.limit.unwrap_or(query.limit),
            filter,
            ..query
        })
    }
}

fn kind(word: &str) -> Result<Kind, SearchError> {
    let known = Kind::ALL.into_iter().find(|kind| kind.as_str() == word);
    known.ok_or_else(|| SearchError::Kind {
        word: word.to_owned(),
        known: Kind::ALL.map(Kind::as_str).join(", "),
    })
}

/// A moment in nanoseconds since 1970: one that is written in full, or the beginning, in UTC, of the day that is so
/// many days behind the one that is written.
fn moment(text: &str, days: i64) -> Result<i64, SearchError> {
    let refused = |_| SearchError::Moment {
        text: text.to_owned(),
    };
    let moment = match text.parse::<Timestamp>() {
        Ok(moment) => moment,
        Err(_) => {
            let day = text.parse::<Date>().map_err(refused)?;
            let day = day.checked_add(days.days()).map_err(refused)?;
            day.to_zoned(TimeZone::UTC).map_err(refused)?.timestamp()
        }
    };
    Ok(
        i64::try_from(moment.as_nanosecond()).unwrap_or(if moment > Timestamp::UNIX_EPOCH {
            i64::MAX
        } else {
            i64::MIN
        }),
    )
}

fn pages(text: &str) -> Result<(u32, u32), SearchError> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if first <= last && last > 0 => Ok((first, last)),
        _ => Err(SearchError::Pages {
            text: text.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Request, moment, pages};

    #[test]
    fn a_day_is_meant_with_its_end() {
        let day = 24 * 60 * 60 * 1_000_000_000_i64;
        assert_eq!(moment("1970-01-02", 0).unwrap(), day);
        assert_eq!(moment("1970-01-02", 1).unwrap(), 2 * day);
        assert_eq!(moment("1970-01-02T00:00:00Z", 1).unwrap(), day);
        assert_eq!(moment("9999-01-01", 0).unwrap(), i64::MAX);
        let error = moment("last week", 0).unwrap_err().to_string();
        assert!(error.contains("`last week`"), "{error}");
    }

    #[test]
    fn pages_are_one_or_a_range() {
        assert_eq!(pages("7").unwrap(), (7, 7));
        assert_eq!(pages("3 - 9").unwrap(), (3, 9));
        for wrong in ["", "9-3", "-1", "a", "0"] {
            assert!(pages(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn unknown_types_are_told_with_the_known_ones() {
        let request = Request {
            kind: vec!["doc".to_owned()],
            ..Request::default()
        };
        let error = request.query().unwrap_err().to_string();
        assert!(
            error.contains("`doc`") && error.contains("markdown"),
            "{error}"
        );
    }
}
