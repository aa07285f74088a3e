use serde_json::Value;

/// A step into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// The value under a key of a dict.
    Key(String),
    /// The element of a list, from 0.
    Index(usize),
}

/// A way into a value, written `name.key[0].other`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Where it begins.
    pub root: String,
    /// The steps from there.
    pub rest: Vec<Segment>,
}

impl Path {
    /// Reads a path. `None` if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut segments = segments(text.trim())?.into_iter();
        match segments.next()? {
            Segment::Key(root) => Some(Self {
                root,
                rest: segments.collect(),
            }),
            Segment::Index(_) => None,
        }
    }

    /// What the path leads to from the value of its root.
    pub fn follow<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        follow(root, &self.rest)
    }
}

/// Reads steps into a value: `key[0].other`. `None` if the text is something else.
pub fn segments(text: &str) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    for part in text.split('.') {
        let (key, mut indexes) = match part.find('[') {
            Some(bracket) => part.split_at(bracket),
            None => (part, ""),
        };
        if key.is_empty() && (indexes.is_empty() || !segments.is_empty()) {
            return None;
        }
        let plain = |character: char| {
            character.is_alphanumeric() || matches!(character, '_' | '-' | '$' | '@' | ' ')
        };
        if !key.chars().all(plain) || key.trim() != key {
            return None;
        }
        if !key.is_empty() {
            segments.push(Segment::Key(key.to_owned()));
        }
        while let Some(inner) = indexes.strip_prefix('[') {
            let (index, rest) = inner.split_once(']')?;
            let index = index.trim();
            let name = index
                .strip_prefix(['\'', '"'])
                .and_then(|name| name.strip_suffix(['\'', '"']));
            segments.push(match name {
                Some(name) => Segment::Key(name.to_owned()),
                None => Segment::Index(index.parse().ok()?),
            });
            indexes = rest;
        }
        if !indexes.is_empty() {
            return None;
        }
    }
    Some(segments)
}

/// What steps lead to. A step that does not fit the value leads nowhere.
pub fn follow<'v>(value: &'v Value, segments: &[Segment]) -> Option<&'v Value> {
    segments
        .iter()
        .try_fold(value, |value, segment| match (value, segment) {
            (Value::Object(map), Segment::Key(key)) => map.get(key),
            (Value::Array(items), Segment::Index(index)) => items.get(*index),
            // Lists are also asked for elements with a dot.
            (Value::Array(items), Segment::Key(key)) => items.get(key.parse::<usize>().ok()?),
            (Value::Object(map), Segment::Index(index)) => map.get(&index.to_string()),
            _ => None,
        })
}
