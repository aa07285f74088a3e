//! The order in which a queue is served.

use durable_runtime::Error;
use durable_runtime::prelude::*;
use durable_tests::gates::gate;
use durable_tests::tally::noted;

use super::{FREE, ONE, QUICK, holds_the_queue, signs};

on_both_stores! {
    /// Rules: Q9
    async fn a_queue_is_first_in_first_out(store: Store) {
        let book = store.id("book");
        let blocker = store.id("blocker");
        let durable = store
            .open()
            .register::<signs>()
            .register::<holds_the_queue>()
            .queue(&ONE)
            .launch()
            .await
            .unwrap();
        let blocked = holds_the_queue(&durable).id(&blocker).queue(&ONE).start().await.unwrap();
        gate(&blocker).reached().await;
        let mut handles = Vec::new();
        for number in 1..=12 {
            let id = format!("signs-{number}");
            handles.push(signs(&durable, book.clone(), id.clone()).id(id).queue(&ONE).start().await.unwrap());
        }

        gate(&blocker).open();
        blocked.result().await.unwrap();
        for handle in &handles {
            handle.result().await.unwrap();
        }

        let expected: Vec<_> = (1..=12).map(|number| format!("signs-{number}")).collect();
        assert_eq!(noted(&book), expected);
    }

    /// Rules: Q9, Q18
    async fn the_lowest_priority_number_goes_first_and_none_before_all(store: Store) {
        let book = store.id("book");
        let blocker = store.id("blocker");
        let durable = store
            .open()
            .register::<signs>()
            .register::<holds_the_queue>()
            .queue(&ONE)
            .launch()
            .await
            .unwrap();
        let blocked = holds_the_queue(&durable).id(&blocker).queue(&ONE).start().await.unwrap();
        gate(&blocker).reached().await;
        let mut handles = Vec::new();
        for priority in [5, 1, 3] {
            let call = signs(&durable, book.clone(), priority.to_string());
            handles.push(call.queue(&ONE).priority(priority).start().await.unwrap());
        }
        handles.push(signs(&durable, book.clone(), "none".into()).queue(&ONE).start().await.unwrap());

        gate(&blocker).open();
        blocked.result().await.unwrap();
        for handle in &handles {
            handle.result().await.unwrap();
        }

        assert_eq!(noted(&book), ["none", "1", "3", "5"]);
    }

    /// Rules: Q9, Q16
    async fn a_partition_is_served_in_the_same_order(store: Store) {
        let queue = Queue::new("by key").partition_concurrency(1).polling_interval(QUICK);
        let (book, blocker) = (store.id("book"), store.id("blocker"));
        let durable = store
            .open()
            .register::<signs>()
            .register::<holds_the_queue>()
            .queue(&queue)
            .launch()
            .await
            .unwrap();
        let call = holds_the_queue(&durable).id(&blocker).queue(&queue).partition_key("k");
        let blocked = call.start().await.unwrap();
        gate(&blocker).reached().await;
        let mut handles = Vec::new();
        for name in ["5", "1", "3"] {
            let call = signs(&durable, book.clone(), name.into()).queue(&queue).partition_key("k");
            handles.push(call.priority(name.parse().unwrap()).start().await.unwrap());
        }

        gate(&blocker).open();
        blocked.result().await.unwrap();
        for handle in &handles {
            handle.result().await.unwrap();
        }

        assert_eq!(noted(&book), ["1", "3", "5"]);
    }

    /// Rules: Q18
    async fn a_priority_is_from_1_to_the_largest_integer(store: Store) {
        let durable = store.open().register::<signs>().queue(&FREE).launch().await.unwrap();
        let call = |priority| {
            let call = signs(&durable, "book".into(), "x".into()).queue(&FREE);
            call.priority(priority).start()
        };

        for priority in [0, 2_147_483_648] {
            match call(priority).await {
                Err(Error::Misuse(text)) => assert!(text.contains("a priority is at"), "{text}"),
                other => panic!("{other:?}"),
            }
        }

        for priority in [1, 2_147_483_647] {
            let handle = call(priority).await.unwrap();
            assert_eq!(store.status(handle.workflow_id(), "priority").await, priority);
        }
    }
}
