mod fixtures;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::{PickleError, read_arguments, read_error, read_value, write_error, write_value};

fn base64(pickle: impl AsRef<[u8]>) -> String {
    STANDARD.encode(pickle)
}

fn pickle(base64: &str) -> String {
    String::from_utf8(STANDARD.decode(base64).unwrap()).unwrap()
}

/// What reading must tell about a pickle that Python would not write.
fn malformed(pickle: impl AsRef<[u8]>) -> &'static str {
    match read_value(&base64(pickle)) {
        Err(PickleError::Malformed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn plain_data_of_every_protocol_reads_as_the_same_json() {
    let json = "{\"none\":null,\"yes\":true,\"no\":false,\"zero\":0,\"byte\":255,\"minus\":-1,\"short\":65535,\
         \"int\":-2147483648,\"big\":1606938044258990275541962092341162602522202993782792835301376,\
         \"bigneg\":-1606938044258990275541962092341162602522202993782792835301376,\"tenth\":0.1,\"huge\":1e+300,\
         \"negzero\":-0.0,\"text\":\"é \\\\ \\n \\r \\u001a \\u0000 \u{2028} 😀 \\\\u0041 \\\"q\\\"\",\"list\":[],\
         \"tuple\":[],\"dict\":{},\"set\":[],\"frozen\":[7],\"one\":[9],\
         \"nested\":[[1],[1,2],[1,2,3],[1,2,3,4],[[]],{\"z\":{\"a\":[null]}}],\"s1\":[1,2],\
         \"s2\":[[1,2],[1,2]],\"\":\"\",\"clé 😀\":1}";
    for (protocol, pickled) in fixtures::PLAIN.iter().enumerate() {
        assert_eq!(read_value(pickled).unwrap(), json, "protocol {protocol}");
    }
}

#[test]
fn arguments_of_every_protocol_read_as_the_portable_envelope() {
    let envelope = r#"{"positionalArgs":["bob",42,[1.5,null],{"k":"é"}],"namedArgs":{"count":1180591620717411303424,"tags":["a","b"]}}"#;
    for (protocol, pickled) in fixtures::ARGUMENTS.iter().enumerate() {
        assert_eq!(
            read_arguments(pickled).unwrap(),
            envelope,
            "protocol {protocol}"
        );
    }
}

#[test]
fn arguments_of_another_shape_are_refused() {
    let refusal = |json: &str| {
        let pickled = write_value(json).unwrap();
        read_arguments(&pickled).unwrap_err().to_string()
    };
    for json in ["null", "{}", r#"{"args":[]}"#, r#"{"kwargs":{}}"#] {
        assert!(refusal(json).contains("keys `args` and `kwargs`"), "{json}");
    }
    assert_eq!(
        refusal(r#"{"args":{},"kwargs":{}}"#),
        "it holds a dict where the tuple `args` must be"
    );
    assert_eq!(
        refusal(r#"{"args":[],"kwargs":null}"#),
        "it holds None where the dict `kwargs` must be"
    );
}

#[test]
fn what_is_no_plain_data_is_refused_by_its_name() {
    for (found, pickled) in fixtures::FOREIGN {
        let expected = PickleError::NotPlain {
            found: (*found).to_owned(),
        };
        assert_eq!(read_value(pickled), Err(expected), "{pickled}");
    }
}

#[test]
fn the_refusal_of_an_object_says_what_to_do() {
    let pickled = fixtures::FOREIGN[0].1;
    assert_eq!(
        read_value(pickled).unwrap_err().to_string(),
        "it holds a Python object of class `datetime.datetime`, and only plain data can be read from a Python pickle: \
         None, bool, int, finite float, str, list, tuple, set, and dict with str keys; pass plain data, or use the \
         portable serialization"
    );
}

#[test]
fn exceptions_read_as_their_class_and_message() {
    for (name, message, pickled) in fixtures::ERRORS {
        let expected = ((*name).to_owned(), (*message).to_owned());
        assert_eq!(read_error(pickled), Ok(expected), "{pickled}");
    }
}

#[test]
fn a_plain_value_is_no_exception() {
    assert_eq!(
        read_error("Ti4="),
        Err(PickleError::Unexpected {
            found: "None".to_owned(),
            expected: "an exception"
        })
    );
}

#[test]
fn both_ways_to_pickle_none_are_read() {
    assert_eq!(read_value("Ti4=").unwrap(), "null");
    assert_eq!(read_value("gAROLg==").unwrap(), "null");
}

#[test]
fn integers_keep_every_digit_at_every_length() {
    for (bytes, digits) in [
        (vec![], "0"),
        (vec![0], "0"),
        (vec![0xff], "-1"),
        (vec![0x80], "-128"),
        (vec![0x80, 0], "128"),
        (vec![0xff, 0xff, 0xff, 0xff, 0], "4294967295"),
    ] {
        let pickle = [&[0x8a, bytes.len() as u8][..], &bytes, b"."].concat();
        assert_eq!(read_value(&base64(pickle)).unwrap(), digits);
    }
    // Against 128-bit arithmetic, with more sign bytes than needed so that the long way is taken.
    for number in [
        0,
        1,
        -1,
        999_999_999,
        1_000_000_000,
        -1_000_000_000,
        i128::MAX,
        i128::MIN,
    ] {
        let sign = if number < 0 { 0xff } else { 0 };
        let pickle = [&[0x8a, 23][..], &number.to_le_bytes(), &[sign; 7], b"."].concat();
        assert_eq!(read_value(&base64(pickle)).unwrap(), number.to_string());
    }
    // -2**136, whose magnitude has a byte more than it.
    let pickle = [&[0x8a, 17][..], &[0; 16], &[0x80], b"."].concat();
    assert_eq!(
        read_value(&base64(pickle)).unwrap(),
        "-43556142965880123323311949751266331066368"
    );
    assert_eq!(read_value(&base64("L-0007L\n.")).unwrap(), "-7");
    assert_eq!(read_value(&base64("I-0\n.")).unwrap(), "0");
}

#[test]
fn an_integer_may_have_as_many_digits_as_python_takes_and_no_more() {
    let digits = "9".repeat(4300);
    assert_eq!(
        read_value(&base64(format!("L{digits}L\n."))).unwrap(),
        digits
    );
    for json in [digits.clone(), format!("-{digits}")] {
        assert_eq!(read_value(&write_value(&json).unwrap()).unwrap(), json);
    }

    let too_many = Err(PickleError::NotPlain {
        found: "an int of more than 4300 digits".to_owned(),
    });
    assert_eq!(read_value(&base64(format!("L{digits}9L\n."))), too_many);
    for length in [1791, 1792, 100_000] {
        let mut pickle = vec![0x8b];
        pickle.extend(u32::to_le_bytes(length));
        pickle.extend(vec![0x7f; length as usize]);
        pickle.push(b'.');
        assert_eq!(read_value(&base64(pickle)), too_many, "{length}");
    }
    assert!(
        write_value(&format!("{digits}9"))
            .unwrap_err()
            .to_string()
            .contains("4300 digits")
    );
}

#[test]
fn raw_unicode_escapes_are_undone_as_python_does() {
    for (line, text) in [
        (&b"\\u00e9\\U0001f600\xe9"[..], "é😀é"),
        (b"\\\\u0041", "\\\\u0041"),
        (b"\\x41\\", "\\x41\\"),
        (b"", ""),
    ] {
        let pickle = [b"V", line, b"\n."].concat();
        let json = read_value(&base64(pickle)).unwrap();
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
    for wrong in ["\\u12", "\\u+123", "\\uzzzz", "\\U00110000", "\\U0001f60"] {
        assert_eq!(
            malformed(format!("V{wrong}\n.")),
            "a str has an escape that is no character"
        );
    }
}

#[test]
fn a_truncated_pickle_is_an_error_at_every_length() {
    let pickles = fixtures::PLAIN.iter().chain(&fixtures::ARGUMENTS);
    for pickled in pickles.chain(fixtures::ERRORS.iter().map(|(_, _, pickled)| pickled)) {
        let whole = STANDARD.decode(pickled).unwrap();
        for length in 0..whole.len() {
            let part = base64(&whole[..length]);
            assert!(read_value(&part).is_err());
            assert!(read_error(&part).is_err());
            assert!(read_arguments(&part).is_err());
        }
    }
}

#[test]
fn a_changed_byte_never_panics_and_what_is_read_is_json() {
    let pickles = [fixtures::PLAIN[0], fixtures::PLAIN[2], fixtures::PLAIN[4]];
    for pickled in pickles {
        let whole = STANDARD.decode(pickled).unwrap();
        for at in 0..whole.len() {
            for byte in [b'(', b'0', b'R', b'\n', 0x7f, 0xff, whole[at] ^ 1] {
                let mut changed = whole.clone();
                changed[at] = byte;
                if let Ok(json) = read_value(&base64(changed)) {
                    serde_json::from_str::<Json>(&json).unwrap();
                }
            }
        }
    }
}

#[test]
fn what_is_no_pickle_is_an_error_that_says_where() {
    assert!(matches!(
        read_value("{\"a\":1}"),
        Err(PickleError::Base64(_))
    ));
    assert_eq!(malformed(""), "the pickle ends too early");
    assert_eq!(malformed("."), "the stack is empty");
    assert_eq!(malformed("(."), "the stack is empty");
    assert_eq!(malformed("N(00."), "the stack is empty");
    assert_eq!(malformed("N(a."), "the stack is empty");
    assert_eq!(malformed("Nt."), "there is no mark on the stack");
    assert_eq!(malformed("(Nd."), "a dict has a key without a value");
    assert_eq!(malformed("NNa."), "something that is no list gets items");
    assert_eq!(malformed("NNNs."), "something that is no dict gets members");
    assert_eq!(
        malformed("NNb."),
        "something that is no instance gets a state"
    );
    assert_eq!(malformed("h\0."), "a memo entry is not there");
    assert_eq!(malformed("Np-1\n."), "the number of a memo entry is none");
    assert_eq!(
        malformed("I0x10\n."),
        "an int has other characters than decimal digits"
    );
    assert_eq!(malformed("F1.2.3\n."), "a float is no number");
    assert_eq!(malformed(b"\x80\x06N."), "a protocol above 5 is not known");
    assert_eq!(malformed(b"\x8c\x01\xff."), "a str is not UTF-8");
    assert_eq!(
        malformed("Pid\n."),
        "there is an instruction that plain data and errors do not need"
    );
    let error = read_value(&base64("N0?")).unwrap_err().to_string();
    assert!(error.ends_with(" at byte 2"), "{error}");
}

#[test]
fn a_length_beyond_the_end_allocates_nothing() {
    for start in [
        &b"X\xff\xff\xff\xff"[..],
        b"\x8b\xff\xff\xff\x7f",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        assert_eq!(
            malformed([start, b"x."].concat()),
            "the pickle ends too early"
        );
    }
    // Python would make its memo as large as this number.
    assert_eq!(
        read_value(&base64(b"Nr\xff\xff\xff\xffj\xff\xff\xff\xff.")).unwrap(),
        "null"
    );
}

#[test]
fn depth_is_limited_to_what_serde_json_reads() {
    let nested = |depth: usize| "(".repeat(depth) + &"t".repeat(depth);
    let deepest = read_value(&base64(nested(126) + ".")).unwrap();
    assert_eq!(deepest, "[".repeat(126) + &"]".repeat(126));
    serde_json::from_str::<Json>(&deepest).unwrap();

    let arguments = |depth| base64(format!("(Vargs\n{}Vkwargs\n(dd.", nested(depth)));
    serde_json::from_str::<Json>(&read_arguments(&arguments(126)).unwrap()).unwrap();
    assert_eq!(read_arguments(&arguments(127)), Err(PickleError::TooDeep));

    for depth in [127, 1_000_000] {
        assert_eq!(
            read_value(&base64(nested(depth) + ".")),
            Err(PickleError::TooDeep)
        );
        let error = base64(format!("cbuiltins\nException\n({}tR.", nested(depth)));
        assert_eq!(read_error(&error), Err(PickleError::TooDeep));
    }
}

#[test]
fn a_value_inside_itself_is_an_error() {
    for pickled in fixtures::CYCLES {
        assert_eq!(read_value(pickled), Err(PickleError::TooDeep));
    }
    // An exception that is its own argument, and a set that is its own element.
    assert_eq!(
        read_error(&base64("cbuiltins\nException\n(lp0\nRp1\n0g0\ng1\na0g1\n.")),
        Err(PickleError::TooDeep)
    );
    assert_eq!(
        read_value(&base64("c__builtin__\nset\n((lp0\ntRp1\n0g0\ng1\na0g1\n.")),
        Err(PickleError::TooDeep)
    );
}

#[test]
fn a_small_pickle_of_a_huge_value_is_an_error() {
    // Each list holds ten times the one before it.
    let mut laughs = "(Vha\ntp0\n".to_owned();
    for level in 1..100 {
        laughs += &format!("({}tp{level}\n", format!("g{}\n", level - 1).repeat(10));
    }
    laughs.push('.');
    assert!(matches!(
        read_value(&base64(&laughs)),
        Err(PickleError::TooLarge { .. })
    ));
    laughs.pop();
    let error = format!("{laughs}p100\n0cbuiltins\nException\n(g100\ntR.");
    assert!(matches!(
        read_error(&base64(error)),
        Err(PickleError::TooLarge { .. })
    ));
}

#[test]
fn a_list_of_dicts_with_the_same_keys_is_no_huge_value() {
    let key = "a_rather_long_name_of_a_column";
    let rows = format!("[{}]", vec![format!("{{\"{key}\":1}}"); 100_000].join(","));
    let mut pickle = format!("(lV{key}\np0\n0").into_bytes();
    for _ in 0..100_000 {
        pickle.extend(b"}h\0K\x01sa");
    }
    pickle.push(b'.');
    assert_eq!(read_value(&base64(pickle)).unwrap(), rows);
}

/// The golden values were loaded by Python 3.11, which read each as `json.loads` reads the JSON.
#[test]
fn values_are_written_as_python_reads_them() {
    for (json, pickled) in [
        (r#"null"#, "gAJOLg=="),
        (
            r#"[true,false,null,[],{},{"a":{}}]"#,
            "gAJdKIiJTl0oZX0odX0oWAEAAABhfSh1dWUu",
        ),
        (
            r#"{"z":1,"a":{"y":[1,-1,255,65536,2147483647,2147483648,-2147483649],"b":null}}"#,
            "gAJ9KFgBAAAAekoBAAAAWAEAAABhfShYAQAAAHldKEoBAAAASv////9K/wAAAEoAAAEASv///39MMjE0NzQ4MzY0OEwKTC0yMTQ3NDgzNjQ5TAplWAEAAABiTnV1Lg==",
        ),
        (
            r#"-1606938044258990275541962092341162602522202993782792835301376"#,
            "gAJMLTE2MDY5MzgwNDQyNTg5OTAyNzU1NDE5NjIwOTIzNDExNjI2MDI1MjIyMDI5OTM3ODI3OTI4MzUzMDEzNzZMCi4=",
        ),
        (
            r#"[0.1,1e+300,-0.0,1.0,-0,1E5]"#,
            "gAJdKEc/uZmZmZmZmkd+N+Q8iAB1nEeAAAAAAAAAAEc/8AAAAAAAAEoAAAAAR0D4agAAAAAAZS4=",
        ),
        (
            r#""\u00e9 \\ \n \r \u001a \u0000 😀 \\u0041 \"""#,
            "gAJYGgAAAMOpIFwgCiANIBogACDwn5iAIFx1MDA0MSAiLg==",
        ),
        (
            r#"{"a":1,"é":2,"a":3}"#,
            "gAJ9KFgBAAAAYUoBAAAAWAIAAADDqUoCAAAAWAEAAABhSgMAAAB1Lg==",
        ),
    ] {
        assert_eq!(write_value(json).unwrap(), pickled, "{json}");
    }
}

#[test]
fn values_written_as_pickles_read_as_the_same_json() {
    for json in [
        "null",
        "true",
        "[]",
        "{}",
        r#"[[],{},[{}],""]"#,
        r#"{"z":1,"a":{"y":[1,-1,255,65536,2147483647,2147483648,-2147483649],"b":null}}"#,
        "1606938044258990275541962092341162602522202993782792835301376",
        "-1606938044258990275541962092341162602522202993782792835301376",
        "[0.1,1e+300,-0.0,1.0]",
        r#""é \\ \n \r \u001a \u0000 😀 \"""#,
    ] {
        assert_eq!(read_value(&write_value(json).unwrap()).unwrap(), json);
    }
    for pickled in fixtures::PLAIN {
        let json = read_value(pickled).unwrap();
        assert_eq!(read_value(&write_value(&json).unwrap()).unwrap(), json);
    }
}

#[test]
fn what_python_could_not_read_is_not_written() {
    for (json, reason) in [
        ("[1,", "EOF"),
        (
            r#""\ud800""#,
            "half of a surrogate pair in the string at byte 0",
        ),
        ("1e400", "too large for a float"),
    ] {
        let error = write_value(json).unwrap_err().to_string();
        assert!(
            error.starts_with("it cannot be written as a Python pickle: "),
            "{error}"
        );
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn an_error_is_the_pickle_of_an_exception_with_its_message() {
    assert_eq!(
        pickle(&write_error("boom")),
        "cbuiltins\nException\n(Vboom\ntR."
    );
    assert_eq!(
        pickle(&write_error("é\\u0041\n\r\0\u{1a}\u{ffff}😀\t\"'")),
        "cbuiltins\nException\n(V\\u00e9\\u005cu0041\\u000a\\u000d\\u0000\\u001a\\uffff\\U0001f600\t\"'\ntR."
    );
}

/// The golden value was loaded by Python 3.11, which read `Exception` with exactly this message.
#[test]
fn an_error_is_written_as_python_reads_it() {
    assert_eq!(
        write_error("é\\u0041\n\r\0\u{1a}\u{ffff}😀\t\"'\u{80}\u{ff}\u{2028}\\"),
        "Y2J1aWx0aW5zCkV4Y2VwdGlvbgooVlx1MDBlOVx1MDA1Y3UwMDQxXHUwMDBhXHUwMDBkXHUwMDAwXHUwMDFhXHVmZmZmXFUwMDAxZjYwMAkiJ1x1MDA4MFx1MDBmZlx1MjAyOFx1MDA1Ywp0Ui4="
    );
}

#[test]
fn a_written_error_reads_as_the_same_message() {
    for message in [
        "",
        "boom",
        "\\",
        "\\\\u0041",
        "a\nb\r\0\u{1a}",
        "é 😀 \u{80}\u{ff}\u{2028}",
    ] {
        assert_eq!(
            read_error(&write_error(message)),
            Ok(("Exception".to_owned(), message.to_owned()))
        );
    }
}
