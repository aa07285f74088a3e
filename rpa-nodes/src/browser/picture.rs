//! Pictures of pages.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::element::Found;
use super::page::Page;
use crate::fault::Fault;

/// What is to be seen on a picture.
#[derive(Debug, Clone, Default)]
pub(crate) struct Picture {
    /// `png` or `jpeg`.
    pub(crate) format: String,
    /// Of JPEG, from 0 to 100.
    pub(crate) quality: Option<i64>,
    /// The whole page, not only what fits into the window.
    pub(crate) whole: bool,
    /// Whether what has no background stays without one.
    pub(crate) clear: bool,
    pub(crate) stops_animations: bool,
    pub(crate) hides_caret: bool,
}

impl Page {
    /// Takes a picture of the page, or of an element.
    pub(crate) fn picture(&self, picture: &Picture, of: Option<&Found>) -> Result<Vec<u8>, Fault> {
        let clip = match (of, picture.whole) {
            (Some(found), _) => Some(self.of("box", found, &Value::Null)?),
            (None, true) => {
                let metrics = self.call("Page.getLayoutMetrics", json!({}))?;
                metrics.get("cssContentSize").cloned()
            }
            (None, false) => None,
        };
        if picture.stops_animations || picture.hides_caret {
            let how = json!({"animations": picture.stops_animations, "caret": picture.hides_caret});
            self.ask("still", &how)?;
        }
        if picture.clear {
            let none = json!({"color": {"r": 0, "g": 0, "b": 0, "a": 0}});
            self.call("Emulation.setDefaultBackgroundColorOverride", none)?;
        }
        let mut how = json!({"format": if picture.format == "jpeg" { "jpeg" } else { "png" }});
        if let Value::Object(how) = &mut how {
            if let (true, Some(quality)) = (picture.format == "jpeg", picture.quality) {
                how.insert("quality".to_owned(), quality.clamp(0, 100).into());
            }
            if let Some(Value::Object(mut clip)) = clip {
                clip.insert("scale".to_owned(), 1.into());
                how.insert("captureBeyondViewport".to_owned(), true.into());
                how.insert("clip".to_owned(), clip.into());
            }
        }
        let taken = self.call("Page.captureScreenshot", how);
        if picture.clear {
            self.call("Emulation.setDefaultBackgroundColorOverride", json!({}))?;
        }
        if picture.stops_animations || picture.hides_caret {
            self.ask("moving", &json!({}))?;
        }
        let taken = taken.map_err(|fault| self.at(fault))?;
        let data = taken
            .get("data")
            .and_then(Value::as_str)
            .unwrap_or_default();
        BASE64_STANDARD.decode(data).map_err(|error| {
            Fault::of(
                "BrowserError",
                format!("the browser gave a picture that cannot be read: {error}"),
            )
        })
    }
}
