use serde_json::Value;

use crate::value::{Object, text};

/// A text as a part of a query.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(byte.into())
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// A URL with a path below it and a query. A list in the query is the same name several times.
pub(crate) fn build(base: &str, path: &str, query: &Object) -> String {
    let (base, fragment) = match base.trim().split_once('#') {
        Some((base, fragment)) => (base, Some(fragment)),
        None => (base.trim(), None),
    };
    let (base, before) = match base.split_once('?') {
        Some((base, query)) => (base, query),
        None => (base, ""),
    };
    let mut url = base.to_owned();
    let path = path.trim().trim_start_matches('/');
    if !path.is_empty() {
        url = format!("{}/{path}", url.trim_end_matches('/'));
    }
    let mut pairs: Vec<String> = Vec::new();
    pairs.extend((!before.is_empty()).then(|| before.to_owned()));
    for (name, value) in query {
        let values = match value {
            Value::Null => &[],
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        pairs.extend(
            values
                .iter()
                .map(|value| format!("{}={}", encode(name), encode(&text(value)))),
        );
    }
    if !pairs.is_empty() {
        url = format!("{url}?{}", pairs.join("&"));
    }
    match fragment {
        Some(fragment) => format!("{url}#{fragment}"),
        None => url,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn urls_are_put_together() {
        let query = json!({"q": "a b&c", "tag": ["x", "ü"], "none": null, "n": 5});
        let query = query.as_object().unwrap();
        assert_eq!(
            build("http://h/api/?k=1#top", "/v1/x", query),
            "http://h/api/v1/x?k=1&q=a%20b%26c&tag=x&tag=%C3%BC&n=5#top"
        );
        assert_eq!(build("http://h", "", &Object::new()), "http://h");
    }
}
