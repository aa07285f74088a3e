//! Workbooks that are changed by runs that are killed meanwhile.

use std::path::Path;

use durable_tests::rpa::Robot;
use durable_tests::store::Store;
use serde_json::{Value as Json, json};

const ROWS: i64 = 30;
const KILLS: usize = 40;
/// What the workbook of the repository counts before anybody changes it.
const FIRST: i64 = 12;

/// A robot in whose folder the workbook is.
fn robot(store: &Store) -> Robot<'_> {
    let robot = Robot::new(store);
    let stock =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../rpa-nodes/tests/fixtures/excel/stock.xlsx");
    std::fs::copy(stock, robot.file("stock.xlsx")).unwrap();
    robot
}

/// What the workbook counts, and the lines that are written in it.
fn look(robot: &Robot<'_>) -> (i64, Vec<Json>) {
    let file = Robot::workflow("excel_look.json");
    let output = robot
        .bare(&["run", file.to_str().unwrap(), "--ephemeral", "--json"])
        .output()
        .unwrap();
    let printed: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["success"], true, "{printed}");
    let outputs = &printed["outputs"];
    let lines = outputs["lines"]["data"].as_array().unwrap().iter();
    let lines = lines
        .map(|row| row[0].clone())
        .filter(|cell| !cell.is_null());
    (outputs["count"]["value"].as_i64().unwrap(), lines.collect())
}

/// The workbook, and what lies beside it.
fn workbooks(robot: &Robot<'_>) -> Vec<String> {
    let names = std::fs::read_dir(robot.file(".")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains("stock")).collect()
}

fn killed_while_it_counts(store: &Store) {
    let robot = robot(store);
    let count = format!("count={}", ROWS + 1);
    let more = ["--var", count.as_str()];
    let mut seen = FIRST;
    robot.kill_often("excel_loop.json", "count", &more, KILLS, || {
        let (counted, lines) = look(&robot);
        // What is written between an opening and its closing is there together, or not at all.
        let written = i64::try_from(lines.len()).unwrap();
        assert_eq!(counted, FIRST + written, "{lines:?}");
        assert!(
            counted >= seen,
            "what was saved is not lost: {seen}, then {counted}"
        );
        seen = counted;
    });

    let printed = robot.run("excel_loop.json", "count", &more);

    assert_eq!(
        printed.code, 0,
        "{} {}",
        printed.json["error"], printed.stderr
    );
    assert_eq!(printed.json["recovered"], true);
    let (counted, lines) = look(&robot);
    assert_eq!(counted, FIRST + ROWS, "each pass counted once");
    let expected: Vec<Json> = (1..=ROWS).map(|row| json!(format!("row {row}"))).collect();
    assert_eq!(lines, expected);
    assert_eq!(workbooks(&robot), ["stock.xlsx"], "no copy is left");
}

#[test]
fn forty_kills_around_changes_of_a_workbook_leave_the_exact_count_on_sqlite() {
    killed_while_it_counts(&Store::sqlite());
}

#[tokio::test]
async fn forty_kills_around_changes_of_a_workbook_leave_the_exact_count_on_postgres() {
    killed_while_it_counts(&Store::postgres().await);
}
