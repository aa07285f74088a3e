use serde_json::{Value, json};

use super::{run, run_in};
use crate::document;
use crate::host::Host;
use crate::run::{Request, run_ephemeral};

#[test]
fn files_are_read_written_and_moved() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let run = |node_type: &str, config: Value| run_in(folder.path(), node_type, config, json!({}));
    let done = |node_type: &str, config: Value| {
        let result = run(node_type, config);
        assert!(result.success, "{node_type}: {:?}", result.error);
        result.outputs["n"].clone()
    };
    let failed = |node_type: &str, config: Value| run(node_type, config).error.unwrap();

    let written = done(
        "WriteFileNode",
        json!({"file_path": "deep/a.txt", "content": "grün"}),
    );
    assert_eq!(written["bytes_written"], 5);
    assert_eq!(written["file_path"], at("deep/a.txt").to_str().unwrap());
    assert_eq!(
        done("ReadFileNode", json!({"file_path": "deep/a.txt"}))["content"],
        "grün"
    );
    done(
        "AppendFileNode",
        json!({"file_path": "deep/a.txt", "content": "\nmore"}),
    );
    assert_eq!(
        done("GetFileSizeNode", json!({"path": "deep/a.txt"}))["size"],
        10
    );
    let info = done("GetFileInfoNode", json!({"file_path": "deep/a.txt"}));
    assert_eq!(
        (info["name"].as_str(), info["extension"].as_str()),
        (Some("a.txt"), Some(".txt"))
    );

    done(
        "CopyFileNode",
        json!({"source": "deep/a.txt", "destination": "b.txt"}),
    );
    assert!(
        failed(
            "CopyFileNode",
            json!({"source_path": "deep/a.txt", "dest_path": "b.txt"})
        )
        .starts_with("FileExistsError: ")
    );
    done(
        "CopyFileNode",
        json!({"source_path": "deep/a.txt", "dest_path": "b.txt", "overwrite": true}),
    );
    done(
        "MoveFileNode",
        json!({"source_path": "b.txt", "dest_path": "new/c.txt"}),
    );
    assert!(!at("b.txt").exists() && at("new/c.txt").exists());
    assert!(
        failed(
            "MoveFileNode",
            json!({"source_path": "b.txt", "dest_path": "d.txt"})
        )
        .starts_with("FileNotFoundError: ")
    );

    let exists = done(
        "FileExistsNode",
        json!({"path": "new", "check_type": "file"}),
    );
    assert_eq!(
        (&exists["exists"], &exists["is_dir"]),
        (&json!(false), &json!(true))
    );
    done("CreateDirectoryNode", json!({"directory_path": "x/y"}));
    assert!(
        failed(
            "CreateDirectoryNode",
            json!({"directory_path": "x/y", "exist_ok": false})
        )
        .starts_with("FileExistsError: ")
    );
    let listed = done(
        "ListFilesNode",
        json!({"directory_path": ".", "pattern": "*.txt", "recursive": true}),
    );
    assert_eq!(listed["count"], 2);
    let listed = done(
        "ListDirectoryNode",
        json!({"dir_path": ".", "dirs_only": true}),
    );
    assert_eq!(listed["count"], 3);

    done("DeleteFileNode", json!({"file_path": "new/c.txt"}));
    assert!(
        failed("DeleteFileNode", json!({"file_path": "new/c.txt"}))
            .starts_with("FileNotFoundError: ")
    );
    done(
        "DeleteFileNode",
        json!({"file_path": "new/c.txt", "ignore_missing": true}),
    );
    std::fs::write(at("latin.txt"), b"gr\xfcn").unwrap();
    assert!(
        failed("ReadFileNode", json!({"file_path": "latin.txt"}))
            .starts_with("UnicodeDecodeError: ")
    );
    assert_eq!(
        done(
            "ReadFileNode",
            json!({"file_path": "latin.txt", "encoding": "latin-1"})
        )["content"],
        "grün"
    );
    assert_eq!(
        done(
            "FileSystemSuperNode",
            json!({"action": "read_file", "file_path": "deep/a.txt"})
        )["size"],
        10
    );
}

#[test]
fn tables_and_json_files_are_read_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let done = |node_type: &str, config: Value| {
        let result = run_in(folder.path(), node_type, config, json!({}));
        assert!(result.success, "{node_type}: {:?}", result.error);
        result.outputs["n"].clone()
    };
    let rows = json!([{"name": "Ada, Countess", "n": "1"}, {"name": "a \"b\"", "n": "2"}]);
    done("WriteCSVNode", json!({"file_path": "t.csv", "data": rows}));
    let text = std::fs::read_to_string(folder.path().join("t.csv")).unwrap();
    assert_eq!(
        text,
        "name,n\r\n\"Ada, Countess\",1\r\n\"a \"\"b\"\"\",2\r\n"
    );
    let read = done("ReadCSVNode", json!({"file_path": "t.csv"}));
    assert_eq!(read["data"], rows);
    assert_eq!(read["headers"], json!(["name", "n"]));
    let part = done(
        "ReadCSVNode",
        json!({"file_path": "t.csv", "has_header": false, "skip_rows": 1, "max_rows": 1}),
    );
    assert_eq!(part["data"], json!([["Ada, Countess", "1"]]));
    let value = json!({"b": [1, 2.5, null], "a": "ä"});
    done(
        "WriteJSONFileNode",
        json!({"file_path": "v.json", "data": value}),
    );
    assert_eq!(
        done("ReadJSONFileNode", json!({"file_path": "v.json"}))["data"],
        value
    );
}

#[test]
fn a_node_that_fails_is_tried_again_as_often_as_the_settings_say() {
    let folder = tempfile::tempdir().unwrap();
    let document = json!({
        "metadata": {"name": "t"},
        "nodes": {"n": {"node_id": "n", "node_type": "ReadFileNode", "config": {"file_path": "missing"}}},
        "connections": [], "settings": {"retry_count": 2},
    });
    let loaded = document::load(&document.to_string()).unwrap();
    let request = Request::new(&loaded.workflow, &Default::default(), folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let result = runtime
        .block_on(run_ephemeral(&request, &Host::default()))
        .unwrap();
    let tried = result
        .warnings
        .iter()
        .filter(|warning| warning.contains("tried again after"))
        .count();
    assert_eq!(tried, 2);
    assert!(!result.success);
}

#[test]
fn one_node_reads_and_writes_tables_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let done = |config: Value| {
        let result = run_in(folder.path(), "StructuredDataSuperNode", config, json!({}));
        assert!(result.success, "{:?}", result.error);
        result.outputs["n"].clone()
    };
    let value = json!([{"a": "1"}, {"a": "2"}]);
    done(json!({"action": "Write JSON", "file_path": "v.json", "data": value}));
    assert_eq!(
        done(json!({"action": "read json", "file_path": "v.json"}))["data"],
        value
    );
    done(json!({"action": "Write CSV", "file_path": "v.csv", "data": value}));
    assert_eq!(done(json!({"file_path": "v.csv"}))["data"], value);
    let written = json!(r#"[{"a": "1"}, {"a": "2"}]"#);
    let table = done(json!({"action": "Write CSV", "file_path": "w.csv", "data": written}));
    assert_eq!(table["row_count"], 2, "a config has the text of a list");
    done(json!({"action": "Write JSON", "file_path": "w.json", "data": written}));
    assert_eq!(
        done(json!({"action": "Read JSON", "file_path": "w.json"}))["data"],
        value
    );
    let zip = json!({"action": "Zip Files", "zip_path": "v.zip", "files": ["v.csv", "v.json"]});
    assert_eq!(done(zip)["file_count"], 2);
    done(json!({"action": "Unzip Files", "zip_path": "v.zip", "extract_to": "out"}));
    assert!(folder.path().join("out/v.json").exists());
    let refused = run(
        "StructuredDataSuperNode",
        json!({"action": "Image Convert", "file_path": "x"}),
    );
    assert!(refused.error.unwrap().contains("one of Read CSV"));
    let not_a_table = run_in(
        folder.path(),
        "StructuredDataSuperNode",
        json!({"action": "Write CSV", "file_path": "n.csv", "data": "no list"}),
        json!({}),
    );
    assert!(not_a_table.error.unwrap().contains("a list is expected"));
}

#[test]
fn files_are_read_and_written_in_the_encodings_of_python() {
    let folder = tempfile::tempdir().unwrap();
    for (encoding, bytes) in [
        ("cp1252", b"\x80 \xe9".as_slice()),
        ("utf-16", b"\xff\xfe\xac\x20 \x00\xe9\x00"),
        ("utf_16_be", b"\x20\xac\x00 \x00\xe9"),
        ("iso-8859-15", b"\xa4 \xe9"),
        ("utf-8-sig", b"\xef\xbb\xbf\xe2\x82\xac \xc3\xa9"),
    ] {
        let config = json!({"file_path": "f.txt", "content": "€ é", "encoding": encoding});
        let written = run_in(folder.path(), "WriteFileNode", config, json!({}));
        assert!(written.success, "{encoding}: {:?}", written.error);
        assert_eq!(
            std::fs::read(folder.path().join("f.txt")).unwrap(),
            bytes,
            "{encoding}"
        );
        let config = json!({"file_path": "f.txt", "encoding": encoding});
        let read = run_in(folder.path(), "ReadFileNode", config, json!({}));
        assert_eq!(read.outputs["n"]["content"], "€ é", "{encoding}");
    }
    std::fs::write(folder.path().join("f.txt"), b"a\xe9b").unwrap();
    let read = |errors: &str| {
        let config = json!({"file_path": "f.txt", "errors": errors});
        run_in(folder.path(), "ReadFileNode", config, json!({}))
    };
    for (errors, text) in [
        ("replace", "a\u{fffd}b"),
        ("ignore", "ab"),
        ("backslashreplace", "a\\xe9b"),
    ] {
        assert_eq!(read(errors).outputs["n"]["content"], text);
    }
    assert!(read("strict").error.unwrap().contains("(byte 1)"));
    for (errors, bytes) in [
        ("replace", b"?\xe9".as_slice()),
        ("ignore", b"\xe9"),
        ("xmlcharrefreplace", b"&#8364;\xe9"),
        ("backslashreplace", b"\\u20ac\xe9"),
    ] {
        let config =
            json!({"file_path": "g.txt", "content": "€é", "encoding": "latin-1", "errors": errors});
        run_in(folder.path(), "WriteFileNode", config, json!({}));
        assert_eq!(std::fs::read(folder.path().join("g.txt")).unwrap(), bytes);
    }
    let config = json!({"file_path": "g.txt", "content": "€", "encoding": "latin-1"});
    let lost = run_in(folder.path(), "WriteFileNode", config, json!({}));
    assert!(lost.error.unwrap().contains("`€` cannot be written"));
}
