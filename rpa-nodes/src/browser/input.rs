//! The mouse and the keyboard of a page.

use std::time::Duration;

use serde_json::{Value, json};

use super::element::Point;
use super::page::Page;
use crate::fault::Fault;

/// Keys with names: what the browser calls them, their number on Windows, and the text that they write.
const KEYS: [(&str, i64, &str); 31] = [
    ("Enter", 13, "\r"),
    ("Tab", 9, ""),
    ("Escape", 27, ""),
    ("Backspace", 8, ""),
    ("Delete", 46, ""),
    ("Insert", 45, ""),
    ("Space", 32, " "),
    ("ArrowLeft", 37, ""),
    ("ArrowUp", 38, ""),
    ("ArrowRight", 39, ""),
    ("ArrowDown", 40, ""),
    ("Home", 36, ""),
    ("End", 35, ""),
    ("PageUp", 33, ""),
    ("PageDown", 34, ""),
    ("Shift", 16, ""),
    ("Control", 17, ""),
    ("Alt", 18, ""),
    ("Meta", 91, ""),
    ("F1", 112, ""),
    ("F2", 113, ""),
    ("F3", 114, ""),
    ("F4", 115, ""),
    ("F5", 116, ""),
    ("F6", 117, ""),
    ("F7", 118, ""),
    ("F8", 119, ""),
    ("F9", 120, ""),
    ("F10", 121, ""),
    ("F11", 122, ""),
    ("F12", 123, ""),
];

/// A click.
#[derive(Debug, Clone)]
pub(crate) struct Click {
    pub(crate) button: String,
    pub(crate) count: i64,
    /// Between pressing and releasing.
    pub(crate) delay: Duration,
    pub(crate) modifiers: i64,
}

/// The bit of a key that changes what others mean.
pub(crate) fn modifier(name: &str) -> Option<i64> {
    match name.trim().to_ascii_lowercase().as_str() {
        "alt" => Some(1),
        "control" | "ctrl" | "controlormeta" => Some(2),
        "meta" | "command" | "cmd" => Some(4),
        "shift" => Some(8),
        _ => None,
    }
}

impl Page {
    /// Clicks at a place.
    pub(crate) fn click(&self, at: Point, click: &Click) -> Result<(), Fault> {
        let mouse = |kind: &str, count: i64| {
            let button = if kind == "mouseMoved" {
                "none"
            } else {
                click.button.as_str()
            };
            let how = json!({
                "type": kind, "x": at.x, "y": at.y, "button": button, "clickCount": count, "modifiers": click.modifiers,
            });
            self.call("Input.dispatchMouseEvent", how).map(drop)
        };
        mouse("mouseMoved", 0)?;
        for count in 1..=click.count.clamp(1, 10) {
            mouse("mousePressed", count)?;
            std::thread::sleep(click.delay);
            mouse("mouseReleased", count)?;
        }
        Ok(())
    }

    /// Presses a key, like `Enter`, `a` or `Control+A`.
    pub(crate) fn press(&self, keys: &str, delay: Duration) -> Result<(), Fault> {
        let mut parts: Vec<&str> = keys.split('+').collect();
        // The key that is itself a plus.
        if keys.ends_with('+') {
            parts.retain(|part| !part.is_empty());
            parts.push("+");
        }
        let Some((key, held)) = parts.split_last() else {
            return Err(Fault::value("there is no key; set `key`"));
        };
        let mut modifiers = 0;
        for name in held {
            modifiers |= modifier(name).ok_or_else(|| {
                Fault::value(format!(
                    "`{name}` in `{keys}` is none of Control, Shift, Alt, Meta"
                ))
            })?;
        }
        self.key(key, modifiers, delay)
    }

    /// Types a text, key by key.
    pub(crate) fn type_text(&self, text: &str, delay: Duration) -> Result<(), Fault> {
        for letter in text.chars() {
            match letter {
                '\n' => self.key("Enter", 0, Duration::ZERO)?,
                '\t' => self.key("Tab", 0, Duration::ZERO)?,
                '\r' => {}
                letter => self.key(&letter.to_string(), 0, Duration::ZERO)?,
            }
            std::thread::sleep(delay);
        }
        Ok(())
    }

    fn key(&self, name: &str, modifiers: i64, delay: Duration) -> Result<(), Fault> {
        let trimmed = name.trim();
        let known = KEYS.iter().find(|(known, ..)| {
            known.eq_ignore_ascii_case(trimmed)
                || matches!(
                    (*known, trimmed.to_ascii_lowercase().as_str()),
                    ("Escape", "esc")
                        | ("Enter", "return")
                        | ("Delete", "del")
                        | ("ArrowLeft", "left")
                        | ("ArrowRight", "right")
                        | ("ArrowUp", "up")
                        | ("ArrowDown", "down")
                        | ("Control", "ctrl")
                )
        });
        let (key, code, number, text) = match known {
            Some((name, number, text)) => {
                let key = if *name == "Space" { " " } else { name };
                (
                    key.to_owned(),
                    (*name).to_owned(),
                    *number,
                    (*text).to_owned(),
                )
            }
            None => {
                let mut letters = name.chars();
                let (Some(letter), None) = (letters.next(), letters.next()) else {
                    return Err(Fault::value(format!(
                        "there is no key `{name}`; write a letter, or a name like Enter, Tab, ArrowDown or F5"
                    )));
                };
                let upper = letter.to_ascii_uppercase();
                let (code, number) = match upper {
                    'A'..='Z' => (format!("Key{upper}"), i64::from(u32::from(upper))),
                    '0'..='9' => (format!("Digit{upper}"), i64::from(u32::from(upper))),
                    _ => (String::new(), 0),
                };
                (letter.to_string(), code, number, letter.to_string())
            }
        };
        // With Control, Alt or Meta a letter is a command and no text.
        let text = if modifiers & 7 == 0 {
            text
        } else {
            String::new()
        };
        let mut down = json!({
            "type": if text.is_empty() { "rawKeyDown" } else { "keyDown" },
            "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers,
        });
        let command = match (modifiers, key.to_ascii_lowercase().as_str()) {
            (2 | 4, "a") => Some("selectAll"),
            (2 | 4, "c") => Some("copy"),
            (2 | 4, "v") => Some("paste"),
            (2 | 4, "x") => Some("cut"),
            (2 | 4, "z") => Some("undo"),
            _ => None,
        };
        if let Value::Object(down) = &mut down {
            if !text.is_empty() {
                down.insert("text".to_owned(), text.into());
            }
            if let Some(command) = command {
                down.insert("commands".to_owned(), json!([command]));
            }
        }
        self.call("Input.dispatchKeyEvent", down)?;
        std::thread::sleep(delay);
        let up = json!({
            "type": "keyUp", "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers,
        });
        self.call("Input.dispatchKeyEvent", up)?;
        Ok(())
    }
}
