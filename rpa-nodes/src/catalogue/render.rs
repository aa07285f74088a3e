use std::fmt::{self, Display};

use serde_json::{Value, json};

use super::{Kind, NodeType};

impl NodeType {
    /// What `rpa nodes NAME --json` prints.
    pub fn to_json(&self) -> Value {
        let inputs: Vec<Value> = self
            .inputs
            .iter()
            .map(|input| {
                let mut shown = json!({
                    "name": input.name, "type": input.kind.name(), "required": input.required,
                    "default": input.default, "port": input.has_port,
                });
                if let (Kind::Choice(choices), Value::Object(map)) = (input.kind, &mut shown) {
                    map.insert("choices".to_owned(), json!(choices));
                }
                shown
            })
            .collect();
        let outputs: Vec<Value> = self
            .outputs
            .iter()
            .map(|output| json!({"name": output.name, "type": output.kind.name()}))
            .collect();
        json!({
            "name": self.name,
            "aliases": self.aliases,
            "family": self.family,
            "summary": self.summary,
            "effect": self.effect.letter().to_string(),
            "needs_browser": self.in_browser,
            "is_dialog": self.answer.is_some(),
            "inputs": inputs,
            "outputs": outputs,
            "exits": self.exits,
            "exit_prefix": self.exit_prefix,
        })
    }
}

impl Display for NodeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.name, self.family)?;
        writeln!(f, "  {}", self.summary)?;
        writeln!(
            f,
            "  Effect {}: {}.",
            self.effect.letter(),
            self.effect.meaning()
        )?;
        if self.in_browser {
            match crate::browser::missing(None) {
                None => writeln!(f, "  Works in a browser.")?,
                Some(why) => writeln!(f, "  Works in a browser: {why}.")?,
            }
        }
        if self.answer.is_some() {
            writeln!(f, "  A dialog: run only with --headless-policy answer.")?;
        }
        if !self.aliases.is_empty() {
            writeln!(f, "  Also written {}.", self.aliases.join(", "))?;
        }
        for input in &self.inputs {
            let way = if input.has_port {
                "port or config"
            } else {
                "config"
            };
            write!(f, "  takes {}: {} ({way})", input.name, input.kind.name())?;
            if let Kind::Choice(choices) = input.kind {
                write!(f, " of {}", choices.join(" | "))?;
            }
            if input.required {
                write!(f, ", required")?;
            }
            if !input.default.is_null() {
                write!(f, ", default {}", input.default)?;
            }
            let other: Vec<&str> = self
                .key_aliases
                .iter()
                .filter(|(_, name)| *name == input.name)
                .map(|(other, _)| *other)
                .collect();
            if !other.is_empty() {
                write!(f, "; also written {}", other.join(", "))?;
            }
            writeln!(f)?;
        }
        for output in &self.outputs {
            write!(f, "  gives {}: {}", output.name, output.kind.name())?;
            let other: Vec<&str> = self
                .port_aliases
                .iter()
                .filter(|(_, name)| *name == output.name)
                .map(|(other, _)| *other)
                .collect();
            if !other.is_empty() {
                write!(f, "; also written {}", other.join(", "))?;
            }
            writeln!(f)?;
        }
        let mut exits: Vec<String> = self.exits.iter().map(|&exit| exit.to_owned()).collect();
        exits.extend(self.exit_prefix.map(|prefix| format!("{prefix}…")));
        match exits.is_empty() {
            true => writeln!(f, "  The branch ends here."),
            false => writeln!(f, "  Control leaves by {}.", exits.join(", ")),
        }
    }
}
