//! Counting.

use std::time::{Duration, UNIX_EPOCH};

use durable_runtime::{GroupBy, StepCountFilter, WorkflowFilter};

use super::*;

on_both_stores! {
    async fn workflows_are_counted_by_what_they_have_in_common(store: Store) {
        let client = client(&store).await;
        for (id, status) in [("a", Status::Success), ("b", Status::Success), ("c", Status::Error)] {
            given(&store, id, status).await;
        }
        let sql = "UPDATE workflow_status SET queue_name = NULL, name = 'other' WHERE workflow_uuid = 'b'";
        store.execute(sql, &[]).await;

        let all = client.count(WorkflowFilter::new(), &[]).await.unwrap();
        let by_status = client.count(WorkflowFilter::new(), &[GroupBy::Status]).await.unwrap();
        let finer = WorkflowFilter::new().status(Status::Success);
        let finer = client.count(finer, &[GroupBy::Name, GroupBy::Queue]).await.unwrap();

        assert_eq!(serde_json::to_value(all).unwrap(), json!([{"group": {}, "count": 3}]));
        assert_eq!(
            serde_json::to_value(by_status).unwrap(),
            json!([
                {"group": {"status": "ERROR"}, "count": 1},
                {"group": {"status": "SUCCESS"}, "count": 2},
            ])
        );
        assert_eq!(
            serde_json::to_value(finer).unwrap(),
            json!([
                {"group": {"name": "given", "queue": "q"}, "count": 1},
                {"group": {"name": "other", "queue": null}, "count": 1},
            ])
        );
    }

    async fn only_workflows_of_the_application_are_counted(store: Store) {
        let client = client(&store).await.application("ours");
        for id in ["ours", "theirs"] {
            given(&store, id, Status::Success).await;
        }
        store.execute("UPDATE workflow_status SET application_name = workflow_uuid", &[]).await;

        let counts = client.count(WorkflowFilter::new(), &[GroupBy::Application]).await.unwrap();

        assert_eq!(counts.len(), 1);
        assert_eq!(counts[0].group[&GroupBy::Application].as_deref(), Some("ours"));
    }

    async fn steps_are_counted_by_name(store: Store) {
        let client = client(&store).await;
        for id in ["a", "b"] {
            given(&store, id, Status::Success).await;
            step(&store, id, 1, "1").await;
            step(&store, id, 2, "1").await;
        }
        let failed = "UPDATE operation_outputs SET output = NULL, error = 'e'
                      WHERE workflow_uuid = 'b' AND function_id = 2";
        store.execute(failed, &[]).await;

        let counts = client.count_steps(StepCountFilter::new()).await.unwrap();

        assert_eq!(
            serde_json::to_value(counts).unwrap(),
            json!([
                {"name": "step1", "succeeded": 2, "failed": 0, "total_ms": 20},
                {"name": "step2", "succeeded": 1, "failed": 1, "total_ms": 20},
            ])
        );
        let at = |ms| UNIX_EPOCH + Duration::from_millis(ms);
        for (filter, expected) in [
            (StepCountFilter::new().name("step2"), 1),
            (StepCountFilter::new().completed_after(at(110)).completed_before(at(110)), 2),
            (StepCountFilter::new().completed_after(at(111)), 0),
            (StepCountFilter::new().completed_before(at(109)), 0),
        ] {
            assert_eq!(client.count_steps(filter.clone()).await.unwrap().len(), expected, "{filter:?}");
        }
    }
}
