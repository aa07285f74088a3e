//! Excel nodes on a workbook that another program made: tests/fixtures/excel/make.py.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::run_in;
use crate::document;
use crate::host::Host;
use crate::run::{Request, Result as RunResult, run_ephemeral};

/// A folder with the workbook in it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let stock = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/excel/stock.xlsx");
    fs::copy(stock, folder.path().join("stock.xlsx")).unwrap();
    folder
}

/// Runs nodes in a row, all of them on one workbook.
fn row(folder: &Path, open: Value, nodes: &[(&str, &str, Value)]) -> RunResult {
    let mut all =
        json!({"open": {"node_id": "open", "node_type": "ExcelOpenNode", "config": open}});
    let mut links = Vec::new();
    let mut last = "open";
    for (id, node_type, config) in nodes {
        all[id] = json!({"node_id": id, "node_type": node_type, "config": config});
        links.push(json!({"source_node": last, "source_port": "exec_out", "target_node": id, "target_port": "exec_in"}));
        links.push(json!({"source_node": "open", "source_port": "workbook", "target_node": id, "target_port": "workbook"}));
        last = id;
    }
    let document = json!({"metadata": {"name": "t"}, "nodes": all, "connections": links});
    let loaded = document::load(&document.to_string()).unwrap();
    let request = Request::new(&loaded.workflow, &Default::default(), folder).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(run_ephemeral(&request, &Host::default()))
        .unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn cells_are_read_as_what_they_are() {
    let folder = folder();
    let stock = json!({"file_path": "stock.xlsx", "read_only": true});
    let read = |config: Value| ("ExcelReadCellNode", config);
    let cells = [
        (read(json!({"cell": "A2"})), json!("bread & butter")),
        (read(json!({"cell": "$B$2", "sheet": 1})), json!(12)),
        (read(json!({"cell": "c2", "sheet": "stock"})), json!(2.5)),
        (read(json!({"cell": "D2"})), json!(true)),
        (read(json!({"cell": "E2"})), json!("2026-11-22")),
        (read(json!({"cell": "F2"})), json!("2026-11-22T08:30:00")),
        (read(json!({"cell": "Z99"})), Value::Null),
        (
            read(json!({"cell": "C5", "sheet": "2 Notes"})),
            json!("far away"),
        ),
        (read(json!({"cell": "C5", "sheet": "2"})), json!("far away")),
        (read(json!({"cell": "A1", "sheet": "Empty"})), Value::Null),
    ];
    for ((node_type, config), expected) in cells {
        let result = row(
            folder.path(),
            stock.clone(),
            &[("n", node_type, config.clone())],
        );
        assert!(result.success, "{config}: {:?}", result.error);
        assert_eq!(result.outputs["n"]["value"], expected, "{config}");
    }
    let range = row(
        folder.path(),
        stock,
        &[
            ("n", "ExcelGetRangeNode", json!({"range": "A1:C4"})),
            ("close", "ExcelCloseNode", json!({})),
        ],
    );
    assert!(range.success, "{:?}", range.error);
    let given = &range.outputs["n"];
    assert_eq!(
        given["data"],
        json!([
            ["item", "count", "price"],
            ["bread & butter", 12, 2.5],
            ["Käse", 3, 7],
            [null, null, null]
        ])
    );
    assert_eq!((&given["rows"], &given["columns"]), (&json!(4), &json!(3)));
    assert_eq!(files(folder.path()), ["stock.xlsx"]);
}

#[test]
fn what_is_written_is_in_the_file_when_it_is_closed_and_all_else_is_as_it_was() {
    let folder = folder();
    let path = folder.path().join("stock.xlsx");
    let before = fs::read(&path).unwrap();
    let write = |cell: &str, value: Value| {
        (
            "ExcelWriteCellNode",
            json!({"cell": cell, "value": value, "sheet": "Stock"}),
        )
    };
    let writes = [
        write("B2", json!("15")),
        write("A2", json!("<bread> \"&\" 'butter'")),
        write("H2", json!("=B2*2")),
        write("D3", json!(true)),
        write("E3", json!("007")),
        write("A9", json!(["a", 1])),
        write("C1", Value::Null),
        write("B7", json!(-1.5)),
    ];
    let names = ["w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7"];
    let mut nodes: Vec<(&str, &str, Value)> = names
        .iter()
        .zip(&writes)
        .map(|(name, (node_type, config))| (*name, *node_type, config.clone()))
        .collect();
    nodes.push((
        "empty",
        "ExcelWriteCellNode",
        json!({"cell": "B2", "value": "first", "sheet": 3}),
    ));
    nodes.push(("inside", "ExcelReadCellNode", json!({"cell": "B2"})));
    let open = json!({"file_path": "stock.xlsx"});

    let unsaved = [
        &nodes[..],
        &[("close", "ExcelCloseNode", json!({"save": false}))],
    ]
    .concat();
    let result = row(folder.path(), open.clone(), &unsaved);
    assert!(result.success, "{:?}", result.error);
    assert_eq!(result.outputs["inside"]["value"], 15);
    assert_eq!(fs::read(&path).unwrap(), before);
    let saved = [&nodes[..], &[("close", "ExcelCloseNode", json!({}))]].concat();
    let result = row(folder.path(), open.clone(), &saved);
    assert!(result.success, "{:?}", result.error);
    assert_eq!(
        files(folder.path()),
        ["stock.xlsx"],
        "nothing is left beside it"
    );

    let read = row(
        folder.path(),
        json!({"file_path": "stock.xlsx", "read_only": true}),
        &[
            ("n", "ExcelGetRangeNode", json!({"range": "A1:F9"})),
            (
                "e",
                "ExcelReadCellNode",
                json!({"cell": "B2", "sheet": "Empty"}),
            ),
        ],
    );
    let data = &read.outputs["n"]["data"];
    assert_eq!(
        data[0],
        json!(["item", "count", null, "sold", "when", "at"])
    );
    assert_eq!(
        data[1],
        json!([
            "<bread> \"&\" 'butter'",
            15,
            2.5,
            true,
            "2026-11-22",
            "2026-11-22T08:30:00"
        ])
    );
    assert_eq!(data[2], json!(["Käse", 3, 7, true, "007", null]));
    assert_eq!(data[6], json!([null, -1.5, null, null, null, null]));
    assert_eq!(data[8][0], "['a', 1]");
    assert_eq!(read.outputs["e"]["value"], "first");
    let parts = |content: &[u8]| {
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(content.to_vec())).unwrap();
        (0..archive.len())
            .map(|place| {
                let mut entry = archive.by_index(place).unwrap();
                let mut text = String::new();
                std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
                (entry.name().unwrap().into_owned(), text)
            })
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let (old, new) = (parts(&before), parts(&fs::read(&path).unwrap()));
    assert_eq!(
        old.keys().collect::<Vec<_>>(),
        new.keys().collect::<Vec<_>>()
    );
    assert_eq!(old["xl/styles.xml"], new["xl/styles.xml"]);
    assert_eq!(
        old["xl/worksheets/sheet2.xml"],
        new["xl/worksheets/sheet2.xml"]
    );
    let sheet = &new["xl/worksheets/sheet1.xml"];
    assert!(
        sheet.contains("<c r=\"B2\" s=\"1\"><v>15</v></c>"),
        "its format stays: {sheet}"
    );
    assert!(sheet.contains("<c r=\"H2\"><f>B2*2</f></c>"), "{sheet}");
    assert!(new["xl/workbook.xml"].contains("fullCalcOnLoad=\"1\""));
}

#[test]
fn a_workbook_that_is_missing_can_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let open = json!({"file_path": "new.xlsx", "create_if_missing": true});
    let result = row(
        folder.path(),
        open.clone(),
        &[
            (
                "w",
                "ExcelWriteCellNode",
                json!({"cell": "B2", "value": "here"}),
            ),
            ("close", "ExcelCloseNode", json!({})),
        ],
    );
    assert!(result.success, "{:?}", result.error);
    let again = row(
        folder.path(),
        open,
        &[
            (
                "r",
                "ExcelReadCellNode",
                json!({"cell": "B2", "sheet": "Sheet1"}),
            ),
            ("close", "ExcelCloseNode", json!({})),
        ],
    );
    assert_eq!(again.outputs["r"]["value"], "here");
    let missing = run_in(
        folder.path(),
        "ExcelOpenNode",
        json!({"file_path": "nowhere.xlsx"}),
        json!({}),
    );
    assert!(missing.error.unwrap().starts_with("FileNotFoundError"));
}

#[test]
fn what_cannot_be_done_is_told_by_name() {
    let folder = folder();
    fs::write(folder.path().join("text.xlsx"), "no workbook").unwrap();
    let open = json!({"file_path": "stock.xlsx"});
    let cases = [
        (json!({"file_path": "text.xlsx"}), vec![], "text.xlsx"),
        (
            open.clone(),
            vec![(
                "n",
                "ExcelReadCellNode",
                json!({"cell": "A1", "sheet": "Prices"}),
            )],
            "Stock, 2 Notes, Empty",
        ),
        (
            open.clone(),
            vec![("n", "ExcelReadCellNode", json!({"cell": "1A"}))],
            "like B12",
        ),
        (
            json!({"file_path": "stock.xlsx", "read_only": true}),
            vec![("n", "ExcelWriteCellNode", json!({"cell": "A1", "value": 1}))],
            "read_only",
        ),
        (
            open,
            vec![
                ("close", "ExcelCloseNode", json!({})),
                ("n", "ExcelReadCellNode", json!({"cell": "A1"})),
            ],
            "open it again",
        ),
    ];
    for (open, nodes, expected) in cases {
        let result = row(folder.path(), open, &nodes);
        let error = result.error.unwrap_or_default();
        assert!(
            !result.success && error.contains(expected),
            "{nodes:?}: {error}"
        );
    }
}
