//! Elements of a page: how they are found, and what is done with them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::kept::shown;
use super::page::{LOOK, Page};
use super::state::Healed;
use crate::fault::Fault;

/// How long only the first selector counts, once the page is there.
const GRACE: Duration = Duration::from_secs(1);

/// The selectors of an element, the one that is meant first.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) selectors: Vec<String>,
    /// How it has to be: `visible`, `hidden`, `attached`, `detached`.
    pub(crate) state: &'static str,
    /// Whether more than one is a mistake.
    pub(crate) strict: bool,
    /// What it is wanted for, in messages.
    pub(crate) what: &'static str,
    pub(crate) end: Instant,
    pub(crate) limit: Duration,
}

/// The selector that found an element.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) selector: String,
    pub(crate) healed: Option<Healed>,
}

/// Where a click goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

impl Page {
    /// Waits until an element is as it has to be. Where the first selector finds nothing, the others are tried in turn.
    pub(crate) fn find(&self, wanted: &Wanted) -> Result<Found, Fault> {
        let primary = wanted
            .selectors
            .first()
            .map(String::as_str)
            .unwrap_or_default();
        if primary.trim().is_empty() {
            return Err(Fault::value("there is no selector; set `selector`"));
        }
        let grace = GRACE.min(wanted.limit / 2);
        let mut ready: Option<Instant> = None;
        let last = loop {
            let asked = self.ask("look", &json!({"selectors": wanted.selectors}));
            let looked = match asked {
                Ok(looked) => looked,
                // It is on its way elsewhere, and asked again there.
                Err(fault) if fault.error_type == "BrowserError" && Instant::now() < wanted.end => {
                    std::thread::sleep(LOOK);
                    continue;
                }
                Err(fault) => return Err(self.at(fault)),
            };
            if ready.is_none() && looked.get("ready").is_some_and(|ready| *ready == true) {
                ready = Some(Instant::now());
            }
            let may_heal = ready.is_some_and(|ready| ready.elapsed() >= grace);
            let found = looked.get("found").and_then(Value::as_array);
            for (place, (selector, found)) in wanted
                .selectors
                .iter()
                .zip(found.into_iter().flatten())
                .enumerate()
            {
                if place > 0 && !may_heal {
                    break;
                }
                if place == 0
                    && let Some(error) = found.get("error").and_then(Value::as_str)
                    && wanted.selectors.len() == 1
                {
                    return Err(self.at(Fault::value(format!(
                        "the selector `{selector}` cannot be read: {error}"
                    ))));
                }
                let count = found.get("count").and_then(Value::as_u64).unwrap_or(0);
                let visible = found.get("visible").is_some_and(|visible| *visible == true);
                let is_so = match wanted.state {
                    "hidden" => !visible,
                    "detached" => count == 0,
                    "attached" => count > 0,
                    _ => visible,
                };
                if !is_so {
                    continue;
                }
                if wanted.strict && count > 1 {
                    return Err(self.at(Fault::value(format!(
                        "`{selector}` finds {count} elements, and `strict` asks for one"
                    ))));
                }
                let healed = (place > 0).then(|| Healed {
                    selector: primary.to_owned(),
                    by: selector.clone(),
                    place,
                });
                return Ok(Found {
                    selector: selector.clone(),
                    healed,
                });
            }
            if Instant::now() >= wanted.end {
                break looked;
            }
            std::thread::sleep(LOOK);
        };
        Err(self.missing(wanted, primary, &last))
    }

    fn missing(&self, wanted: &Wanted, primary: &str, last: &Value) -> Fault {
        let first = last.pointer("/found/0");
        let count = first
            .and_then(|found| found.get("count")?.as_u64())
            .unwrap_or(0);
        let why = match (wanted.state, count) {
            ("hidden" | "detached", _) => "it is still there",
            (_, 0) => "nothing in the page fits it",
            _ => "what fits it cannot be seen",
        };
        let others = match wanted.selectors.len() {
            0 | 1 => String::new(),
            more => format!(" and its {} fallbacks", more - 1),
        };
        self.at(Fault::of(
            "ElementNotFoundError",
            format!(
                "cannot {} `{primary}`{others}: {why} within {} ms; correct the selector, or raise `timeout`",
                wanted.what,
                wanted.limit.as_millis()
            ),
        ))
    }

    /// A failure with where the page is.
    pub(crate) fn at(&self, mut fault: Fault) -> Fault {
        let url = shown(&self.url());
        if !url.is_empty() && !fault.message.contains(" (page ") {
            fault.message = format!("{} (page {url})", fault.message);
        }
        fault
    }

    /// Asks about an element that was found.
    pub(crate) fn of(&self, question: &str, found: &Found, more: &Value) -> Result<Value, Fault> {
        let mut given = json!({"selector": found.selector});
        if let (Value::Object(given), Value::Object(more)) = (&mut given, more) {
            given.extend(more.clone());
        }
        let answer = self.ask(question, &given).map_err(|fault| self.at(fault))?;
        match answer.is_null() {
            false => Ok(answer),
            true => Err(self.at(Fault::of(
                "ElementNotFoundError",
                format!("`{}` was there, and is not any more", found.selector),
            ))),
        }
    }

    /// Waits until an element can be clicked: it stands still, is not switched off, and nothing is before it.
    pub(crate) fn point(
        &self,
        wanted: &Wanted,
        at: (Option<f64>, Option<f64>),
        force: bool,
    ) -> Result<(Found, Point), Fault> {
        let mut before = None;
        loop {
            let found = self.find(wanted)?;
            let spot = json!({"x": at.0, "y": at.1});
            let asked = self.of("point", &found, &spot);
            let is_over = Instant::now() >= wanted.end;
            let asked = match asked {
                Err(fault) if fault.error_type == "ElementNotFoundError" && !is_over => {
                    std::thread::sleep(LOOK);
                    continue;
                }
                asked => asked?,
            };
            let number = |name: &str| asked.get(name).and_then(Value::as_f64).unwrap_or_default();
            let here = (number("x"), number("y"));
            let is_still = before == Some(here);
            let is_enabled = asked.get("enabled").is_some_and(|enabled| *enabled == true);
            let covered = asked.get("covered").and_then(Value::as_str);
            if force || is_still && is_enabled && covered.is_none() {
                let (x, y) = here;
                return Ok((found, Point { x, y }));
            }
            if is_over {
                let why = match (is_enabled, covered) {
                    (false, _) => "it is switched off".to_owned(),
                    (true, Some(other)) => format!("`{other}` is before it"),
                    (true, None) => "it does not stand still".to_owned(),
                };
                return Err(self.at(Fault::of(
                    "ElementNotReadyError",
                    format!(
                        "cannot {} `{}`: {why} after {} ms; wait for it, or set `force`",
                        wanted.what,
                        found.selector,
                        wanted.limit.as_millis()
                    ),
                )));
            }
            // The first look only tells where it is.
            let pause = if before.is_none() { LOOK / 3 } else { LOOK };
            before = Some(here);
            std::thread::sleep(pause);
        }
    }
}
