//! Sagas: what was done is undone, in reverse, once, whatever interrupts it.

mod failures;
mod lifecycle;
mod order;
mod replay;

use std::time::Duration;

use durable_runtime::prelude::*;
use durable_runtime::{Builder, Error, ErrorRecord, Saga, join};
use durable_tests::gates::gate;
use durable_tests::store::Store;
use durable_tests::tally::{count, counted, note, noted};
use serde_json::{Value as Json, json};

/// Lets a workflow wait when it comes to this place, until its gate is opened.
fn hold(id: &str, place: &str) {
    count(format!("{id}/hold {place}"));
}

/// Lets a workflow fail when it comes to this place.
fn fail(id: &str, place: &str) {
    count(format!("{id}/fail {place}"));
}

fn place_gate(id: &str, place: &str) -> std::sync::Arc<durable_tests::gates::Gate> {
    gate(format!("{id}/{place}"))
}

/// Comes to a place: takes note of it, waits and fails as it was told to.
async fn come_to(id: &str, place: String) -> durable_runtime::Result<()> {
    note(id, &place);
    if counted(&format!("{id}/hold {place}")) > 0 {
        place_gate(id, &place).pass().await;
    }
    match counted(&format!("{id}/fail {place}")) {
        0 => Ok(()),
        _ => Err(Error::Failed(ErrorRecord::new(
            "Broken",
            format!("`{place}` is broken"),
        ))),
    }
}

#[step]
async fn act(ctx: StepContext, what: &str) -> durable_runtime::Result<String> {
    come_to(ctx.workflow_id(), format!("act {what}")).await?;
    Ok(what.to_owned())
}

#[step]
async fn undo(ctx: StepContext, what: String) -> durable_runtime::Result<()> {
    come_to(ctx.workflow_id(), format!("undo {what}")).await
}

/// Three operations with an undo, and one without.
#[workflow]
async fn trip(ctx: WorkflowContext) -> anyhow::Result<String> {
    let saga = Saga::new(&ctx);
    saga.run(async {
        let flight = saga
            .step(act(&ctx, "flight"), |flight| undo(&ctx, flight))
            .await?;
        let hotel = saga
            .step(act(&ctx, "hotel"), |hotel| undo(&ctx, hotel))
            .await?;
        let car = saga.step(act(&ctx, "car"), |car| undo(&ctx, car)).await?;
        act(&ctx, "charge").await?;
        Ok(format!("{flight} {hotel} {car}"))
    })
    .await
}

const ALL_ACTS: [&str; 4] = ["act flight", "act hotel", "act car", "act charge"];
const ALL_UNDOS: [&str; 3] = ["undo car", "undo hotel", "undo flight"];

/// Runs a workflow to the place where it is held, stops the runtime, and lets it go on in another.
async fn interrupted<W: durable_runtime::Workflow>(
    open: impl Fn() -> Builder,
    start: impl AsyncFnOnce(&Durable),
    id: &str,
    place: &str,
) -> Result<W::Output, W::Error> {
    hold(id, place);
    let durable = open().launch().await.unwrap();
    start(&durable).await;
    place_gate(id, place).reached().await;
    durable.shutdown(Duration::ZERO).await;
    place_gate(id, place).open();

    let durable = open().launch().await.unwrap();
    let result = durable.retrieve::<W>(id).await.unwrap().result().await;
    durable.shutdown(Duration::ZERO).await;
    result
}

/// The body of the step at `place` ran twice, because it was interrupted; all others once.
fn assert_runs(id: &str, places: &[&str], place: &str) {
    let noted = noted(id);
    for expected in places {
        let runs = noted.iter().filter(|noted| noted == expected).count();
        let wanted = if *expected == place { 2 } else { 1 };
        assert_eq!(
            runs, wanted,
            "`{expected}`, interrupted at `{place}`: {noted:?}"
        );
    }
    let others = noted.iter().find(|noted| !places.contains(&noted.as_str()));
    assert_eq!(others, None, "interrupted at `{place}`");
}
