use std::collections::BTreeMap;

use serde_json::Value;

use crate::record::Record;
use crate::secrets::{SecretError, Vault, sealed, secret_mark};
use crate::value::{Object, text};
use crate::walk::Scope;

/// What people are shown in the place of a secret.
const HIDDEN: &str = "***";
/// Shorter values are everywhere; to mask them would only make logs unreadable.
const SHORTEST: usize = 3;

/// The secrets of a run: their values, and the marks that stand for them in the database.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mask {
    /// Values by mark.
    values: BTreeMap<String, Value>,
    /// The texts of values, the longest first, and their marks.
    texts: Vec<(String, String)>,
}

impl Mask {
    /// The secrets that a workflow names, and the sealed values among its variables.
    pub(crate) fn new<'n>(
        names: impl IntoIterator<Item = &'n String>,
        variables: &Object,
        vault: &Vault,
    ) -> Result<Self, SecretError> {
        let mut mask = Self::default();
        for name in names {
            mask.values
                .insert(secret_mark(name), vault.get(name)?.into());
        }
        for value in variables.values() {
            mask.unseal(value, vault)?;
        }
        let texts = mask
            .values
            .iter()
            .map(|(mark, value)| (text(value), mark.clone()));
        mask.texts = texts.filter(|(text, _)| text.len() >= SHORTEST).collect();
        // A secret that holds another one is masked as a whole.
        mask.texts
            .sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Ok(mask)
    }

    fn unseal(&mut self, value: &Value, vault: &Vault) -> Result<(), SecretError> {
        match value {
            Value::String(mark) => {
                if let Some(inside) = sealed(mark) {
                    self.values.insert(mark.clone(), vault.open(inside)?);
                }
            }
            Value::Array(items) => items.iter().try_for_each(|item| self.unseal(item, vault))?,
            Value::Object(map) => map.values().try_for_each(|item| self.unseal(item, vault))?,
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// What a mark of a secret stands for.
    pub(crate) fn secret(&self, name: &str) -> Option<&Value> {
        self.values.get(&secret_mark(name))
    }

    /// A scope with the values in the place of marks.
    pub(super) fn opened(&self, scope: &Scope) -> Scope {
        let mut opened = scope.clone();
        opened.each_value(&mut |value| self.open(value));
        opened
    }

    /// Puts the values in the place of marks.
    pub(crate) fn open(&self, value: &mut Value) {
        match value {
            _ if self.values.is_empty() => {}
            Value::String(written) => {
                if let Some(whole) = self.values.get(written.as_str()) {
                    *value = whole.clone();
                    return;
                }
                for (mark, stands_for) in &self.values {
                    if written.contains(mark.as_str()) {
                        *written = written.replace(mark.as_str(), &text(stands_for));
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.open(item)),
            Value::Object(map) => map.values_mut().for_each(|item| self.open(item)),
            _ => {}
        }
    }

    /// Puts marks in the place of values.
    pub(crate) fn close(&self, value: &mut Value) {
        self.replace(value, &|mark| mark);
    }

    pub(super) fn close_all(&self, map: &mut Object) {
        map.values_mut().for_each(|value| self.close(value));
    }

    fn hide_text(&self, text: &mut String) {
        for (secret, _) in &self.texts {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), HIDDEN);
            }
        }
    }

    fn hide(&self, value: &mut Value) {
        self.replace(value, &|_| HIDDEN);
    }

    fn replace<'m>(&'m self, value: &mut Value, with: &impl Fn(&'m str) -> &'m str) {
        match value {
            _ if self.texts.is_empty() => {}
            Value::String(written) => {
                for (secret, mark) in &self.texts {
                    if written.contains(secret.as_str()) {
                        *written = written.replace(secret.as_str(), with(mark));
                    }
                }
            }
            Value::Number(number) => {
                let written = number.to_string();
                if let Some((_, mark)) = self.texts.iter().find(|(secret, _)| *secret == written) {
                    *value = with(mark).into();
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.replace(item, with)),
            Value::Object(map) => map.values_mut().for_each(|item| self.replace(item, with)),
            _ => {}
        }
    }

    /// Takes the secrets out of a record: what only people read says `***`; what the run needs has marks.
    pub(super) fn record(&self, record: &mut Record) {
        if self.texts.is_empty() {
            return;
        }
        record
            .inputs
            .values_mut()
            .for_each(|value| self.hide(value));
        for line in &mut record.logs {
            self.hide_text(&mut line.text);
        }
        for warning in &mut record.warnings {
            self.hide_text(warning);
        }
        if let Some(fault) = &mut record.error {
            self.hide_text(&mut fault.message);
        }
        if let Some(page) = &mut record.page {
            self.hide_text(&mut page.url);
            if let Some(healed) = &mut page.healed {
                self.hide_text(&mut healed.selector);
                self.hide_text(&mut healed.by);
            }
        }
        self.close_all(&mut record.outputs);
        self.close_all(&mut record.set);
        if let Some(exit) = &mut record.exit {
            self.hide_text(exit);
        }
        if let Some(next) = record.next.take() {
            record.next = Some(next.each_value(&mut |value| self.close(value)));
        }
    }
}
