//! Who may run a workflow.

use std::time::Duration;

use durable_runtime::Error;
use durable_runtime::prelude::*;
use serde_json::json;

const Q: Queue = Queue::new("q").polling_interval(Duration::from_millis(20));

#[workflow(roles("admin", "editor"))]
async fn guarded(ctx: WorkflowContext) -> anyhow::Result<String> {
    let (user, role) = (ctx.user().unwrap_or("?"), ctx.assumed_role().unwrap_or("?"));
    Ok(format!("{user} as {role} of {:?}", ctx.roles()))
}

#[workflow]
async fn open_parent(ctx: WorkflowContext) -> anyhow::Result<String> {
    guarded(&ctx).await
}

on_both_stores! {
    /// Rules: L10
    async fn a_workflow_without_its_role_is_refused_before_any_row_is_written(store: Store) {
        let durable = store.open().register::<guarded>().launch().await.unwrap();

        let error = guarded(&durable).user("ada").roles(["reader"]).start().await.unwrap_err();

        assert!(matches!(&error, Error::NotAuthorized { user, .. } if user == "`ada`"), "{error:?}");
        assert!(error.to_string().contains("`admin`, `editor`"), "{error}");
        assert_eq!(store.value("SELECT count(*) FROM workflow_status", &[]).await, 0);
    }

    /// Rules: L10
    async fn a_workflow_without_its_role_that_is_taken_off_a_queue_ends_in_an_error(store: Store) {
        let durable = store.open().register::<guarded>().queue(&Q).launch().await.unwrap();

        let error = guarded(&durable).id("wf").queue(&Q).await.unwrap_err();

        assert!(matches!(error.downcast_ref(), Some(Error::NotAuthorized { .. })), "{error:?}");
        assert_eq!(store.status("wf", "status").await, "ERROR");
        let recorded = store.value("SELECT error FROM workflow_output", &[]).await;
        assert!(recorded.as_str().unwrap().contains("\"code\":8"), "{recorded}");
    }

    /// Rules: L10
    async fn one_of_the_roles_is_enough_and_is_the_assumed_one(store: Store) {
        let durable = store.open().register::<guarded>().queue(&Q).launch().await.unwrap();
        let call = || guarded(&durable).user("ada").roles(["reader", "editor"]);

        let direct = call().id("direct").await.unwrap();
        let queued = call().id("queued").queue(&Q).await.unwrap();

        assert_eq!(direct, r#"ada as editor of ["reader", "editor"]"#);
        assert_eq!(queued, direct);
        let row = store
            .row("SELECT authenticated_user, assumed_role, authenticated_roles FROM workflow_status WHERE workflow_uuid = 'direct'", &[])
            .await;
        assert_eq!(row, json!(["ada", "editor", r#"["reader","editor"]"#]));
    }

    async fn a_child_runs_on_behalf_of_whom_its_parent_does(store: Store) {
        let durable = store.open().register::<guarded>().register::<open_parent>().launch().await.unwrap();

        let result = open_parent(&durable).user("ada").roles(["admin"]).await.unwrap();

        assert_eq!(result, r#"ada as admin of ["admin"]"#);
    }
}
