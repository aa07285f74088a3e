use serde_json::Value as Json;

use super::compact;

#[test]
fn whitespace_goes_outside_of_strings_and_stays_inside() {
    let written = " {\n\t\"a b\" : [ 1 , true,false , null ,{ } , [ ] , \" , : \" ] \r\n} ";
    assert_eq!(
        compact(written).unwrap(),
        r#"{"a b":[1,true,false,null,{},[]," , : "]}"#
    );
}

#[test]
fn strings_keep_only_the_escapes_that_json_requires() {
    assert_eq!(
        compact(r#""\u00e9\ud83d\ude00\/\u0041 \"\\ \n\u000a\u0000\u001f\u007f\u2028""#).unwrap(),
        "\"é😀/A \\\"\\\\ \\n\\n\\u0000\\u001f\u{7f}\u{2028}\""
    );
    assert_eq!(
        compact(r#"{"\u00e9\"\\":"\\"}"#).unwrap(),
        r#"{"é\"\\":"\\"}"#
    );
    assert_eq!(compact(r#"["","\\\"",""]"#).unwrap(), r#"["","\\\"",""]"#);
}

#[test]
fn numbers_keep_their_digits() {
    for number in [
        "0",
        "-0",
        "-0.0",
        "1.50",
        "1E+05",
        "1e400",
        "123456789012345678901234567890123456789012345678901234567890",
    ] {
        assert_eq!(compact(number).unwrap(), number);
    }
}

#[test]
fn members_keep_their_order_and_repeated_ones_stay() {
    let written = r#"{"z": 1, "a": {"y": 2, "b": 3}, "z": 4}"#;
    assert_eq!(
        compact(written).unwrap(),
        r#"{"z":1,"a":{"y":2,"b":3},"z":4}"#
    );
}

#[test]
fn a_deep_document_is_no_danger() {
    let deep = format!("{}{}", "[ ".repeat(100_000), "]".repeat(100_000));
    assert_eq!(compact(&deep).unwrap(), deep.replace(' ', ""));
}

#[test]
fn what_is_not_json_is_refused() {
    for invalid in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\"}",
        "{\"a\":1,}",
        "[1 2]",
        "01",
        "1.",
        "+1",
        "NaN",
        "-Infinity",
        "tru",
        "null null",
        "'a'",
        "\"a",
        "\"\n\"",
        r#""\x41""#,
        r#""\u12""#,
        r#"["\ud800"]"#,
        r#"["\udc00\ud800"]"#,
    ] {
        assert!(compact(invalid).is_err(), "{invalid:?}");
    }
}

#[test]
fn the_error_tells_which_string_holds_half_a_surrogate_pair() {
    let error = compact(r#"{"name": "\ud800x"}"#).unwrap_err().to_string();
    assert!(error.contains("the string at byte 9"), "{error}");
}

/// Documents of every shape from a seed, written with random whitespace and escapes.
struct Documents(u64);

impl Documents {
    fn below(&mut self, bound: u64) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn space(&mut self) -> &'static str {
        ["", " ", "\n", "\t \r\n"][self.below(4) as usize]
    }

    fn string(&mut self) -> String {
        let pieces = [
            "a",
            "é",
            "😀",
            "\\u00e9",
            "\\ud83d\\ude00",
            "\\\"",
            "\\\\",
            "\\/",
            "\\b",
            "\\f",
            "\\n",
            "\\r",
            "\\t",
            "\\u0000",
            " ",
            "{",
            "]",
            ",",
            ":",
            "\u{2028}",
        ];
        let length = self.below(6);
        let inside: String = (0..length)
            .map(|_| pieces[self.below(pieces.len() as u64) as usize])
            .collect();
        format!("\"{inside}\"")
    }

    fn document(&mut self, depth: u64) -> String {
        let (before, after) = (self.space(), self.space());
        let inside = match self.below(if depth == 0 { 5 } else { 7 }) {
            0 => "null".to_owned(),
            1 => (self.below(2) == 0).to_string(),
            2 => self.string(),
            3 => (self.below(u64::MAX) as i64).to_string(),
            4 => format!("-{}.{}e-{}", self.below(9), self.below(99), self.below(9)),
            5 => {
                let items: Vec<_> = (0..self.below(4))
                    .map(|_| self.document(depth - 1))
                    .collect();
                format!("[{}{}]", self.space(), items.join(","))
            }
            _ => {
                let members: Vec<_> = (0..self.below(4))
                    .map(|_| {
                        let (name, space) = (self.string(), self.space());
                        format!("{space}{name}{space}:{}", self.document(depth - 1))
                    })
                    .collect();
                format!("{{{}{}}}", members.join(","), self.space())
            }
        };
        format!("{before}{inside}{after}")
    }
}

#[test]
fn every_document_means_the_same_as_before_and_compacts_to_itself() {
    let mut documents = Documents(0x5eed);
    for _ in 0..2_000 {
        let written = documents.document(4);
        let compacted = compact(&written).unwrap();
        let meaning: Json = serde_json::from_str(&written).unwrap();
        assert_eq!(
            serde_json::from_str::<Json>(&compacted).unwrap(),
            meaning,
            "{written}"
        );
        assert_eq!(compact(&compacted).unwrap(), compacted);
        assert!(compacted.len() <= written.len());
    }
}
