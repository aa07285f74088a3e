use serde_json::json;

use super::{check, fails};

#[test]
fn texts_are_taken_apart_and_put_together() {
    check(
        "ConcatenateNode",
        &[(
            json!({"string_1": "a", "string2": 1.0, "separator": "-"}),
            json!({"result": "a-1.0"}),
        )],
    );
    check(
        "FormatStringNode",
        &[(
            json!({"template": "{name:>5}|{n:.1f}|{d[k]}|{d[l][0]}", "variables": {"name": "Ada", "n": 2, "d": {"k": "v", "l": [7]}}}),
            json!({"result": "  Ada|2.0|v|7"}),
        )],
    );
    check(
        "TextSplitNode",
        &[
            (
                json!({"text": "a,b,c", "separator": ","}),
                json!({"result": ["a", "b", "c"], "count": 3}),
            ),
            (
                json!({"text": "a,b,c", "delimiter": ",", "max_split": "1"}),
                json!({"result": ["a", "b,c"]}),
            ),
            (
                json!({"text": " a  b ", "separator": ""}),
                json!({"result": ["a", "b"]}),
            ),
        ],
    );
    check(
        "TextTrimNode",
        &[
            (json!({"text": "  x "}), json!({"result": "x"})),
            (
                json!({"text": "--x-", "characters": "-", "mode": "left"}),
                json!({"result": "x-"}),
            ),
        ],
    );
    check(
        "TextCaseNode",
        &[
            (
                json!({"text": "hello WORLD", "case": "title"}),
                json!({"result": "Hello World"}),
            ),
            (
                json!({"text": "hello WORLD", "case": "swapcase"}),
                json!({"result": "HELLO world"}),
            ),
            (
                json!({"text": "ÄB", "case": "lower"}),
                json!({"result": "äb"}),
            ),
        ],
    );
    check(
        "TextPadNode",
        &[
            (
                json!({"text": "7", "length": "3", "fill_char": "0"}),
                json!({"result": "007"}),
            ),
            (
                json!({"text": "7", "width": 4, "mode": "center", "pad_char": "*"}),
                json!({"result": "*7**"}),
            ),
        ],
    );
    check(
        "TextReverseNode",
        &[(json!({"text": "aß"}), json!({"result": "ßa"}))],
    );
    check(
        "TextLinesNode",
        &[
            (
                json!({"text": "a\n\nb", "remove_empty": true}),
                json!({"lines": ["a", "b"], "count": 2}),
            ),
            (
                json!({"lines": ["a", 2], "mode": "join", "line_separator": "comma"}),
                json!({"text": "a,2"}),
            ),
        ],
    );
    check(
        "TextSubstringNode",
        &[(
            json!({"text": "hellö", "start": 1, "end": -1}),
            json!({"result": "ell", "length": 3}),
        )],
    );
    check(
        "TextContainsNode",
        &[
            (
                json!({"text": "öLa La", "search": "la", "case_sensitive": false}),
                json!({"contains": true, "position": 1, "count": 2}),
            ),
            (
                json!({"text": "x", "search": "y"}),
                json!({"contains": false, "position": -1, "count": 0}),
            ),
        ],
    );
    check(
        "TextStartsWithNode",
        &[(
            json!({"text": "Hello", "prefix": "he", "case_sensitive": "false"}),
            json!({"result": true}),
        )],
    );
    check(
        "TextEndsWithNode",
        &[(
            json!({"text": "Hello", "suffix": "LO"}),
            json!({"result": false}),
        )],
    );
    check(
        "TextCountNode",
        &[(
            json!({"text": "a b\nc", "mode": "words"}),
            json!({"count": 3}),
        )],
    );
    check(
        "TextJoinNode",
        &[(
            json!({"items": "['a', 1, True]", "separator": "+"}),
            json!({"result": "a+1+True"}),
        )],
    );
}

#[test]
fn patterns_are_those_of_python() {
    check(
        "RegexMatchNode",
        &[(
            json!({"text": "a1 b22", "pattern": "([a-z])(\\d+)"}),
            json!({"match_found": true, "first_match": "a1", "groups": ["a", "1"], "match_count": 2, "all_matches": [["a", "1"], ["b", "22"]]}),
        )],
    );
    check(
        "RegexReplaceNode",
        &[(
            json!({"text": "2026-01-31", "pattern": "(?P<y>\\d+)-(\\d+)-(\\d+)", "replacement": "\\3.\\2.\\g<y>"}),
            json!({"result": "31.01.2026", "count": 1}),
        )],
    );
    check(
        "RegexMatchNode",
        &[(
            json!({"text": "price: 7€", "pattern": "(?<=: )\\d+"}),
            json!({"first_match": "7"}),
        )],
    );
    check(
        "TextExtractNode",
        &[(
            json!({"text": "a=1;b=2", "pattern": "\\w=(\\d)", "all_matches": true}),
            json!({"match": ["1", "2"], "found": true}),
        )],
    );
    check(
        "TextReplaceNode",
        &[
            (
                json!({"text": "a.a.a", "old": "a", "new": "b", "count": 2}),
                json!({"result": "b.b.a", "replacements": 2}),
            ),
            (
                json!({"text": "A.a", "old_value": "a", "new_value": "$1", "ignore_case": true}),
                json!({"result": "$1.$1"}),
            ),
            (
                json!({"text": "x1y2", "old_value": "\\d", "new_value": "", "use_regex": true}),
                json!({"result": "xy", "replacements": 2}),
            ),
        ],
    );
    assert!(
        fails("RegexMatchNode", json!({"text": "a", "pattern": "("})).starts_with("PatternError: ")
    );
}
