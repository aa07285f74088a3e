//! The machines of deployed versions: kept once, found by run.

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Client, MachineFilter, Workflow};

#[step]
async fn load(_ctx: StepContext) -> anyhow::Result<u32> {
    Ok(1)
}

#[workflow]
async fn reads(ctx: WorkflowContext) -> anyhow::Result<u32> {
    load(&ctx).await
}

mod newer {
    use super::*;

    #[workflow]
    pub async fn reads(ctx: WorkflowContext) -> anyhow::Result<u32> {
        load(&ctx).await?;
        load(&ctx).await
    }
}

#[workflow(class = "shop")]
async fn waits(ctx: WorkflowContext) -> anyhow::Result<()> {
    ctx.sleep(Duration::from_millis(1)).await;
    Ok(())
}

const ROWS: &str =
    "SELECT application_version, class_name, workflow_name, code_hash FROM durable_machines
    ORDER BY 1, 2, 3, 4";

on_both_stores! {
    async fn a_launch_keeps_the_machine_of_each_workflow_once(store: Store) {
        for _ in 0..2 {
            let durable = store.open().register::<waits>().register::<reads>().launch().await.unwrap();
            durable.shutdown(Duration::ZERO).await;
        }

        let rows = store.rows(ROWS, &[]).await;

        assert_eq!(rows, [
            serde_json::json!(["1", "", "reads", reads::CODE.hash]),
            serde_json::json!(["1", "shop", "waits", waits::CODE.hash]),
        ]);
        let client = Client::connect(store.url()).await.unwrap();
        let kept = client.machines(MachineFilter::new()).await.unwrap();
        let machines: Vec<_> = kept.iter().map(|kept| kept.machine.clone()).collect();
        assert_eq!(machines, [reads::machine(), waits::machine()]);
        assert!(kept.iter().all(|kept| kept.application_version == "1" && kept.recorded_at_ms > 0));
    }

    async fn machines_are_found_by_version_and_name(store: Store) {
        let first = store.open().register::<reads>().register::<waits>().launch().await.unwrap();
        first.shutdown(Duration::ZERO).await;
        let second = store.open().version("2").register::<newer::reads>().launch().await.unwrap();
        let client = second.client();

        for (filter, expected) in [
            (MachineFilter::new().name("reads"), vec![reads::CODE.hash, newer::reads::CODE.hash]),
            (MachineFilter::new().version("2"), vec![newer::reads::CODE.hash]),
            (MachineFilter::new().version("1").name("waits"), vec![waits::CODE.hash]),
            (MachineFilter::new().version("3"), vec![]),
        ] {
            let found = client.machines(filter.clone()).await.unwrap();
            let codes: Vec<_> = found.iter().map(|kept| kept.machine.code.as_str()).collect();
            assert_eq!(codes, expected, "{filter:?}");
        }
    }

    async fn a_run_has_the_machine_of_the_code_that_made_it(store: Store) {
        let first = store.open().register::<reads>().launch().await.unwrap();
        reads(&first).id("old").await.unwrap();
        first.shutdown(Duration::ZERO).await;
        // Long ago, so that the run is not taken for one of a clock that is behind.
        for (table, column) in [("durable_machines", "recorded_at_epoch_ms"), ("operation_outputs", "started_at_epoch_ms")] {
            store.execute(&format!("UPDATE {table} SET {column} = {column} - 60000"), &[]).await;
        }
        let pinned = store.open().register::<newer::reads>().launch().await.unwrap();
        newer::reads(&pinned).id("new").await.unwrap();
        let client = pinned.client();

        let machine = |id: &'static str| client.machine(id);

        assert_eq!(machine("old").await.unwrap(), Some(reads::machine()));
        assert_eq!(machine("new").await.unwrap(), Some(newer::reads::machine()));
        assert_eq!(machine("none").await.unwrap(), None);
        let fork = client.fork("old").from_step(2).version("elsewhere").start().await.unwrap();
        assert_eq!(client.machine(&fork).await.unwrap(), Some(reads::machine()));
    }

    async fn a_database_that_keeps_no_machines_yet_says_what_to_do(store: Store) {
        let durable = store.open().launch().await.unwrap();
        durable.shutdown(Duration::ZERO).await;
        store.execute("DROP TABLE durable_machines; UPDATE durable_migrations SET version = 1", &[]).await;
        let client = Client::connect(store.url()).await.unwrap();

        let error = client.machines(MachineFilter::new()).await.unwrap_err().to_string();

        assert!(error.contains("it is at version 1 of them, and 2 is needed"), "{error}");
        let durable = store.open().register::<reads>().launch().await.unwrap();
        durable.shutdown(Duration::ZERO).await;
        assert_eq!(client.machines(MachineFilter::new()).await.unwrap().len(), 1, "the launch made the table");
    }
}
