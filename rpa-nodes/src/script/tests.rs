use serde_json::json;

use super::*;

const SOON: Duration = Duration::from_millis(300);

fn gives(code: &str, input: &Value) -> Value {
    match run(code, input, Duration::from_secs(20)) {
        Ok(said) => said.result,
        Err(stop) => panic!("{code}: {stop:?}"),
    }
}

fn throws(code: &str) -> String {
    match run(code, &Value::Null, Duration::from_secs(20)) {
        Err(Stop::Thrown(text)) => text,
        other => panic!("{code}: {other:?}"),
    }
}

fn limit(code: &str) -> String {
    match run(code, &Value::Null, SOON) {
        Err(Stop::Limit(fault)) => fault.error_type,
        other => panic!("{code}: {other:?}"),
    }
}

#[test]
fn values_go_in_and_come_out_as_they_are() {
    let given = json!({"n": 1.5, "big": 9_007_199_254_740_991_i64, "s": "grün \u{0} ` ${x}", "l": [null, true, {}], "__proto__": 1});
    assert_eq!(gives("input_data", &given), given);
    assert_eq!(gives("inputData.l.length + input.n", &given), json!(4.5));
    assert_eq!(gives("undefined", &given), Value::Null);
    assert_eq!(
        gives("[NaN, undefined, new Date(0)]", &given),
        json!([null, null, "1970-01-01T00:00:00.000Z"])
    );
    assert_eq!(
        gives("({f() {}, x: new Map([[1, 2]])})", &given),
        json!({"x": {}})
    );
    let injected = json!({"s": "\"); throw 1; (\""});
    assert_eq!(gives("input_data.s", &injected), injected["s"]);
}

#[test]
fn a_result_is_the_last_statement_or_returned_or_called_so_or_awaited() {
    for code in [
        "const a = 20; a + 22",
        "const result = 42;",
        "let result; result = 42; 'other'",
        "return 42",
        "if (true) { return 42 } return 1",
        "const f = async () => 42; await f()\nreturn await f()",
        "const result = await Promise.resolve(42)",
        "Promise.resolve(41).then((n) => n + 1)",
        "(async () => { for (let i = 0; i < 100; i++) await null; return 42 })()",
    ] {
        assert_eq!(gives(code, &Value::Null), json!(42), "{code}");
    }
}

#[test]
fn what_a_script_logs_is_kept() {
    let said = run(
        "console.log('a', 1, {b: [2]}); console.error(undefined); 7",
        &Value::Null,
        SOON,
    )
    .unwrap();
    assert_eq!(said.lines, ["a 1 {\"b\":[2]}", "undefined"]);
    assert_eq!(said.result, json!(7));
}

#[test]
fn exceptions_tell_their_line() {
    assert_eq!(
        throws("let a = 1;\n\nnothing(a);"),
        "ReferenceError: nothing is not defined (line 3)"
    );
    assert_eq!(
        throws("const f = () => {\n  throw new TypeError('no')\n};\nf()"),
        "TypeError: no (line 2)"
    );
    let thrown = throws("if (!input) {\n  null.x\n}\nreturn 1;");
    assert!(thrown.ends_with("(line 2)"), "{thrown}");
    assert!(
        throws("\n\nif (").starts_with("SyntaxError: "),
        "{}",
        throws("\n\nif (")
    );
    assert!(
        throws("\n\nif (").ends_with("(line 3)"),
        "{}",
        throws("\n\nif (")
    );
    assert_eq!(throws("throw {code: 7}"), "thrown: {'code': 7}");
    assert_eq!(
        throws("await Promise.reject(new Error('late'))"),
        "Error: late (line 1)"
    );
    assert!(throws("new Promise(() => {})").contains("never happens"));
    assert!(
        throws("1n").contains("BigInt") || throws("1n").contains("bigint"),
        "{}",
        throws("1n")
    );
    assert!(throws("const a = {}; a.a = a; a").contains("circular"));
}

#[test]
fn an_endless_script_is_stopped_when_its_time_is_over() {
    for code in [
        "while (true) {}",
        "try { while (true) {} } catch (e) {} 'went on'",
        "(async () => { while (true) await null })()",
        "({toJSON() { while (true) {} }})",
        "/(a+)+$/.test('a'.repeat(40) + 'b'); while (true) {}",
        "[1, 2].sort(() => { while (true) {} })",
    ] {
        let begun = Instant::now();
        assert_eq!(limit(code), "TimeoutError", "{code}");
        assert!(begun.elapsed() < SOON * 20, "{code}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_script_that_wants_all_memory_is_stopped() {
    for code in [
        "const all = []; while (true) all.push(new Array(100000).fill(1.5))",
        "let s = 'x'; while (true) s += s + s",
        "new Uint8Array(1e9)",
        "'x'.repeat(2 ** 29)",
    ] {
        let stop = run(code, &Value::Null, Duration::from_secs(30)).unwrap_err();
        let is_told = match &stop {
            Stop::Limit(fault) => fault.error_type == "MemoryError",
            // The language has limits of its own for one string or array.
            Stop::Thrown(text) => {
                text.starts_with("RangeError: ") || text.contains("string too long")
            }
        };
        assert!(is_told, "{code}: {stop:?}");
    }
}

#[test]
fn a_script_that_calls_itself_without_end_throws() {
    for code in [
        "const f = () => f() + 1; f()",
        "let a = []; for (let i = 0; i < 2e5; i++) a = [a]; JSON.stringify(a)",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a",
    ] {
        let text = throws(code);
        assert!(
            text.contains("stack") || text.contains("recursion"),
            "{code}: {text}"
        );
    }
    // And it can be caught, as everywhere.
    assert_eq!(
        gives(
            "const f = () => f() + 1; try { f() } catch (e) { 'caught' }",
            &Value::Null
        ),
        "caught"
    );
}

#[test]
fn nothing_of_the_machine_can_be_reached() {
    for name in [
        "require",
        "process",
        "fetch",
        "setTimeout",
        "std",
        "os",
        "Deno",
        "print",
        "load",
        "Worker",
        "XMLHttpRequest",
        "scriptArgs",
    ] {
        assert_eq!(
            gives(&format!("typeof {name}"), &Value::Null),
            "undefined",
            "{name}"
        );
    }
    for code in ["import('std')", "import('./x.js')", "import('fs')"] {
        let text = throws(code);
        assert!(
            text.contains("module") || text.contains("load"),
            "{code}: {text}"
        );
    }
    assert!(throws("import fs from 'fs'").starts_with("SyntaxError"));
}

#[test]
fn scripts_know_nothing_of_one_another() {
    gives(
        "globalThis.left = 1; Array.prototype.map = () => 'broken'; 1",
        &Value::Null,
    );
    assert_eq!(
        gives("[typeof left, [1].map((n) => n + 1)]", &Value::Null),
        json!(["undefined", [2]])
    );
}
