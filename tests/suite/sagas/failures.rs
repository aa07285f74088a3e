//! What a saga fails with, and what it tells about its undos.

use durable_runtime::{SagaError, Undo};
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, Serialize, Deserialize, thiserror::Error)]
enum TripError {
    #[error("declined: {reason}")]
    Declined { reason: String },
    #[error(transparent)]
    Durable(#[from] Error),
}

#[step]
async fn charge(_ctx: StepContext) -> Result<(), TripError> {
    Err(TripError::Declined {
        reason: "no cover".to_owned(),
    })
}

/// With an error type of its own.
#[workflow]
async fn typed(ctx: WorkflowContext) -> Result<(), TripError> {
    let saga = Saga::new(&ctx);
    saga.run(async {
        saga.step(act(&ctx, "flight"), |flight| undo(&ctx, flight))
            .await?;
        saga.step(act(&ctx, "hotel"), |hotel| undo(&ctx, hotel))
            .await?;
        charge(&ctx).await
    })
    .await
}

/// Its error tells what was undone.
#[workflow]
async fn reported(ctx: WorkflowContext) -> anyhow::Result<()> {
    let saga = Saga::new(&ctx);
    let ended = saga
        .run_reported(async {
            saga.step(act(&ctx, "flight"), |flight| undo(&ctx, flight))
                .await?;
            saga.defer(|| async { Err::<(), _>(anyhow::anyhow!("made no call")) });
            saga.step(act(&ctx, "hotel"), |hotel| undo(&ctx, hotel))
                .await?;
            charge(&ctx).await
        })
        .await;
    Ok(ended?)
}

/// As its caller sees it: the error that a call in the workflow gave.
#[workflow]
async fn looks_at_the_report(ctx: WorkflowContext) -> anyhow::Result<Json> {
    let saga = Saga::new(&ctx);
    let ended = saga.run_reported(async {
        saga.step(act(&ctx, "flight"), |flight| undo(&ctx, flight))
            .await?;
        saga.step(act(&ctx, "hotel"), |hotel| undo(&ctx, hotel))
            .await?;
        charge(&ctx).await
    });
    let SagaError {
        cause,
        undone,
        not_undone,
        ..
    } = ended.await.unwrap_err();
    let undos: Vec<&Undo> = undone
        .iter()
        .chain(not_undone.iter().map(|failed| &failed.undo))
        .collect();
    let errors: Vec<_> = not_undone.iter().map(|failed| &failed.error).collect();
    assert!(matches!(cause, TripError::Declined { .. }), "{cause:?}");
    Ok(json!([undos, errors]))
}

#[workflow]
async fn panics_while_undoing(ctx: WorkflowContext) -> anyhow::Result<()> {
    let saga = Saga::new(&ctx);
    saga.run(async {
        saga.step(act(&ctx, "flight"), |flight| undo(&ctx, flight))
            .await?;
        saga.step(act(&ctx, "hotel"), |hotel| async move {
            assert_ne!(hotel, "hotel", "a mistake");
            anyhow::Ok(())
        })
        .await?;
        anyhow::bail!("no cover")
    })
    .await
}

/// The call of a step that takes too long may have happened.
#[step(timeout = "30ms")]
async fn too_slow(ctx: StepContext) -> anyhow::Result<()> {
    note(ctx.workflow_id(), "too slow");
    std::future::pending().await
}

#[workflow]
async fn defers(ctx: WorkflowContext) -> anyhow::Result<()> {
    let saga = Saga::new(&ctx);
    saga.run(async {
        saga.step(act(&ctx, "flight"), |flight| undo(&ctx, flight))
            .await?;
        saga.defer(|| undo(&ctx, "what may have happened".to_owned()));
        too_slow(&ctx).await
    })
    .await
}

fn open(store: &Store) -> Builder {
    store
        .open()
        .register::<trip>()
        .register::<typed>()
        .register::<reported>()
        .register::<looks_at_the_report>()
        .register::<panics_while_undoing>()
        .register::<defers>()
}

/// The error that a workflow was recorded with.
async fn recorded(store: &Store, id: &str) -> Json {
    let sql = "SELECT error FROM workflow_output WHERE workflow_uuid = $1";
    let error = store.value(sql, &[id]).await;
    serde_json::from_str(error.as_str().unwrap()).unwrap()
}

on_both_stores! {
    async fn a_saga_that_succeeds_undoes_nothing(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        assert_eq!(trip(&durable).id(&id).await.unwrap(), "flight hotel car");

        assert_eq!(noted(&id), ALL_ACTS);
        assert_eq!(store.step_names(&id).await, ["1 act", "2 act", "3 act", "4 act"]);
    }

    async fn what_was_done_is_undone_and_nothing_else(store: Store) {
        for (broken, undos) in ALL_ACTS.iter().zip([0, 1, 2, 3]) {
            let id = store.id("wf");
            fail(&id, broken);
            let durable = open(&store).launch().await.unwrap();

            let error = trip(&durable).id(&id).await.unwrap_err();

            assert_eq!(error.to_string(), format!("`{broken}` is broken"));
            let expected = [&ALL_ACTS[..=undos], &ALL_UNDOS[3 - undos..]].concat();
            assert_eq!(noted(&id), expected);
            durable.shutdown(Duration::ZERO).await;
        }
    }

    async fn an_error_type_of_its_own_is_kept_when_everything_was_undone(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let error = typed(&durable).id(&id).await.unwrap_err();

        assert!(
            matches!(&error, TripError::Declined { reason } if reason == "no cover"),
            "{error:?}"
        );
        assert_eq!(noted(&id), ["act flight", "act hotel", "undo hotel", "undo flight"]);
        assert_eq!(recorded(&store, &id).await["name"], "TripError");
    }

    async fn a_failed_undo_lets_the_others_run_and_is_told_with_the_cause(store: Store) {
        let id = store.id("wf");
        fail(&id, "undo hotel");
        let durable = open(&store).launch().await.unwrap();

        let error = typed(&durable).id(&id).await.unwrap_err();

        assert_eq!(noted(&id), ["act flight", "act hotel", "undo hotel", "undo flight"]);
        let TripError::Durable(Error::NotUndone(saga)) = &error else {
            panic!("{error:?}");
        };
        assert_eq!((saga.cause.name.as_str(), saga.cause.message.as_str()), ("TripError", "declined: no cover"));
        assert_eq!(saga.undone.len(), 1);
        assert_eq!((&saga.undone[0].calls, saga.undone[0].position), (&vec!["undo".to_owned()], Some(5)));
        assert_eq!(saga.not_undone.len(), 1);
        assert_eq!(saga.not_undone[0].undo.position, Some(4));
        assert_eq!(saga.not_undone[0].error.name, "Broken");
        let text = error.to_string();
        for part in [
            "could not be undone: `undo` failed with: `undo hotel` is broken (position 4, ",
            "suite/sagas/failures.rs:",
            "undone: `undo`; the saga itself had failed with: declined: no cover",
        ] {
            assert!(text.contains(part), "`{part}` is not in: {text}");
        }
        assert_eq!(recorded(&store, &id).await["message"], text);
        assert_eq!(
            store.step_names(&id).await,
            ["1 act", "2 act", "3 charge", "4 undo", "5 undo"]
        );
    }

    async fn an_untyped_error_keeps_what_it_was_and_holds_the_failed_undos(store: Store) {
        let (all, some) = (store.id("wf"), store.id("wf"));
        fail(&all, "act charge");
        fail(&some, "act charge");
        fail(&some, "undo car");
        let durable = open(&store).launch().await.unwrap();

        let all = trip(&durable).id(&all).await.unwrap_err();
        let some = trip(&durable).id(&some).await.unwrap_err();

        assert_eq!(all.downcast_ref::<ErrorRecord>().unwrap().name, "Broken");
        let Some(Error::NotUndone(saga)) = some.downcast_ref::<Error>() else {
            panic!("{some:?}");
        };
        assert_eq!(saga.cause.name, "Broken");
        assert_eq!((saga.undone.len(), saga.not_undone.len()), (2, 1));
    }

    async fn a_reported_error_tells_what_was_undone_and_keeps_its_cause(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let error = reported(&durable).id(&id).await.unwrap_err();

        let text = error.to_string();
        for part in [
            "a saga failed and could not be undone: the undo at ",
            "suite/sagas/failures.rs:",
            " failed with: made no call; undone: `undo`, `undo`: declined: no cover",
        ] {
            assert!(text.contains(part), "`{part}` is not in: {text}");
        }
        assert_eq!(noted(&id), ["act flight", "act hotel", "undo hotel", "undo flight"]);
    }

    async fn a_report_names_the_calls_of_each_undo_and_their_positions(store: Store) {
        let id = store.id("wf");
        fail(&id, "undo flight");
        let durable = open(&store).launch().await.unwrap();

        let report = looks_at_the_report(&durable).id(&id).await.unwrap();

        let [undos, errors] = [&report[0], &report[1]];
        for (undo, position) in [(&undos[0], 4), (&undos[1], 5)] {
            assert_eq!(undo["calls"], json!(["undo"]));
            assert_eq!(undo["position"], position);
            assert!(undo["location"].as_str().unwrap().contains("failures.rs:"), "{undo}");
        }
        assert_eq!(errors[0]["message"], "`undo flight` is broken");
        assert_eq!(errors.as_array().unwrap().len(), 1);
    }

    async fn an_undo_that_panics_lets_the_others_run(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let error = panics_while_undoing(&durable).id(&id).await.unwrap_err();

        assert_eq!(noted(&id), ["act flight", "act hotel", "undo flight"]);
        let Some(Error::NotUndone(saga)) = error.downcast_ref::<Error>() else {
            panic!("{error:?}");
        };
        assert_eq!(saga.not_undone[0].error.name, "WorkflowPanicked");
        assert!(saga.not_undone[0].error.message.contains("a mistake"));
        assert_eq!(saga.cause.message, "no cover");
    }

    async fn a_deferred_undo_runs_though_its_operation_failed(store: Store) {
        let id = store.id("wf");
        let durable = open(&store).launch().await.unwrap();

        let error = defers(&durable).id(&id).await.unwrap_err();

        assert!(
            matches!(error.downcast_ref::<Error>(), Some(Error::StepTimedOut { .. })),
            "{error:?}"
        );
        assert_eq!(
            noted(&id),
            ["act flight", "too slow", "undo what may have happened", "undo flight"]
        );
    }
}
