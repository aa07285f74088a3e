//! Schedules: when they are due, and that each slot runs once.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durable_runtime::prelude::*;
use durable_runtime::{
    Client, Error, Schedule, ScheduleFilter, ScheduleState, ScheduleStatus, StoreError,
};
use durable_tests::store::Store;
use durable_tests::tally::{note, noted};
use serde_json::{Value as Json, json};

const FREE: Queue = Queue::new("free").polling_interval(Duration::from_millis(20));
const EVERY_SECOND: &str = "* * * * * *";
/// Not while these tests run.
const NEVER: &str = "0 0 0 1 1 * 2099";
const RUNS: &str = "SELECT workflow_uuid FROM workflow_status WHERE schedule_name = $1
                    ORDER BY workflow_uuid";
const HAS_RUNS: &str = "SELECT COUNT(*) > 1 FROM workflow_status
                        WHERE schedule_name = $1 AND status = 'SUCCESS'";

#[step]
async fn write_down(_ctx: StepContext, book: String, due: String) -> anyhow::Result<()> {
    note(book, due);
    Ok(())
}

/// Its context is the key to what it writes down.
#[workflow]
async fn ticks(ctx: WorkflowContext, due: String, book: String) -> anyhow::Result<()> {
    write_down(&ctx, book, due).await
}

#[workflow]
async fn echoes(
    _ctx: WorkflowContext,
    due: String,
    context: Json,
) -> anyhow::Result<(String, Json)> {
    Ok((due, context))
}

fn nothing_due(name: &str) -> Schedule {
    Schedule::new(name).cron(NEVER).workflow::<echoes>()
}

async fn launched(store: &Store) -> Durable {
    let builder = store
        .open()
        .register::<ticks>()
        .register::<echoes>()
        .queue(&FREE);
    builder.launch().await.unwrap()
}

async fn column(store: &Store, name: &str, column: &str) -> Json {
    let sql = format!("SELECT {column} FROM workflow_schedules WHERE schedule_name = $1");
    store.value(&sql, &[name]).await
}

/// The rows as truth values: SQLite has numbers for them.
async fn until(store: &Store, sql: &str, values: &[&str]) {
    let yes: Json = if store.is_postgres() {
        true.into()
    } else {
        1.into()
    };
    store.becomes(sql, values, yes).await;
}

async fn run_ids(store: &Store, name: &str) -> Vec<String> {
    let rows = store.rows(RUNS, &[name]).await;
    rows.iter()
        .map(|row| row[0].as_str().unwrap().to_owned())
        .collect()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The message of an error that is a misuse.
fn misuse<T: std::fmt::Debug>(result: durable_runtime::Result<T>) -> String {
    match result {
        Err(Error::Misuse(message)) => message,
        other => panic!("{other:?}"),
    }
}

on_both_stores! {
    /// Rules: C1, C2, C4
    async fn a_schedule_starts_a_run_at_each_slot(store: Store) {
        let book = store.id("book");
        let durable = launched(&store).await;
        let every = Schedule::new("tick").cron(EVERY_SECOND).workflow::<ticks>().context(book.clone());
        durable.client().create_schedule(every).await.unwrap();

        until(&store, HAS_RUNS, &["tick"]).await;

        let ids = run_ids(&store, "tick").await;
        let last = column(&store, "tick", "last_fired_at").await;
        let last = last.as_str().unwrap();
        assert!(ids.contains(&format!("sched-tick-{last}")) || last > &ids[0]["sched-tick-".len()..]);
        for due in noted(&book) {
            let slot = due.replace(".000Z", "+00:00");
            assert!(ids.contains(&format!("sched-tick-{slot}")), "{due} of {ids:?}");
        }
        drop(durable);
    }

    /// Rules: C2
    async fn two_processes_run_each_slot_once(store: Store) {
        let book = store.id("book");
        let first = launched(&store).await;
        let second = store.open().executor_id("second").register::<ticks>().register::<echoes>();
        let second = second.launch().await.unwrap();
        let every = Schedule::new("shared").cron(EVERY_SECOND).workflow::<ticks>().context(book.clone());
        first.client().create_schedule(every).await.unwrap();

        until(
            &store,
            "SELECT COUNT(*) > 3 FROM workflow_status WHERE schedule_name = $1 AND status = 'SUCCESS'",
            &["shared"],
        )
        .await;
        first.client().delete_schedule("shared").await.unwrap();
        first.shutdown(Duration::from_secs(5)).await;
        second.shutdown(Duration::from_secs(5)).await;

        let mut slots = noted(&book);
        let runs = slots.len();
        slots.sort();
        slots.dedup();
        assert_eq!(slots.len(), runs, "a slot ran twice: {slots:?}");
    }

    /// Rules: C2, C3
    async fn the_row_of_a_run_is_as_dbos_writes_it(store: Store) {
        let durable = launched(&store).await;
        // Which does not look whether there is such a queue.
        let client = Client::connect(store.url()).await.unwrap();
        let schedule = nothing_due("rows").cron("0 0 1 1 *").queue("nobody serves it").context(json!({"c": 1}));
        client.create_schedule(schedule).await.unwrap();

        let ids = client.backfill_schedule("rows", at(1_577_836_799), at(1_577_836_801)).await.unwrap();

        assert_eq!(ids, ["sched-rows-2020-01-01T00:00:00+00:00"]);
        let row = store
            .row(
                "SELECT status, name, class_name, queue_name, priority, recovery_attempts, executor_id,
                        owner_xid, creator_xid, application_version, application_id, application_name,
                        serialization, schedule_name, inputs, parent_workflow_id
                 FROM workflow_status WHERE workflow_uuid = $1",
                &[&ids[0]],
            )
            .await;
        assert_eq!(
            row,
            json!([
                "ENQUEUED", "echoes", null, "nobody serves it", 0, 0, null, null, null, "1", null, null,
                null, "rows", null, null
            ])
        );
        let input = store
            .value("SELECT inputs FROM workflow_input WHERE workflow_uuid = $1", &[&ids[0]])
            .await;
        assert_eq!(input, r#"{"args":["2020-01-01T00:00:00.000Z",{"c":1}],"kwargs":{}}"#);
        drop(durable);
    }

    /// Rules: C3
    async fn a_run_is_of_the_latest_version_of_its_application(store: Store) {
        let durable = launched(&store).await;
        store
            .execute(
                "INSERT INTO application_versions (version_id, version_name, version_timestamp, application_name)
                 VALUES ('a', 'newest', 9000000000000, NULL), ('b', 'theirs', 9000000000001, 'others')",
                &[],
            )
            .await;
        let client = durable.client();
        client.create_schedule(nothing_due("ours").application("us")).await.unwrap();
        client.create_schedule(nothing_due("theirs").application("others")).await.unwrap();

        let ours = client.trigger_schedule("ours").await.unwrap();
        let theirs = client.trigger_schedule("theirs").await.unwrap();

        assert_eq!(store.status(&ours, "application_version").await, "newest");
        assert_eq!(store.status(&theirs, "application_version").await, "theirs");
        assert_eq!(store.status(&theirs, "application_name").await, "others");
        drop(durable);
    }

    /// Rules: C3
    async fn an_application_that_was_never_launched_has_no_runs(store: Store) {
        let durable = store.open().application("shop").launch().await.unwrap();
        let client = Client::connect(store.url()).await.unwrap().application("bakery");
        client.create_schedule(nothing_due("bread")).await.unwrap();

        let refused = client.trigger_schedule("bread").await;

        assert!(misuse(refused).contains("schedule `bread`: no version"));
        drop(durable);
    }

    /// Rules: C4, C8
    async fn a_paused_schedule_starts_nothing_until_it_is_resumed(store: Store) {
        let durable = launched(&store).await;
        let client = durable.client();
        let book = store.id("book");
        let every = Schedule::new("tick").cron(EVERY_SECOND).workflow::<ticks>().context(book);
        client.create_schedule(every).await.unwrap();
        until(&store, HAS_RUNS, &["tick"]).await;

        client.pause_schedule("tick").await.unwrap();
        // Another schedule, created later, tells that the scheduler has seen the pause.
        let other = Schedule::new("other").cron(EVERY_SECOND).workflow::<ticks>().context(store.id("other"));
        client.create_schedule(other).await.unwrap();
        until(&store, HAS_RUNS, &["other"]).await;
        let paused = run_ids(&store, "tick").await;
        let state = client.get_schedule("tick").await.unwrap().unwrap();
        client.resume_schedule("tick").await.unwrap();
        let before = paused.len().to_string();
        until(
            &store,
            "SELECT COUNT(*) > CAST($2 AS INTEGER) FROM workflow_status WHERE schedule_name = $1",
            &["tick", &before],
        )
        .await;

        assert_eq!(state.status, ScheduleStatus::Paused);
        let last = state.last_fired_at.unwrap();
        assert_eq!(paused.last().unwrap(), &format!("sched-tick-{last}"), "a slot began while it was paused");
        let resumed = client.get_schedule("tick").await.unwrap().unwrap();
        assert_eq!(resumed.status, ScheduleStatus::Active);
        drop(durable);
    }

    /// Rules: C4
    async fn a_new_definition_takes_the_place_of_the_old_one(store: Store) {
        let durable = launched(&store).await;
        let client = durable.client();
        client.apply_schedules([nothing_due("changes")]).await.unwrap();

        let book = store.id("book");
        let changed = Schedule::new("changes").cron(EVERY_SECOND).workflow::<ticks>().context(book.clone());
        client.apply_schedules([changed]).await.unwrap();

        until(&store, HAS_RUNS, &["changes"]).await;
        assert!(!noted(&book).is_empty());
        drop(durable);
    }

    /// Rules: C4
    async fn a_schedule_that_another_process_makes_is_seen(store: Store) {
        let durable = launched(&store).await;
        let client = Client::connect(store.url()).await.unwrap();
        let every = Schedule::new("from outside").cron(EVERY_SECOND).workflow_name("ticks").context(store.id("book"));

        client.create_schedule(every).await.unwrap();

        until(&store, HAS_RUNS, &["from outside"]).await;
        drop(durable);
    }

    /// Rules: C2
    async fn a_trigger_starts_a_run_now(store: Store) {
        let durable = launched(&store).await;
        let client = durable.client();
        client.create_schedule(nothing_due("by hand").context(json!([1, "two"]))).await.unwrap();

        let id = client.trigger_schedule("by hand").await.unwrap();

        let (due, context) = durable.retrieve::<echoes>(&id).await.unwrap().result().await.unwrap();
        let time = id.strip_prefix("sched-by hand-trigger-").unwrap();
        // Microseconds in the id, milliseconds in the argument.
        assert_eq!((time.len(), &time[26..]), ("2026-01-01T00:00:00.000000+00:00".len(), "+00:00"));
        assert_eq!(due, format!("{}Z", &time[..23]));
        assert_eq!(context, json!([1, "two"]));
        assert_eq!(store.status(&id, "queue_name").await, "_dbos_internal_queue");
        assert!(column(&store, "by hand", "last_fired_at").await.is_null());
        drop(durable);
    }

    async fn a_schedule_that_does_not_exist_cannot_be_triggered(store: Store) {
        let durable = launched(&store).await;

        let triggered = durable.client().trigger_schedule("nobody").await;
        let backfilled = durable.client().backfill_schedule("nobody", at(0), at(1)).await;

        assert_eq!(misuse(triggered), "schedule `nobody` does not exist");
        assert_eq!(misuse(backfilled), "schedule `nobody` does not exist");
        drop(durable);
    }

    /// Rules: C7
    async fn a_backfill_starts_the_slots_between_and_skips_those_that_ran(store: Store) {
        let durable = launched(&store).await;
        let client = durable.client();
        client.create_schedule(nothing_due("hourly").cron("0 * 1 1 *")).await.unwrap();
        // 2024-01-01, 01:00 to 04:00.
        let one = client.backfill_schedule("hourly", at(1_704_070_800), at(1_704_078_001)).await.unwrap();
        assert_eq!(one.len(), 2);

        let more = client.backfill_schedule("hourly", at(1_704_067_200), at(1_704_081_600)).await.unwrap();

        assert_eq!(
            more,
            [
                "sched-hourly-2024-01-01T01:00:00+00:00",
                "sched-hourly-2024-01-01T02:00:00+00:00",
                "sched-hourly-2024-01-01T03:00:00+00:00",
            ]
        );
        for id in &more {
            drop(durable.retrieve::<echoes>(id).await.unwrap().result().await.unwrap());
        }
        assert_eq!(run_ids(&store, "hourly").await, more);
        drop(durable);
    }

    /// Rules: C1, C2, C9
    async fn a_time_zone_decides_when_a_slot_is(store: Store) {
        let durable = launched(&store).await;
        let client = durable.client();
        let berlin = nothing_due("berlin").cron("30 2 * * *").time_zone("Europe/Berlin");
        client.create_schedule(berlin).await.unwrap();

        // The clocks go forward on 2026-03-29, and back on 2026-10-25.
        let spring = client.backfill_schedule("berlin", at(1_774_656_000), at(1_774_915_200)).await.unwrap();
        let autumn = client.backfill_schedule("berlin", at(1_792_886_400), at(1_792_972_800)).await.unwrap();

        assert_eq!(
            spring,
            [
                "sched-berlin-2026-03-28T02:30:00+01:00",
                "sched-berlin-2026-03-29T03:00:00+02:00",
                "sched-berlin-2026-03-30T02:30:00+02:00",
            ]
        );
        assert_eq!(
            autumn,
            ["sched-berlin-2026-10-25T02:30:00+02:00", "sched-berlin-2026-10-25T02:30:00+01:00"]
        );
        let (due, _) = durable.retrieve::<echoes>(&spring[1]).await.unwrap().result().await.unwrap();
        assert_eq!(due, "2026-03-29T01:00:00.000Z");
        drop(durable);
    }

    /// Rules: C6
    async fn a_launch_catches_up_where_the_schedule_wants_it(store: Store) {
        let durable = launched(&store).await;
        let daily = |name: &str| nothing_due(name).cron("0 12 * * *").workflow::<ticks>().context(store.id(name));
        let client = durable.client();
        client.create_schedule(daily("catches up").automatic_backfill(true)).await.unwrap();
        client.create_schedule(daily("does not")).await.unwrap();
        durable.shutdown(Duration::from_secs(5)).await;
        let days_ago = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400 - 3;
        let (slot, id) = (format!("{}", days_ago * 86_400 + 43_200), "sched-catches up-");
        let slot = if store.is_postgres() {
            store.value("SELECT to_char(to_timestamp($1) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"')", &[&slot]).await
        } else {
            store.value("SELECT strftime('%Y-%m-%dT%H:%M:%S+00:00', $1, 'unixepoch')", &[&slot]).await
        };
        let slot = slot.as_str().unwrap();
        store.execute("UPDATE workflow_schedules SET last_fired_at = $1", &[slot]).await;

        let durable = launched(&store).await;

        until(&store, HAS_RUNS, &["catches up"]).await;
        let runs = run_ids(&store, "catches up").await;
        assert!((2..=3).contains(&runs.len()), "{runs:?} after {slot}");
        assert!(!runs.contains(&format!("{id}{slot}")));
        assert!(run_ids(&store, "does not").await.len() <= 1);
        drop(durable);
    }

    /// Rules: C8
    async fn a_name_is_given_once(store: Store) {
        let durable = launched(&store).await;
        let client = durable.client();
        client.create_schedule(nothing_due("once")).await.unwrap();

        let again = client.create_schedule(nothing_due("once").cron(EVERY_SECOND)).await;

        assert!(misuse(again).contains("schedule `once` already exists"));
        assert_eq!(column(&store, "once", "schedule").await, NEVER);
        drop(durable);
    }

    /// Rules: C8
    async fn applying_changes_the_definition_and_keeps_the_rest(store: Store) {
        let durable = launched(&store).await;
        let client = durable.client();
        client.create_schedule(nothing_due("old")).await.unwrap();
        client.pause_schedule("old").await.unwrap();
        store.execute("UPDATE workflow_schedules SET last_fired_at = '2020-01-01T00:00:00+00:00'", &[]).await;
        let before = client.get_schedule("old").await.unwrap().unwrap();

        let old = nothing_due("old").cron("0 1 * * *").time_zone("Asia/Kolkata").queue("free").context(json!(7));
        client.apply_schedules([old, nothing_due("new")]).await.unwrap();

        let names: Vec<_> = client.list_schedules(&ScheduleFilter::new()).await.unwrap();
        let names: Vec<_> = names.into_iter().map(|schedule| schedule.name).collect();
        assert_eq!(names, ["new", "old"]);
        let after = client.get_schedule("old").await.unwrap().unwrap();
        assert_eq!(
            (after.cron.as_str(), after.time_zone.as_deref(), after.queue_name.as_deref(), &after.context),
            ("0 1 * * *", Some("Asia/Kolkata"), Some("free"), &json!(7))
        );
        assert_eq!(
            (after.schedule_id, after.status, after.last_fired_at),
            (before.schedule_id, ScheduleStatus::Paused, before.last_fired_at)
        );
        drop(durable);
    }

    /// Rules: C8
    async fn schedules_are_applied_together_or_not_at_all(store: Store) {
        let durable = store.open().application("ours").register::<echoes>().launch().await.unwrap();
        let client = durable.client();
        let theirs = Client::connect(store.url()).await.unwrap().application("them");
        theirs.create_schedule(nothing_due("theirs")).await.unwrap();

        let refused = client.apply_schedules([nothing_due("ours"), nothing_due("theirs")]).await;

        match refused {
            Err(Error::Store(error)) => match error.as_ref() {
                StoreError::Owned { kind, name, owner } => {
                    assert_eq!((*kind, name.as_str(), owner.as_str()), ("schedule", "theirs", "them"));
                }
                other => panic!("{other}"),
            },
            other => panic!("{other:?}"),
        }
        assert!(client.get_schedule("ours").await.unwrap().is_none());
        drop(durable);
    }

    async fn schedules_are_listed_by_what_they_are(store: Store) {
        let durable = launched(&store).await;
        let client = durable.client();
        let ticks = Schedule::new("daily_ticks").cron(NEVER).workflow::<ticks>();
        client.apply_schedules([nothing_due("daily-a"), nothing_due("daily-b"), ticks]).await.unwrap();
        let theirs = Client::connect(store.url()).await.unwrap().application("them");
        theirs.create_schedule(nothing_due("theirs")).await.unwrap();
        client.pause_schedule("daily-b").await.unwrap();
        let named = async |client: &Client, filter: ScheduleFilter| {
            let found = client.list_schedules(&filter).await.unwrap();
            found.into_iter().map(|schedule| schedule.name).collect::<Vec<_>>()
        };
        let filter = ScheduleFilter::new;

        assert_eq!(named(&client, filter().status(ScheduleStatus::Paused)).await, ["daily-b"]);
        assert_eq!(named(&client, filter().workflow_name("ticks")).await, ["daily_ticks"]);
        assert_eq!(named(&client, filter().name_prefix("daily-")).await, ["daily-a", "daily-b"]);
        assert_eq!(named(&client, filter().name_prefix("x").name_prefix("the")).await, ["theirs"]);
        let ours = client.clone().application("us");
        assert_eq!(named(&ours, filter().name_prefix("the")).await, [""; 0]);
        drop(durable);
    }

    /// Rules: C1
    async fn what_makes_no_sense_is_refused(store: Store) {
        let durable = launched(&store).await;
        let client = durable.client();

        let refusals = [
            (nothing_due("x").cron("* * * *"), "invalid cron schedule `* * * *`"),
            (nothing_due("x").time_zone("Mars"), "invalid time zone `Mars`"),
            (nothing_due("x").queue("nowhere"), "there is no queue `nowhere`"),
            (Schedule::new("x").cron(NEVER), "it runs nothing"),
            (Schedule::new(" ").cron(NEVER).workflow::<echoes>(), "needs a name"),
        ];
        for (schedule, reason) in refusals {
            let refused = misuse(client.create_schedule(schedule).await);
            assert!(refused.contains(reason), "{refused}");
        }
        let stranger = store.open().executor_id("other").launch().await.unwrap();
        let refused = stranger.client().create_schedule(nothing_due("x")).await;
        assert!(matches!(refused, Err(Error::NotRegistered { .. })), "{refused:?}");
        assert!(client.list_schedules(&ScheduleFilter::new()).await.unwrap().is_empty());
        drop((durable, stranger));
    }

    /// Rules: C10
    async fn the_context_that_python_pickled_is_read(store: Store) {
        let durable = launched(&store).await;
        let client = durable.client();
        client.create_schedule(nothing_due("pickled")).await.unwrap();
        client.create_schedule(nothing_due("odd")).await.unwrap();
        // pickle.dumps({"region": "EU", "limits": [1, 2.5, None, True]}) and pickle.dumps(object), in base64.
        store
            .execute(
                "UPDATE workflow_schedules SET context = 'gASVLQAAAAAAAAB9lCiMBnJlZ2lvbpSMAkVVlIwGbGltaXRzlF2UKEsBR0AEAAAAAAAATohldS4='
                 WHERE schedule_name = 'pickled'",
                &[],
            )
            .await;
        let object = "gASVFwAAAAAAAACMCGJ1aWx0aW5zlIwGb2JqZWN0lJOULg==";
        store.execute("UPDATE workflow_schedules SET context = $1 WHERE schedule_name = 'odd'", &[object]).await;

        let id = client.trigger_schedule("pickled").await.unwrap();
        let odd = client.trigger_schedule("odd").await;

        let expected = json!({"region": "EU", "limits": [1, 2.5, null, true]});
        let (_, context) = durable.retrieve::<echoes>(&id).await.unwrap().result().await.unwrap();
        assert_eq!(context, expected);
        assert_eq!(client.get_schedule("pickled").await.unwrap().unwrap().context, expected);
        assert!(matches!(odd, Err(Error::Format { .. })), "{odd:?}");
        assert_eq!(client.get_schedule("odd").await.unwrap().unwrap().context, object);
        drop(durable);
    }

    /// Rules: C10
    async fn a_context_is_portable_json(store: Store) {
        let durable = launched(&store).await;
        let client = durable.client();

        client.create_schedule(nothing_due("none")).await.unwrap();
        client.create_schedule(nothing_due("some").context(json!({"ä": [1, null]}))).await.unwrap();

        assert_eq!(column(&store, "none", "context").await, "null");
        assert_eq!(column(&store, "some", "context").await, r#"{"ä":[1,null]}"#);
        drop(durable);
    }
}

#[workflow]
async fn keeps_schedules(ctx: WorkflowContext) -> anyhow::Result<(bool, Vec<ScheduleState>)> {
    ctx.create_schedule(nothing_due("kept")).await?;
    ctx.pause_schedule("kept").await?;
    let paused = ctx
        .get_schedule("kept")
        .await?
        .is_some_and(|state| state.status == ScheduleStatus::Paused);
    ctx.resume_schedule("kept").await?;
    let all = ctx.list_schedules(ScheduleFilter::new()).await?;
    ctx.delete_schedule("kept").await?;
    Ok((paused, all))
}

#[workflow]
async fn creates_twice(ctx: WorkflowContext) -> anyhow::Result<String> {
    let first = ctx.create_schedule(nothing_due("twice")).await;
    let second = ctx.create_schedule(nothing_due("twice")).await;
    Ok(format!("{} {}", first.is_ok(), second.unwrap_err()))
}

on_both_stores! {
    /// Rules: N3
    async fn in_a_workflow_each_change_of_a_schedule_is_recorded(store: Store) {
        let durable = launched_with(&store).await;

        let (paused, all) = keeps_schedules(&durable).id("wf").await.unwrap();

        assert!(paused);
        assert_eq!((all.len(), all[0].status, all[0].name.as_str()), (1, ScheduleStatus::Active, "kept"));
        assert_eq!(
            store.step_names("wf").await,
            [
                "1 DBOS.createSchedule",
                "2 DBOS.pauseSchedule",
                "3 DBOS.getSchedule",
                "4 DBOS.resumeSchedule",
                "5 DBOS.listSchedules",
                "6 DBOS.deleteSchedule",
            ]
        );
        assert!(durable.client().get_schedule("kept").await.unwrap().is_none());
        drop(durable);
    }

    /// Rules: R10
    async fn in_a_workflow_a_refusal_is_recorded_and_replayed(store: Store) {
        let durable = launched_with(&store).await;
        let text = creates_twice(&durable).id("wf").await.unwrap();
        assert!(text.starts_with("true schedule `twice` already exists"), "{text}");
        durable.shutdown(Duration::ZERO).await;
        store
            .execute(
                "UPDATE workflow_status SET status = 'PENDING' WHERE workflow_uuid = 'wf';
                 DELETE FROM workflow_schedules; DELETE FROM workflow_output",
                &[],
            )
            .await;

        let durable = launched_with(&store).await;

        let replayed = durable.retrieve::<creates_twice>("wf").await.unwrap().result().await.unwrap();
        assert_eq!(replayed, text);
        assert!(durable.client().get_schedule("twice").await.unwrap().is_none());
        drop(durable);
    }
}

async fn launched_with(store: &Store) -> Durable {
    let builder = store
        .open()
        .register::<echoes>()
        .register::<keeps_schedules>();
    builder.register::<creates_twice>().launch().await.unwrap()
}
