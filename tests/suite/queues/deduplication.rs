//! One workflow of an id on a queue, delays, and options that only mean something on a queue.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{DuplicationPolicy, Error};
use durable_tests::gates::gate;
use durable_tests::tally::noted;

use super::{FREE, QUICK, STATUS, holds_the_queue, signs};

#[workflow]
async fn parent(ctx: WorkflowContext, policy: String, book: String) -> anyhow::Result<Vec<String>> {
    let mut seen = Vec::new();
    let call = signs(&ctx, book, "x".into())
        .queue(&FREE)
        .deduplication_id("only");
    let call = match policy.as_str() {
        "existing" => call.duplication_policy(DuplicationPolicy::ReturnExisting),
        _ => call,
    };
    match call.start().await {
        Ok(handle) => seen.push(handle.workflow_id().to_owned()),
        Err(Error::Deduplicated {
            id,
            queue,
            deduplication_id,
        }) => {
            seen.extend([id, queue, deduplication_id]);
        }
        Err(other) => return Err(other.into()),
    }
    Ok(seen)
}

const HOLDER: &str = "SELECT deduplication_id FROM workflow_status WHERE workflow_uuid = $1";

on_both_stores! {
    /// Rules: Q19
    async fn a_queue_holds_one_workflow_of_a_deduplication_id(store: Store) {
        let id = store.id("holder");
        let durable = store
            .open()
            .register::<signs>()
            .register::<holds_the_queue>()
            .queue(&FREE)
            .launch()
            .await
            .unwrap();
        let other = Queue::new("other");
        let holder = holds_the_queue(&durable).id(&id).queue(&FREE).deduplication_id("only");
        let holder = holder.start().await.unwrap();
        gate(&id).reached().await;
        let second = |queue: &Queue| {
            let call = signs(&durable, store.id("book"), "x".into()).id(store.id("second"));
            call.queue(queue).deduplication_id("only").start()
        };

        match second(&FREE).await {
            Err(Error::Deduplicated { queue, deduplication_id, .. }) => {
                assert_eq!((queue.as_str(), deduplication_id.as_str()), ("free", "only"));
            }
            other => panic!("{other:?}"),
        }
        // Another queue is another matter.
        drop(second(&other).await.unwrap());
        gate(&id).open();
        holder.result().await.unwrap();

        assert!(store.value(HOLDER, &[&id]).await.is_null());
        second(&FREE).await.unwrap().result().await.unwrap();
    }

    /// Rules: Q19
    async fn the_holder_of_a_deduplication_id_can_be_had_instead(store: Store) {
        let durable = store.open().register::<signs>().launch().await.unwrap();
        let call = |id: &str| {
            let call = signs(&durable, "book".into(), "x".into()).id(id).queue(&FREE);
            call.deduplication_id("only").duplication_policy(DuplicationPolicy::ReturnExisting).start()
        };

        let holder = call("first").await.unwrap();
        let second = call("second").await.unwrap();

        assert_eq!((holder.workflow_id(), second.workflow_id()), ("first", "first"));
        let rows = store.rows("SELECT workflow_uuid FROM workflow_status", &[]).await;
        assert_eq!(rows.len(), 1);
    }

    /// Rules: Q19
    async fn a_parent_records_that_its_child_was_kept_off(store: Store) {
        let durable = store.open().register::<signs>().register::<parent>().launch().await.unwrap();
        let call = signs(&durable, "book".into(), "x".into()).id("holder").queue(&FREE);
        drop(call.deduplication_id("only").start().await.unwrap());

        let seen = parent(&durable, "reject".into(), "book".into()).id("p").await.unwrap();

        assert_eq!(seen, ["p-1", "free", "only"]);
        let steps = store.steps("p").await;
        assert_eq!(steps.len(), 1);
        let error = steps[0][3].as_str().unwrap();
        assert!(error.contains("DBOSQueueDeduplicatedError") && error.contains(r#""code":12"#), "{error}");
    }

    /// Rules: Q19
    async fn a_parent_records_whose_handle_it_got(store: Store) {
        let durable = store.open().register::<signs>().register::<parent>().launch().await.unwrap();
        let call = signs(&durable, "book".into(), "x".into()).id("holder").queue(&FREE);
        drop(call.deduplication_id("only").start().await.unwrap());

        let seen = parent(&durable, "existing".into(), "book".into()).id("p").await.unwrap();

        assert_eq!(seen, ["holder"]);
        let steps = store.steps("p").await;
        assert_eq!((steps.len(), &steps[0][4]), (1, &"holder".into()));
    }

    /// Rules: Q19
    async fn a_duplication_policy_needs_a_deduplication_id(store: Store) {
        let durable = store.open().register::<signs>().launch().await.unwrap();

        let call = signs(&durable, "book".into(), "x".into()).queue(&FREE);
        let refused = call.duplication_policy(DuplicationPolicy::ReturnExisting).start().await;

        match refused {
            Err(Error::Misuse(text)) => assert!(text.contains("needs a deduplication id"), "{text}"),
            other => panic!("{other:?}"),
        }
    }

    /// Rules: Q20
    async fn a_workflow_that_exists_is_joined_whatever_its_deduplication_id(store: Store) {
        let durable = store.open().register::<signs>().launch().await.unwrap();
        let call = |id: &str| {
            let call = signs(&durable, "book".into(), "x".into()).id(id).queue(&FREE);
            call.deduplication_id("only").start()
        };
        drop(call("wf").await.unwrap());

        let again = call("wf").await.unwrap();

        assert_eq!(again.workflow_id(), "wf");
        let rows = store.rows("SELECT workflow_uuid FROM workflow_status", &[]).await;
        assert_eq!(rows.len(), 1);
    }

    /// Rules: Q21
    async fn a_partition_has_no_deduplication(store: Store) {
        let durable = store.open().register::<signs>().launch().await.unwrap();

        let call = signs(&durable, "book".into(), "x".into()).queue(&FREE);
        let refused = call.deduplication_id("only").partition_key("k").start().await;

        match refused {
            Err(Error::Misuse(text)) => {
                assert!(text.contains("deduplication is not supported on partitioned queues"), "{text}");
            }
            other => panic!("{other:?}"),
        }
    }

    /// Rules: Q22
    async fn options_of_a_queue_need_a_queue(store: Store) {
        let durable = store.open().register::<signs>().launch().await.unwrap();

        let call = signs(&durable, "book".into(), "x".into());
        let call = call.priority(1).partition_key("k").deduplication_id("d").delay(QUICK).version("2");
        let refused = call.start().await;

        match refused {
            Err(Error::Misuse(text)) => {
                for option in ["priority", "partition_key", "deduplication_id", "delay", "version"] {
                    assert!(text.contains(&format!("`{option}`")), "{text}");
                }
            }
            other => panic!("{other:?}"),
        }
        let rows = store.rows("SELECT workflow_uuid FROM workflow_status", &[]).await;
        assert_eq!(rows.len(), 0);
    }

    /// Rules: Q23
    async fn a_delayed_workflow_is_not_on_its_queue_yet(store: Store) {
        let durable = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();
        let book = store.id("book");

        let call = signs(&durable, book.clone(), "delayed".into()).id("wf").queue(&FREE);
        drop(call.delay(Duration::from_secs(3600)).deduplication_id("d").start().await.unwrap());
        signs(&durable, book.clone(), "at once".into()).queue(&FREE).await.unwrap();

        assert_eq!(store.value(STATUS, &["wf"]).await, "DELAYED");
        let waits = store
            .value("SELECT delay_until_epoch_ms - created_at FROM workflow_status WHERE workflow_uuid = 'wf'", &[])
            .await;
        let waits = waits.as_i64().unwrap();
        assert!((3_590_000..=3_610_000).contains(&waits), "{waits} ms");
        assert_eq!(store.status("wf", "queue_name").await, "free");
        assert_eq!(store.value(HOLDER, &["wf"]).await, "d");
        assert_eq!(noted(&book), ["at once"]);
    }

    /// Rules: Q23
    async fn a_delayed_workflow_takes_no_place(store: Store) {
        let one = Queue::new("free").concurrency(1).polling_interval(QUICK);
        let durable = store.open().register::<signs>().queue(&one).launch().await.unwrap();
        let call = signs(&durable, store.id("book"), "delayed".into()).queue(&one);
        drop(call.delay(Duration::from_secs(3600)).start().await.unwrap());

        signs(&durable, store.id("book"), "at once".into()).queue(&one).await.unwrap();
    }
}
