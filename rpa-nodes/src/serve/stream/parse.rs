//! The language of Server-Sent Events, as the HTML standard has it.

use std::time::Duration;

use crate::fault::Fault;

/// Longer events are none.
const LONGEST: usize = 16 << 20;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// `message` unless it says otherwise.
    pub(super) kind: String,
    /// Empty if it only says an id or when to connect again.
    pub(super) data: String,
    /// Its own id.
    pub(super) id: Option<String>,
    /// The last id that was said: its own, or that of an event before it.
    pub(super) last: String,
    /// How long to wait before connecting again, if it says so.
    pub(super) retry: Option<Duration>,
}

/// Makes events of what comes in pieces.
#[derive(Debug)]
pub(super) struct Parser {
    line: Vec<u8>,
    /// The line before ended with a carriage return: a line feed is a part of that end.
    returned: bool,
    is_first: bool,
    kind: String,
    data: String,
    id: Option<String>,
    retry: Option<Duration>,
    last: String,
}

impl Parser {
    pub(super) fn new(last: String) -> Self {
        Self {
            line: Vec::new(),
            returned: false,
            is_first: true,
            kind: String::new(),
            data: String::new(),
            id: None,
            retry: None,
            last,
        }
    }

    /// The events that end within a piece.
    ///
    /// # Errors
    /// An event is too long.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<Vec<Event>, Fault> {
        let mut events = Vec::new();
        for byte in piece {
            let after_return = std::mem::replace(&mut self.returned, *byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => events.extend(self.end_of_line()),
                _ => self.line.push(*byte),
            }
            if self.line.len() + self.data.len() > LONGEST {
                return Err(Fault::of("MemoryError", "an event is longer than 16 MB"));
            }
        }
        Ok(events)
    }

    fn end_of_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let mut line = line.as_ref();
        if std::mem::take(&mut self.is_first) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            return self.end_of_event();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry = value.parse().ok().map(Duration::from_millis);
            }
            // A comment, or nothing that is known.
            _ => {}
        }
        None
    }

    fn end_of_event(&mut self) -> Option<Event> {
        let id = self.id.take();
        if let Some(id) = &id {
            self.last.clone_from(id);
        }
        let mut event = Event {
            kind: std::mem::take(&mut self.kind),
            data: std::mem::take(&mut self.data),
            id: id.filter(|id| !id.is_empty()),
            last: self.last.clone(),
            retry: self.retry.take(),
        };
        if event.kind.is_empty() {
            "message".clone_into(&mut event.kind);
        }
        event.data.pop();
        let says = !event.data.is_empty() || event.id.is_some() || event.retry.is_some();
        says.then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_in_whatever_pieces_they_come() {
        let text = "\u{feff}: hello\n\ndata: one\ndata:two\r\nid: 1\r\n\r\nevent: sale\rdata: {\"a\": 1}\r\r\
                    retry: 250\n\nretry: soon\nid: a\0b\ndata: \u{fc}\n\ndata: cut off";
        let event = |kind: &str, data: &str, id: Option<&str>, retry: Option<u64>| Event {
            kind: kind.to_owned(),
            data: data.to_owned(),
            id: id.map(str::to_owned),
            last: "1".to_owned(),
            retry: retry.map(Duration::from_millis),
        };
        let expected = [
            event("message", "one\ntwo", Some("1"), None),
            event("sale", "{\"a\": 1}", None, None),
            event("message", "", None, Some(250)),
            event("message", "\u{fc}", None, None),
        ];
        for length in [1, 2, 3, 7, 1000] {
            let mut parser = Parser::new("0".to_owned());
            let pieces = text.as_bytes().chunks(length);
            let events: Vec<Event> = pieces.flat_map(|it| parser.take(it).unwrap()).collect();
            assert_eq!(events, expected, "in pieces of {length}");
        }
    }
}
