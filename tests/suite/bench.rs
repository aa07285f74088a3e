//! The program that measures, with little work: each result has what its reader looks for.

use std::process::{Command, Output};

use durable_tests::program;
use durable_tests::store::Store;
use serde_json::{Value as Json, json};

/// Runs the program; gives its results.
fn bench(store: &Store, arguments: &str) -> Vec<Json> {
    let output = run(store, arguments);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{arguments}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

fn run(store: &Store, arguments: &str) -> Output {
    Command::new(program::path("bench"))
        .args(arguments.split_whitespace())
        .args(["--db", store.url()])
        .output()
        .expect("bench can be started")
}

/// Its only result, which has what every result has.
fn result(store: &Store, arguments: &str) -> Json {
    let mut results = bench(store, arguments);
    assert_eq!(results.len(), 1, "{arguments}: {results:?}");
    let result = results.remove(0);
    check(store, &result, arguments);
    result
}

fn check(store: &Store, result: &Json, arguments: &str) {
    let work = arguments.split_whitespace().next();
    assert_eq!(result["work"].as_str(), work, "{result}");
    let kind = match store.is_postgres() {
        true => "postgres",
        false => "sqlite",
    };
    assert_eq!(result["store"], kind, "{result}");
    assert!(number(result, "seconds") > 0.0, "{result}");
    assert!(number(result, "cpu_seconds") > 0.0, "{result}");
    assert!(
        number(result, "peak_mb") >= 1.0 && number(result, "rss_mb") >= 1.0,
        "{result}"
    );
    assert!(number(result, "rows_before") >= 0.0, "{result}");
}

fn number(result: &Json, name: &str) -> f64 {
    let number = result[name].as_f64();
    number.unwrap_or_else(|| panic!("no number `{name}` in {result}"))
}

async fn workflows(store: &Store, status: &str) -> Json {
    let sql = "SELECT count(*) FROM workflow_status WHERE status = $1";
    store.value(sql, &[status]).await
}

on_both_stores! {
    async fn a_start_leaves_as_many_finished_workflows_as_it_measured(store: Store) {
        let result = result(&store, "start --n 20 --in-flight 4");

        assert_eq!((&result["n"], &result["in_flight"]), (&20.into(), &4.into()));
        assert_eq!(workflows(&store, "SUCCESS").await, 20);
    }

    async fn a_start_is_divided_among_processes(store: Store) {
        let result = result(&store, "start --n 21 --processes 2");

        assert_eq!((&result["n"], &result["processes"]), (&21.into(), &2.into()));
        assert_eq!(workflows(&store, "SUCCESS").await, 21);
        let executors = "SELECT count(DISTINCT executor_id) FROM workflow_status";
        assert_eq!(store.value(executors, &[]).await, 2);
    }

    async fn a_queue_is_served_by_several_processes(store: Store) {
        let result = result(&store, "queue --n 40 --processes 2");

        assert_eq!((&result["n"], &result["processes"]), (&40.into(), &2.into()));
        assert_eq!(workflows(&store, "SUCCESS").await, 40);
    }

    async fn a_queue_tells_when_all_were_enqueued(store: Store) {
        let result = result(&store, "queue --n 20");

        assert!(number(&result, "enqueued_after") <= number(&result, "seconds"));
        assert_eq!(workflows(&store, "SUCCESS").await, 20);
    }

    async fn steps_take_turns_with_commits(store: Store) {
        let result = result(&store, "steps --n 5 --turns 3");

        for name in ["steps_ms", "commits_ms"] {
            assert_eq!(result[name].as_array().map(Vec::len), Some(3), "{result}");
        }
        let ratio = number(&result, "step_ms") / number(&result, "commit_ms");
        assert!((number(&result, "ratio") / ratio - 1.0).abs() < 0.01, "{result}");
        let rows = "SELECT count(*) FROM operation_outputs";
        assert_eq!(store.value(rows, &[]).await, 2 * 3 * 5);
    }

    async fn steps_are_recorded_whether_pure_or_not(store: Store) {
        for work in ["steps", "pure-steps"] {
            assert_eq!(result(&store, &format!("{work} --n 10"))["n"], 10);
        }
        let rows = "SELECT count(*) FROM operation_outputs";
        assert_eq!(store.value(rows, &[]).await, 20);
    }

    async fn floors_write_what_they_measure(store: Store) {
        assert_eq!(result(&store, "floor --n 300")["commits"], 2);
        assert_eq!(result(&store, "moves --n 300")["commits"], 6);
        assert_eq!(result(&store, "queue-moves --n 300")["commits"], 8);
        result(&store, "commits --n 3");

        assert_eq!(workflows(&store, "SUCCESS").await, 900);
        let rows = "SELECT count(*) FROM operation_outputs";
        assert_eq!(store.value(rows, &[]).await, 903);
    }

    async fn latency_is_measured_from_each_enqueuer(store: Store) {
        let results = bench(&store, "latency --n 2 --pause 10");

        let from: Vec<_> = results.iter().map(|result| &result["from"]).collect();
        assert_eq!(from, ["same", "other", "client"]);
        for result in results {
            check(&store, &result, "latency");
            let call = &result["from_call_ms"];
            let median = number(call, "median");
            assert!(median > 0.0 && median <= number(call, "max"), "{result}");
            assert!(number(&result["from_return_ms"], "median") <= median, "{result}");
        }
        assert_eq!(workflows(&store, "SUCCESS").await, 6);
    }

    async fn latency_is_measured_while_several_runtimes_serve_the_queue(store: Store) {
        let result = result(&store, "latency --n 12 --pause 10 --from client --servers 3");

        assert_eq!(result["servers"], 3);
        let executors = "SELECT count(DISTINCT executor_id) FROM durable_executors";
        assert_eq!(store.value(executors, &[]).await, 3);
        assert_eq!(workflows(&store, "SUCCESS").await, 12);
    }

    async fn a_history_is_taken_up_by_another_process(store: Store) {
        let result = result(&store, "recovery --n 50 --payload 1000");

        let history = number(&result, "history_mb");
        assert!((0.050..0.060).contains(&history), "{result}");
        assert!(number(&result, "launched_after") <= number(&result, "seconds"));
        assert!(number(&result, "memory_mb") >= 0.0 && number(&result, "empty_launch") > 0.0);
        let left = "SELECT recovery_attempts FROM workflow_status";
        assert_eq!(store.value(left, &[]).await, 2, "it was taken up once");
    }

    async fn sleepers_are_watched_and_awake(store: Store) {
        let result = result(&store, "sleepers --n 30 --seconds 1 --settle 0 --until 15");

        assert!(number(&result, "watched_seconds") >= 1.0, "{result}");
        assert!(number(&result, "awake_after") <= number(&result, "done_after") + 0.5, "{result}");
        for name in ["asleep_mb", "bytes_each", "asleep_cpu_percent", "statements_per_second"] {
            assert!(number(&result, name) >= 0.0, "{result}");
        }
        let sleeps = "SELECT count(*) FROM operation_outputs WHERE function_name = 'DBOS.sleep'";
        assert_eq!(store.value(sleeps, &[]).await, 30);
    }

    async fn an_idle_runtime_is_charged_for_each_statement(store: Store) {
        let result = result(&store, "idle --seconds 2 --settle 1");

        let counted = result["statements"].as_object().unwrap().values();
        let counted: f64 = counted.filter_map(Json::as_f64).sum();
        let each_second = counted / number(&result, "seconds");
        assert!((number(&result, "statements_per_second") - each_second).abs() < 0.01, "{result}");
        assert_eq!(result["server_transactions_per_second"].is_number(), store.is_postgres());
        assert!(number(&result, "cpu_percent") > 0.0, "{result}");
        let schedules = "SELECT count(*) FROM workflow_schedules";
        assert_eq!(store.value(schedules, &[]).await, 0, "it takes its schedule away");
    }

    async fn overhead_is_measured_for_both_kinds_of_work(store: Store) {
        assert_eq!(bench(&store, "overhead --n 1 --turns 1 --pure").len(), 2);
        let results = bench(&store, "overhead --n 3 --turns 2");

        let kinds: Vec<_> = results.iter().map(|result| &result["kind"]).collect();
        assert_eq!(kinds, ["compute", "wait"]);
        for result in results {
            check(&store, &result, "overhead");
            let (plain, durable) = (number(&result, "plain_ms"), number(&result, "durable_ms"));
            assert!(plain > 0.0 && durable > 0.0, "{result}");
            let ratio = 1.0 + number(&result, "time_percent") / 100.0;
            assert!((ratio / (durable / plain) - 1.0).abs() < 0.01, "{result}");
            let ratio = 1.0 + number(&result, "commit_percent") / 100.0;
            assert!((ratio / (number(&result, "committed_ms") / plain) - 1.0).abs() < 0.01, "{result}");
            assert!(number(&result, "memory_percent").is_finite(), "{result}");
        }
        // Each durable step ran in each turn, and so did each bare commit, of a workflow that is not there.
        let rows = "SELECT count(*), count(s.workflow_uuid) FROM operation_outputs
                    LEFT JOIN workflow_status s USING (workflow_uuid)";
        let durable = 2 + 2 * 2 * 3;
        assert_eq!(store.row(rows, &[]).await, json!([2 * durable, durable]));
    }

    async fn tables_are_filled_with_whole_workflows(store: Store) {
        result(&store, "fill --rows 20500 --days 3");

        let whole = "SELECT count(*) FROM workflow_status s
            JOIN workflow_input i ON i.workflow_uuid = s.workflow_uuid
            JOIN workflow_output o ON o.workflow_uuid = s.workflow_uuid
            JOIN operation_outputs p ON p.workflow_uuid = s.workflow_uuid AND p.function_id = 1
            WHERE s.status = 'SUCCESS' AND length(s.workflow_uuid) = 36
                AND s.created_at < s.completed_at";
        assert_eq!(store.value(whole, &[]).await, 20_500);
        let span = "SELECT (max(created_at) - min(created_at)) / 3600000 FROM workflow_status";
        let hours = store.value(span, &[]).await.as_i64().unwrap();
        assert!((60..=72).contains(&hours), "spread over {hours} hours, not three days");
    }

    async fn growth_is_a_table_with_a_line_a_run(store: Store) {
        let output = run(&store, "growth --works start,recovery --largest 10 --processes 2");

        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let runs: Vec<String> = text
            .lines()
            .skip(2)
            .map(|line| line.split('|').skip(1).take(3).collect())
            .collect();
        let expected = [" start  20  1 ", " start  200  1 ", " start  200  2 ", " recovery  10  1 ", " recovery  100  1 "];
        assert_eq!(runs, expected);
        assert!(text.lines().all(|line| line.matches('|').count() == 10), "{text}");
    }
}

#[test]
fn every_work_shows_examples_of_its_own() {
    let help = |work: &str| {
        let output = Command::new(program::path("bench"))
            .args([work, "--help"])
            .output()
            .expect("bench can be started");
        String::from_utf8(output.stdout).unwrap()
    };
    let works = [
        "start",
        "steps",
        "pure-steps",
        "queue",
        "latency",
        "recovery",
        "sleepers",
        "idle",
        "overhead",
        "floor",
        "moves",
        "queue-moves",
        "commits",
        "fill",
        "growth",
    ];
    for work in works {
        let help = help(work);
        assert!(help.contains("Examples:\n  bench "), "{work}: {help}");
        assert!(help.contains("--db <"), "{work}: {help}");
    }
}

#[test]
fn a_database_that_is_none_is_refused() {
    let output = Command::new(program::path("bench"))
        .args(["start", "--db", "mysql://nowhere"])
        .output()
        .expect("bench can be started");

    assert!(!output.status.success() && output.stdout.is_empty());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("neither a SQLite nor a PostgreSQL database"),
        "{told}"
    );
}
