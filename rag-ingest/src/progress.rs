//! How far an ingestion has got, for people and programs that watch. It is told from the database, so it is true
//! whichever process does the work, and nothing here has to survive.

use std::io::{IsTerminal, Write};
use std::str::FromStr;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// How progress is told, on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    /// On a terminal a line that lives, else plain lines.
    #[default]
    Auto,
    /// A line that lives, and a line for each file that fails.
    Live,
    /// A line for each file.
    Plain,
    /// A JSON object for each file, and now and then one for all.
    Json,
    /// Not at all.
    Off,
}

impl FromStr for Show {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "auto" => Ok(Self::Auto),
            "live" => Ok(Self::Live),
            "plain" => Ok(Self::Plain),
            "json" => Ok(Self::Json),
            "off" => Ok(Self::Off),
            _ => Err(format!(
                "`{word}` is none of auto, live, plain, json and off"
            )),
        }
    }
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FileNews {
    pub(crate) path: String,
    pub(crate) status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    pub(crate) chunks: i64,
    pub(crate) tokens: i64,
}

/// Where all files together are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Totals {
    /// Files that came to an end.
    pub(crate) done: u64,
    /// Files that wait or are worked on; more may be found.
    pub(crate) queued: u64,
    pub(crate) chunks: i64,
    pub(crate) tokens: i64,
    pub(crate) files_per_second: f64,
    /// Until what is queued is done, at this rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seconds_left: Option<f64>,
}

/// Where progress is told.
#[derive(Debug, Clone)]
pub struct Progress {
    show: Show,
    bar: ProgressBar,
}

impl Progress {
    /// Tells it so; without a decision, as somebody sees it.
    pub fn new(show: Show) -> Self {
        let is_seen = std::io::stderr().is_terminal();
        let show = match show {
            Show::Auto if is_seen => Show::Live,
            Show::Auto => Show::Plain,
            other => other,
        };
        if show != Show::Live {
            return Self {
                show,
                bar: ProgressBar::hidden(),
            };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("{spinner} [{bar:24}] {pos}/{len} files, {wide_msg}");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar.set_message("looking");
        Self { show, bar }
    }

    /// Tells nothing.
    pub fn hidden() -> Self {
        Self::new(Show::Off)
    }

    pub(crate) fn is_shown(&self) -> bool {
        self.show != Show::Off
    }

    /// Whether what is told stays.
    pub(crate) fn has_lines(&self) -> bool {
        self.show != Show::Live
    }

    pub(crate) fn file(&self, news: &FileNews) {
        match self.show {
            Show::Live if news.is_good() => {}
            Show::Live => self.bar.println(news.line()),
            Show::Json => tell(&json("file", news)),
            Show::Plain => tell(&news.line()),
            Show::Auto | Show::Off => {}
        }
    }

    pub(crate) fn totals(&self, totals: &Totals, last: Option<&FileNews>) {
        match self.show {
            Show::Live => {
                self.bar.set_length(totals.done + totals.queued);
                self.bar.set_position(totals.done);
                let path = last.map_or("", |news| news.path.as_str());
                self.bar.set_message(format!("{} {path}", totals.line()));
            }
            Show::Json => tell(&json("progress", totals)),
            Show::Plain => tell(&format!(
                "{} of {} files, {}",
                totals.done,
                totals.done + totals.queued,
                totals.line()
            )),
            Show::Auto | Show::Off => {}
        }
    }

    /// Takes the line away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Whoever does not listen any more is no reason to stop.
fn tell(line: &str) {
    let _is_heard = writeln!(std::io::stderr().lock(), "{line}").is_ok();
}

fn json(event: &str, of: &impl Serialize) -> String {
    let mut line = serde_json::json!({"event": event});
    if let (Some(line), Ok(serde_json::Value::Object(fields))) =
        (line.as_object_mut(), serde_json::to_value(of))
    {
        line.extend(fields);
    }
    line.to_string()
}

impl FileNews {
    fn is_good(&self) -> bool {
        matches!(self.status.as_str(), "saved" | "renamed")
    }

    fn line(&self) -> String {
        let Self { path, status, .. } = self;
        match &self.reason {
            Some(reason) if reason != status => format!("{status} {path} ({reason})"),
            _ if self.is_good() => {
                format!(
                    "{status} {path} ({} chunks, {} tokens)",
                    self.chunks, self.tokens
                )
            }
            _ => format!("{status} {path}"),
        }
    }
}

impl Totals {
    fn line(&self) -> String {
        let left = match self.seconds_left {
            Some(seconds) => format!(", {} left", HumanDuration(Duration::from_secs_f64(seconds))),
            None => String::new(),
        };
        format!(
            "{} chunks, {} tokens, {:.1} files/s{left}",
            self.chunks, self.tokens, self.files_per_second
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{FileNews, Totals, json};

    #[test]
    fn a_file_is_told_in_words_and_in_json() {
        let saved = FileNews {
            path: "/a.md".to_owned(),
            status: "saved".to_owned(),
            reason: None,
            chunks: 3,
            tokens: 90,
        };
        assert_eq!(saved.line(), "saved /a.md (3 chunks, 90 tokens)");
        let failed = FileNews {
            status: "failed".to_owned(),
            reason: Some("corrupt".to_owned()),
            ..saved.clone()
        };
        assert_eq!(failed.line(), "failed /a.md (corrupt)");
        let told: serde_json::Value = serde_json::from_str(&json("file", &saved)).unwrap();
        let expected = serde_json::json!(
            {"event": "file", "path": "/a.md", "status": "saved", "chunks": 3, "tokens": 90}
        );
        assert_eq!(told, expected);
    }

    #[test]
    fn all_files_are_told_with_their_rate_and_what_is_left() {
        let totals = Totals {
            done: 10,
            queued: 30,
            chunks: 100,
            tokens: 5000,
            files_per_second: 2.0,
            seconds_left: Some(15.0),
        };
        assert_eq!(
            totals.line(),
            "100 chunks, 5000 tokens, 2.0 files/s, 15 seconds left"
        );
    }
}
