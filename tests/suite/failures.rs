//! How a workflow fails, and in which form its errors come back.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use durable_runtime::prelude::*;
use durable_runtime::{Error, ErrorRecord};
use durable_tests::gates::gate;
use durable_tests::tally::{note, noted};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[workflow]
async fn panics(_ctx: WorkflowContext) -> anyhow::Result<()> {
    let nothing: Option<u8> = None;
    assert!(nothing.is_some(), "nothing where something should be");
    Ok(())
}

#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
enum PaymentError {
    #[error("{missing} cents short")]
    Short { missing: u32 },
    #[error(transparent)]
    Durable(#[from] Error2),
}

/// The runtime's error, comparable by its text.
#[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
#[error(transparent)]
struct Error2(Error);

impl PartialEq for Error2 {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl From<Error> for PaymentError {
    fn from(error: Error) -> Self {
        Self::Durable(Error2(error))
    }
}

#[step]
async fn charge(_ctx: StepContext, cents: u32) -> Result<u32, PaymentError> {
    if cents < 100 {
        return Err(PaymentError::Short {
            missing: 100 - cents,
        });
    }
    Ok(cents)
}

#[step]
async fn hold(ctx: StepContext) -> anyhow::Result<()> {
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

#[workflow]
async fn pay(ctx: WorkflowContext, cents: u32) -> Result<u32, PaymentError> {
    charge(&ctx, cents).await
}

#[workflow]
async fn pay_and_hold(ctx: WorkflowContext, cents: u32) -> Result<u32, PaymentError> {
    let charged = charge(&ctx, cents).await;
    note(ctx.workflow_id(), format!("{charged:?}"));
    let held = hold(&ctx).await;
    assert!(held.is_ok());
    charged
}

#[step]
async fn reads_settings(_ctx: StepContext) -> anyhow::Result<()> {
    Err(anyhow::anyhow!("no such file")).context("cannot read the settings")
}

#[workflow]
async fn any_error(ctx: WorkflowContext) -> anyhow::Result<()> {
    reads_settings(&ctx).await.context("cannot begin")
}

#[step]
async fn quota(_ctx: StepContext) -> Result<(), Error> {
    let record = ErrorRecord::new("QuotaExceeded", "too much")
        .code(42)
        .data(json!({"limit": [1, 2]}));
    Err(record.into())
}

#[workflow]
async fn raises_again(ctx: WorkflowContext) -> anyhow::Result<()> {
    quota(&ctx).await?;
    Ok(())
}

/// Fits the data of several of the runtime's errors.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[error("order {id} is unknown; {cause:?}")]
struct UnknownOrder {
    id: String,
    #[serde(default)]
    cause: Option<String>,
}

impl From<Error> for UnknownOrder {
    fn from(error: Error) -> Self {
        Self {
            id: "runtime".into(),
            cause: Some(error.to_string()),
        }
    }
}

#[workflow]
async fn order(ctx: WorkflowContext) -> Result<(), UnknownOrder> {
    #[allow_nondeterminism(reason = "the gate holds it where the test wants it")]
    gate(ctx.workflow_id()).pass().await;
    Ok(())
}

#[workflow]
async fn orders(ctx: WorkflowContext) -> anyhow::Result<String> {
    let error = order(&ctx).await.unwrap_err();
    let text = error.to_string();
    note(ctx.workflow_id(), &text);
    hold(&ctx).await?;
    Ok(text)
}

/// JSON has no such keys.
type OddKeys = BTreeMap<Vec<u8>, u8>;

#[workflow]
async fn odd_result(_ctx: WorkflowContext) -> anyhow::Result<OddKeys> {
    Ok(OddKeys::from([(vec![1, 2], 3)]))
}

#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[error("{text}")]
struct OddError {
    text: String,
    keys: OddKeys,
}

impl From<Error> for OddError {
    fn from(error: Error) -> Self {
        Self {
            text: error.to_string(),
            keys: OddKeys::new(),
        }
    }
}

#[workflow]
async fn odd_failure(_ctx: WorkflowContext) -> Result<(), OddError> {
    Err(OddError {
        text: "an odd failure".to_owned(),
        keys: OddKeys::from([(vec![1, 2], 3)]),
    })
}

const CANCEL: &str = "UPDATE workflow_status
    SET status = 'CANCELLED', owner_xid = NULL, queue_name = NULL, deduplication_id = NULL,
        started_at_epoch_ms = NULL, completed_at = created_at
    WHERE workflow_uuid = $1";

on_both_stores! {
    /// Rules: L5, F5
    async fn a_panic_in_a_workflow_is_its_error(store: Store) {
        let durable = store.open().register::<panics>().launch().await.unwrap();

        let error = panics(&durable).id("wf").await.unwrap_err();

        assert_eq!(
            error.to_string(),
            "workflow `panics` panicked: nothing where something should be"
        );
        assert_eq!(store.status("wf", "status").await, "ERROR");
        assert_eq!(
            store
                .row("SELECT output, error FROM workflow_output WHERE workflow_uuid = 'wf'", &[])
                .await,
            json!([
                null,
                r#"{"name":"WorkflowPanicked","message":"workflow `panics` panicked: nothing where something should be","code":null}"#
            ])
        );
    }

    async fn a_runtime_survives_the_panic_of_a_workflow(store: Store) {
        let durable = store.open().register::<panics>().register::<pay>().launch().await.unwrap();

        panics(&durable).await.unwrap_err();

        assert_eq!(pay(&durable, 250).await.unwrap(), 250);
    }

    /// Rules: L5, L8, F5
    async fn a_typed_error_comes_back_with_its_fields(store: Store) {
        let durable = store.open().register::<pay>().launch().await.unwrap();

        let error = pay(&durable, 60).id("wf").await.unwrap_err();
        let again = pay(&durable, 60).id("wf").await.unwrap_err();

        assert_eq!(error, PaymentError::Short { missing: 40 });
        assert_eq!(again, error);
        assert_eq!(
            store.value("SELECT error FROM workflow_output WHERE workflow_uuid = 'wf'", &[]).await,
            r#"{"name":"PaymentError","message":"40 cents short","code":null,"data":{"Short":{"missing":40}}}"#
        );
    }

    /// Rules: R4, R9
    async fn a_typed_error_is_replayed_with_its_fields(store: Store) {
        let id = store.id("wf");
        let durable = store.open().register::<pay_and_hold>().launch().await.unwrap();
        drop(pay_and_hold(&durable, 60).id(&id).start().await.unwrap());
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = store.open().register::<pay_and_hold>().launch().await.unwrap();
        let handle = durable.retrieve::<pay_and_hold>(&id).await.unwrap();

        assert_eq!(handle.result().await.unwrap_err(), PaymentError::Short { missing: 40 });
        assert_eq!(noted(&id), ["Err(Short { missing: 40 })", "Err(Short { missing: 40 })"]);
    }

    /// Rules: L8
    async fn an_error_of_the_runtime_is_not_read_as_one_whose_fields_it_fits(store: Store) {
        let id = store.id("wf");
        let open = || store.open().register::<orders>().register::<order>();
        let durable = open().launch().await.unwrap();
        drop(orders(&durable).id(&id).start().await.unwrap());
        let child = format!("{id}-1");
        gate(&child).reached().await;
        store.execute(CANCEL, &[&child]).await;
        gate(&child).open();
        gate(&id).reached().await;
        durable.shutdown(Duration::ZERO).await;
        gate(&id).open();

        let durable = open().launch().await.unwrap();
        let text = durable.retrieve::<orders>(&id).await.unwrap().result().await.unwrap();

        assert!(text.contains("was cancelled"), "{text}");
        assert_eq!(noted(&id), [text.clone(), text]);
    }

    /// Rules: S5, F5
    async fn an_anyhow_error_keeps_its_whole_text(store: Store) {
        let durable = store.open().register::<any_error>().launch().await.unwrap();

        let error = any_error(&durable).id("wf").await.unwrap_err();

        let text = "cannot begin: cannot read the settings: no such file";
        assert_eq!(error.to_string(), text);
        assert_eq!(any_error(&durable).id("wf").await.unwrap_err().to_string(), text);
        assert_eq!(
            store.steps("wf").await,
            [json!([
                1,
                "reads_settings",
                null,
                r#"{"name":"Error","message":"cannot read the settings: no such file","code":null}"#,
                null
            ])]
        );
    }

    /// Rules: S5, F5, F6
    async fn an_error_record_raised_again_keeps_name_code_and_data(store: Store) {
        let durable = store.open().register::<raises_again>().launch().await.unwrap();

        let error = raises_again(&durable).id("wf").await.unwrap_err();

        let text = r#"{"name":"QuotaExceeded","message":"too much","code":42,"data":{"limit":[1,2]}}"#;
        let record = error.downcast_ref::<ErrorRecord>().expect("an error record");
        assert_eq!((record.name.as_str(), &record.code), ("QuotaExceeded", &json!(42)));
        assert_eq!(record.data, json!({"limit": [1, 2]}));
        assert_eq!(
            store.value("SELECT error FROM workflow_output WHERE workflow_uuid = 'wf'", &[]).await,
            text
        );
        assert_eq!(store.steps("wf").await, [json!([1, "quota", null, text, null])]);
    }

    /// Rules: L6
    async fn a_result_that_cannot_be_written_is_an_error_of_its_workflow(store: Store) {
        let durable = store.open().register::<odd_result>().launch().await.unwrap();

        let error = odd_result(&durable).id("wf").await.unwrap_err().to_string();

        assert!(error.contains("the result of workflow `odd_result` cannot be written"), "{error}");
        assert_eq!(store.status("wf", "status").await, "ERROR");
    }

    /// Rules: L6
    async fn an_error_that_cannot_be_written_keeps_its_type_and_its_text(store: Store) {
        let durable = store.open().register::<odd_failure>().launch().await.unwrap();

        let error = odd_failure(&durable).id("wf").await.unwrap_err();

        assert_eq!(error.text, "an odd failure");
        assert_eq!(
            store.value("SELECT error FROM workflow_output WHERE workflow_uuid = 'wf'", &[]).await,
            r#"{"name":"OddError","message":"an odd failure","code":null}"#
        );
    }
}
