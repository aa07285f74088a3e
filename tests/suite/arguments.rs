//! The arguments of a workflow as other programs write them.

use std::time::Duration;

use durable_runtime::{Passed, Workflow, prelude::*};
use durable_tests::store::Store;
use serde_json::Value as Json;
use serde_json::value::{RawValue, to_raw_value};

const INBOX: Queue = Queue::new("inbox").polling_interval(Duration::from_millis(20));

#[workflow]
async fn greet(
    _ctx: WorkflowContext,
    name: String,
    times: u32,
    suffix: Option<String>,
) -> anyhow::Result<String> {
    Ok(format!("{name} {times} {suffix:?}"))
}

#[workflow]
async fn nothing(_ctx: WorkflowContext) -> anyhow::Result<()> {
    Ok(())
}

#[workflow(raw)]
async fn echo(_ctx: WorkflowContext, arguments: Passed) -> anyhow::Result<Box<RawValue>> {
    Ok(to_raw_value(&arguments)?)
}

#[workflow]
async fn double(_ctx: WorkflowContext, number: u128) -> anyhow::Result<u128> {
    Ok(number * 2)
}

/// Enqueues `greet` as another program would, and gives back its status and its output or error.
async fn received(
    store: &Store,
    input: Option<&str>,
    serialization: Option<&str>,
) -> (String, String) {
    received_by::<greet>(store, input, serialization).await
}

/// Enqueues a workflow as another program would, and gives back its status and its output or error.
async fn received_by<W: Workflow>(
    store: &Store,
    input: Option<&str>,
    serialization: Option<&str>,
) -> (String, String) {
    let durable = store
        .open()
        .register::<W>()
        .queue(&INBOX)
        .launch()
        .await
        .unwrap();
    let quoted = |text: Option<&str>| {
        text.map_or("NULL".to_owned(), |text| {
            format!("'{}'", text.replace('\'', "''"))
        })
    };
    let (input, serialization) = (quoted(input), quoted(serialization));
    let name = W::NAME;
    store
        .execute(
            &format!(
                "INSERT INTO workflow_status (workflow_uuid, status, name, application_version,
                     recovery_attempts, queue_name, priority, serialization, inputs)
                 VALUES ('wf', 'ENQUEUED', '{name}', '1', 0, 'inbox', 0, {serialization}, {input})"
            ),
            &[],
        )
        .await;
    store
        .becomes(
            "SELECT status IN ('SUCCESS', 'ERROR') AND completed_at IS NOT NULL
             FROM workflow_status WHERE workflow_uuid = 'wf'",
            &[],
            if store.is_postgres() {
                Json::from(true)
            } else {
                Json::from(1)
            },
        )
        .await;
    let row = store
        .row(
            "SELECT s.status, COALESCE(o.output, o.error) FROM workflow_status s
             JOIN workflow_output o ON o.workflow_uuid = s.workflow_uuid",
            &[],
        )
        .await;
    durable.shutdown(Duration::ZERO).await;
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    (text(&row[0]), text(&row[1]))
}

const PORTABLE: Option<&str> = Some("portable_json");

on_both_stores! {
    /// Rules: F1
    async fn named_arguments_are_taken_by_name_in_any_order(store: Store) {
        let input = r#"{"namedArgs":{"suffix":"!","times":3,"name":"Ada"},"positionalArgs":[]}"#;

        let (status, output) = received(&store, Some(input), PORTABLE).await;

        assert_eq!((status.as_str(), output.as_str()), ("SUCCESS", r#""Ada 3 Some(\"!\")""#));
    }

    /// Rules: F1, F11
    async fn positional_and_named_arguments_can_be_mixed(store: Store) {
        let input = r#"{ "positionalArgs": ["Ada"], "namedArgs": { "times": 3 } }"#;

        let (status, output) = received(&store, Some(input), PORTABLE).await;

        assert_eq!((status.as_str(), output.as_str()), ("SUCCESS", r#""Ada 3 None""#));
    }

    /// Rules: F1
    async fn a_missing_optional_argument_is_none(store: Store) {
        let (status, output) = received(&store, Some(r#"{"positionalArgs":["Ada",1],"namedArgs":null}"#), PORTABLE).await;

        assert_eq!((status.as_str(), output.as_str()), ("SUCCESS", r#""Ada 1 None""#));
    }

    /// Rules: L11
    async fn a_missing_argument_is_an_error_that_names_it(store: Store) {
        let (status, error) = received(&store, Some(r#"{"positionalArgs":["Ada"]}"#), PORTABLE).await;

        assert_eq!(status, "ERROR");
        assert!(error.contains("argument `times`") && error.contains("was not passed"), "{error}");
    }

    /// Rules: L11
    async fn a_surplus_named_argument_is_an_error_that_names_it(store: Store) {
        let input = r#"{"positionalArgs":["Ada",1],"namedArgs":{"colour":"red"}}"#;

        let (status, error) = received(&store, Some(input), PORTABLE).await;

        assert_eq!(status, "ERROR");
        assert!(error.contains("`greet`") && error.contains("`colour`"), "{error}");
    }

    /// Rules: L11
    async fn a_surplus_positional_argument_is_an_error_that_shows_it(store: Store) {
        let input = r#"{"positionalArgs":["Ada",1,"!",4711],"namedArgs":{}}"#;

        let (status, error) = received(&store, Some(input), PORTABLE).await;

        assert_eq!(status, "ERROR");
        assert!(error.contains("`greet`") && error.contains("4711"), "{error}");
    }

    /// Rules: L11
    async fn an_argument_of_another_type_is_an_error_that_names_it(store: Store) {
        let (status, error) = received(&store, Some(r#"{"positionalArgs":["Ada","many"]}"#), PORTABLE).await;

        assert_eq!(status, "ERROR");
        assert!(error.contains("argument `times` of workflow `greet`"), "{error}");
        assert!(error.contains("expected u32"), "{error}");
    }

    /// Rules: L11
    async fn arguments_that_are_not_json_are_an_error(store: Store) {
        let (status, error) = received(&store, Some("gAROLg=="), PORTABLE).await;

        assert_eq!(status, "ERROR");
        assert!(error.contains("the arguments of workflow `greet` cannot be read"), "{error}");
    }

    /// Rules: L11, Q14
    async fn a_row_without_arguments_is_an_error(store: Store) {
        let (status, error) = received(&store, None, PORTABLE).await;

        assert_eq!(status, "ERROR");
        assert!(error.contains("`wf` has no recorded arguments"), "{error}");
    }

    /// Rules: L11, Q14
    async fn arguments_in_an_unknown_format_are_an_error_that_names_it(store: Store) {
        let (status, error) = received(&store, Some("{}"), Some("java_jackson")).await;

        assert_eq!(status, "ERROR");
        assert!(error.contains("`java_jackson`") && error.contains("`portable_json`"), "{error}");
    }

    async fn a_raw_workflow_gets_every_argument_as_it_was_written(store: Store) {
        let input = r#"{"positionalArgs":[123456789012345678901234567890,1.50,{"z":1,"a":[]}],"namedArgs":{"z":null,"a":"x"}}"#;

        let (status, output) = received_by::<echo>(&store, Some(input), PORTABLE).await;

        assert_eq!((status.as_str(), output.as_str()), ("SUCCESS", input));
    }

    async fn a_raw_workflow_is_passed_arguments_by_position_and_by_name(store: Store) {
        let durable = store.open().register::<echo>().launch().await.unwrap();
        let depth = ("depth".to_owned(), to_raw_value(&3).unwrap());
        let passed = Passed::new([to_raw_value("a").unwrap()], [depth]);

        let output = echo(&durable, passed).id("wf").await.unwrap();

        let input = store.value("SELECT inputs FROM workflow_input", &[]).await;
        assert_eq!(input, r#"{"positionalArgs":["a"],"namedArgs":{"depth":3}}"#);
        assert_eq!(input, output.get());
    }

    async fn a_big_integer_keeps_all_its_digits(store: Store) {
        let durable = store.open().register::<double>().launch().await.unwrap();
        let number = 123_456_789_012_345_678_901_234_567_890;

        assert_eq!(double(&durable, number).id("wf").await.unwrap(), 2 * number);

        let input = store.value("SELECT inputs FROM workflow_input", &[]).await;
        let output = store.value("SELECT output FROM workflow_output", &[]).await;
        assert_eq!(input, format!(r#"{{"positionalArgs":[{number}],"namedArgs":{{}}}}"#));
        assert_eq!(output, format!("{}", 2 * number));
    }

    /// Rules: F1, F4
    async fn a_workflow_without_arguments_has_an_empty_envelope(store: Store) {
        let durable = store.open().register::<nothing>().launch().await.unwrap();

        nothing(&durable).id("wf").await.unwrap();

        let input = store.value("SELECT inputs FROM workflow_input", &[]).await;
        let output = store.value("SELECT output FROM workflow_output", &[]).await;
        assert_eq!(input, r#"{"positionalArgs":[],"namedArgs":{}}"#);
        assert_eq!(output, "null");
    }

    async fn every_character_survives(store: Store) {
        let durable = store.open().register::<greet>().launch().await.unwrap();
        let name = "nul \0, quote ', \"double\", back\\slash, Ünïcødé 🦀, newline\n";

        let greeting = greet(&durable, name.into(), 0, None).id("wf").await.unwrap();

        assert_eq!(greeting, format!("{name} 0 None"));
        assert_eq!(greet(&durable, String::new(), 9, None).id("wf").await.unwrap(), greeting);
    }
}
