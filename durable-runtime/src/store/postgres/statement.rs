//! The statements that write records. A batch is one statement, whatever is in it and however much: to the database it
//! is one round trip and one transaction of its own, without BEGIN and COMMIT around it.
//!
//! Such a statement is put together of parts, of which a batch needs one or more. All parts see the database as it was
//! before the statement, and run in no order that one could rely on. So no part may need what another one writes, and
//! no row may be locked by one part and updated by another; who splits a batch into parts sees to that.
//!
//! Rows are passed as arrays. Each part locks the rows of the workflows that its records belong to and own (in the order
//! of their ids), and drops the other records: a takeover that is being committed is waited for, and seen.

use std::fmt::Write as _;
use std::sync::OnceLock;

use crate::store::claim;
use crate::store::sql::for_postgres;

/// A part of a statement: named subqueries, and what they tell of the records that were written.
struct Part {
    /// `$1` is its own first parameter.
    subqueries: &'static str,
    parameters: usize,
    results: &'static [Told],
}

/// Rows that tell of the records of one kind that were written.
struct Told {
    /// [`STARTED`] and so on.
    kind: i32,
    key: &'static str,
    position: &'static str,
    from: &'static str,
}

/// What a row tells of.
pub(super) const STARTED: i32 = 1;
pub(super) const STEPPED: i32 = 2;
const ENDED: i32 = 3;
pub(super) const CLAIMED: i32 = 4;

/// How many columns stand before those that tell, where the statement takes work off a queue.
pub(super) const CLAIMED_COLUMNS: usize = 16;

/// Starts, told by their tokens. Asked with an OR, whether a start was written is looked up in a hash, and is no join.
const STARTS: Part = Part {
    parameters: 14,
    subqueries: "
    starts AS (
        SELECT *, extra_text::jsonb AS extra
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                    $7::text[], $8::int4[], $9::text[], $10::text[], $11::text[], $12::text[],
                    $13::text[], $14::text[]) WITH ORDINALITY
        AS given (id, name, executor, version, application, application_id, queue, priority, token,
                  parent, parent_token, input, serialization, extra_text, number)
    ), children AS (
        SELECT starts.* FROM starts
        JOIN dbos.workflow_status s
          ON s.workflow_uuid = starts.parent AND s.owner_xid = starts.parent_token
        ORDER BY s.workflow_uuid, number FOR NO KEY UPDATE OF s
    ), allowed AS (
        SELECT * FROM starts WHERE parent IS NULL UNION ALL SELECT * FROM children
    ), started AS (
        INSERT INTO dbos.workflow_status (
            workflow_uuid, status, name, executor_id, application_version, application_id,
            recovery_attempts, queue_name, priority, owner_xid, creator_xid, parent_workflow_id,
            serialization, application_name, class_name, config_name, queue_partition_key,
            deduplication_id, delay_until_epoch_ms, workflow_timeout_ms,
            workflow_deadline_epoch_ms, authenticated_user, assumed_role, authenticated_roles,
            attributes, schedule_name, debounce_deadline_epoch_ms, is_debounced)
        SELECT id,
               CASE WHEN queue IS NULL THEN 'PENDING' WHEN extra ? 'delay' THEN 'DELAYED'
                    ELSE 'ENQUEUED' END,
               name, executor, version, application_id,
               CASE WHEN queue IS NULL THEN 1 ELSE 0 END, queue, priority,
               CASE WHEN queue IS NULL THEN token END, token, parent, serialization, application,
               extra ->> 'class', extra ->> 'config', extra ->> 'partition',
               extra ->> 'deduplication', (extra ->> 'delay')::int8, (extra ->> 'timeout')::int8,
               (extra ->> 'deadline')::int8, extra ->> 'user', extra ->> 'role', extra ->> 'roles',
               (extra ->> 'attributes')::jsonb, extra ->> 'schedule',
               (extra ->> 'debounce')::int8, COALESCE(extra ? 'debounced', FALSE)
        FROM allowed
        {skip ON CONFLICT DO NOTHING}
        RETURNING workflow_uuid, creator_xid
    ), inputs AS (
        INSERT INTO dbos.workflow_input (workflow_uuid, inputs)
        SELECT id, input FROM allowed
        {skip WHERE token IN (SELECT creator_xid FROM started) OR token IS NULL
              ON CONFLICT (workflow_uuid) DO NOTHING}
    )",
    results: &[Told {
        kind: STARTED,
        key: "creator_xid",
        position: "0",
        from: "started",
    }],
};

/// Steps of workflows that go on, told by their places.
const STEPS: Part = Part {
    parameters: 11,
    subqueries: "
    steps AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::int4[], $4::text[], $5::text[], $6::text[],
                             $7::text[], $8::text[], $9::int8[], $10::int8[], $11::text[])
        AS given (id, token, position, name, output, error, child, child_name, started, completed,
                  serialization)
    ), owned AS (
        SELECT steps.*, s.application_name FROM steps
        JOIN dbos.workflow_status s ON s.workflow_uuid = steps.id AND s.owner_xid = steps.token
        ORDER BY s.workflow_uuid FOR NO KEY UPDATE OF s
    ), stepped AS (
        INSERT INTO dbos.operation_outputs (
            workflow_uuid, function_id, function_name, output, error, child_workflow_id,
            started_at_epoch_ms, completed_at_epoch_ms, serialization, application_name)
        SELECT id, position, name, output, error, child, started, completed,
               CASE WHEN output IS NOT NULL OR error IS NOT NULL
                    THEN COALESCE(serialization, 'portable_json') END, application_name
        FROM owned
        WHERE child_name IS NULL OR {started} EXISTS (
            SELECT 1 FROM dbos.workflow_status c
            WHERE c.workflow_uuid = owned.child AND c.name = owned.child_name)
        {skip ON CONFLICT (workflow_uuid, function_id) DO NOTHING}
        RETURNING workflow_uuid, function_id
    )",
    results: &[Told {
        kind: STEPPED,
        key: "workflow_uuid",
        position: "function_id",
        from: "stepped",
    }],
};

/// Outcomes of workflows, told by their ids, and the last steps of the same workflows, told by their places.
///
/// The status is asked for in a way that no index serves: the planner would take that of all that is pending, and read it
/// whole for each batch.
const ENDS: Part = Part {
    parameters: 15,
    subqueries: "
    ends AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
        AS given (id, token, output, error) ORDER BY id
    ), ended AS (
        UPDATE dbos.workflow_status s
        SET status = CASE WHEN ends.error IS NULL THEN 'SUCCESS' ELSE 'ERROR' END,
            deduplication_id = NULL, owner_xid = NULL,
            updated_at = (EXTRACT(epoch FROM now()) * 1000.0)::bigint,
            completed_at = (EXTRACT(epoch FROM now()) * 1000.0)::bigint
        FROM ends
        WHERE s.workflow_uuid = ends.id AND s.owner_xid = ends.token
          AND s.status IS NOT DISTINCT FROM 'PENDING'
        RETURNING s.workflow_uuid, ends.output, ends.error
    ), outputs AS (
        INSERT INTO dbos.workflow_output (workflow_uuid, output, error)
        SELECT workflow_uuid, output, error FROM ended
        {skip ON CONFLICT (workflow_uuid) DO UPDATE
              SET output = excluded.output, error = excluded.error}
    ), last_steps AS (
        SELECT * FROM unnest($5::text[], $6::text[], $7::int4[], $8::text[], $9::text[], $10::text[],
                             $11::text[], $12::text[], $13::int8[], $14::int8[], $15::text[])
        AS given (id, token, position, name, output, error, child, child_name, started, completed,
                  serialization)
    ), last_stepped AS (
        INSERT INTO dbos.operation_outputs (
            workflow_uuid, function_id, function_name, output, error, child_workflow_id,
            started_at_epoch_ms, completed_at_epoch_ms, serialization, application_name)
        SELECT id, position, name, output, error, child, started, completed,
               CASE WHEN output IS NOT NULL OR error IS NOT NULL
                    THEN COALESCE(serialization, 'portable_json') END,
               (SELECT s.application_name FROM dbos.workflow_status s
                WHERE s.workflow_uuid = last_steps.id)
        FROM last_steps
        WHERE (id IN (SELECT workflow_uuid FROM ended) OR id IS NULL)
          AND (child_name IS NULL OR {started} EXISTS (
               SELECT 1 FROM dbos.workflow_status c
               WHERE c.workflow_uuid = last_steps.child AND c.name = last_steps.child_name))
        {skip ON CONFLICT (workflow_uuid, function_id) DO NOTHING}
        RETURNING workflow_uuid, function_id
    )",
    results: &[
        Told {
            kind: ENDED,
            key: "workflow_uuid",
            position: "0",
            from: "ended",
        },
        Told {
            kind: STEPPED,
            key: "workflow_uuid",
            position: "function_id",
            from: "last_stepped",
        },
    ],
};

/// A child that begins in the same statement has the name that its parent called: else it would not begin.
const CHILD_STARTS: &str = "child IN (SELECT workflow_uuid FROM started) OR";

/// A step alone, which is what a workflow of steps one after another commits each time.
const ONE_STEP: &str = "
    INSERT INTO dbos.operation_outputs (
        workflow_uuid, function_id, function_name, output, error, child_workflow_id,
        started_at_epoch_ms, completed_at_epoch_ms, serialization, application_name)
    SELECT s.workflow_uuid, $3::int4, $4::text, $5::text, $6::text, $7::text, $9::int8, $10::int8,
           CASE WHEN $5::text IS NOT NULL OR $6::text IS NOT NULL
                THEN COALESCE($11::text, 'portable_json') END, s.application_name
    FROM dbos.workflow_status s
    WHERE s.workflow_uuid = $1 AND s.owner_xid = $2 AND ($8::text IS NULL OR EXISTS (
        SELECT 1 FROM dbos.workflow_status c WHERE c.workflow_uuid = $7 AND c.name = $8))
    FOR NO KEY UPDATE OF s
    {skip ON CONFLICT (workflow_uuid, function_id) DO NOTHING}
    RETURNING function_id";

/// Every statement here finds its rows by their keys, however many it is given, and joins nothing but what was given
/// to a table. Left alone, the planner plans each run anew, which takes longer than the run itself; told to keep a plan,
/// it may keep one that reads whole tables, made while they were empty. Compiling a plan takes longer still.
pub(super) const SETTINGS: &str = "
    SET plan_cache_mode = force_generic_plan; SET jit = off;
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

/// What becomes of a row that is there already. To look for it takes PostgreSQL a fifth of the whole time, and there is
/// hardly ever one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    /// The statement fails, with nothing written.
    Fails,
    /// It stays, and the statement does not tell of it. The outcome of a workflow is the exception: the new one counts.
    Stays,
}

/// Which parts a statement has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) starts: bool,
    pub(super) steps: bool,
    pub(super) ends: bool,
    /// Takes work off a queue, into the places that the ends leave. What starts in the same statement is not seen yet.
    pub(super) claim: bool,
}

impl Parts {
    /// The statement of these parts. Their parameters follow one another: starts, steps, ends, claim. With a claim, what
    /// it took comes before all else.
    pub(super) fn statement(self, existing: Existing) -> &'static str {
        static STATEMENTS: [OnceLock<String>; 32] = [const { OnceLock::new() }; 32];
        let index = usize::from(self.starts)
            + 2 * usize::from(self.steps)
            + 4 * usize::from(self.ends)
            + 8 * usize::from(self.claim)
            + 16 * usize::from(existing == Existing::Stays);
        match STATEMENTS.get(index) {
            Some(statement) => statement.get_or_init(|| self.compose(existing)),
            // Five bits make no more than 32 numbers.
            None => "",
        }
    }

    fn compose(self, existing: Existing) -> String {
        let child_starts = if self.starts { CHILD_STARTS } else { "" };
        let parts = [
            (self.starts, STARTS),
            (self.steps, STEPS),
            (self.ends, ENDS),
        ];
        let (mut subqueries, mut results) = (Vec::new(), Vec::new());
        let mut before = 0;
        // The columns of what was taken, which tell nothing of a record.
        let none = match self.claim {
            true => "NULL, ".repeat(CLAIMED_COLUMNS),
            false => String::new(),
        };
        for (_, part) in parts.into_iter().filter(|(needed, _)| *needed) {
            let text = part.subqueries.replace("{started}", child_starts);
            let text = with_existing(existing, &text);
            subqueries.push(numbered_from(before, &text));
            results.extend(part.results.iter().map(|told| {
                let (kind, key, position) = (told.kind, told.key, told.position);
                format!("SELECT {none}{kind}, {key}, {position} FROM {}", told.from)
            }));
            before += part.parameters;
        }
        if self.claim {
            let claim = numbered_from(before, &for_postgres(claim::CLAIM));
            subqueries.push(format!("claimed AS ({claim})"));
            // First, as the columns of a union are of the types of its first part.
            results.insert(
                0,
                format!("SELECT *, {CLAIMED}, NULL::text, 0 FROM claimed"),
            );
        }
        format!(
            "WITH {} {}",
            subqueries.join(","),
            results.join(" UNION ALL ")
        )
    }
}

/// The statement of a step alone.
pub(super) fn one_step(existing: Existing) -> &'static str {
    static STATEMENTS: [OnceLock<String>; 2] = [const { OnceLock::new() }; 2];
    let [fails, stays] = &STATEMENTS;
    let statement = match existing {
        Existing::Fails => fails,
        Existing::Stays => stays,
    };
    statement.get_or_init(|| with_existing(existing, ONE_STEP))
}

/// Keeps what is marked with `{skip }`, or leaves it out.
fn with_existing(existing: Existing, text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, marked)) = rest.split_once("{skip ") {
        let (clause, after) = marked.split_once('}').unwrap_or((marked, ""));
        whole.push_str(before);
        if existing == Existing::Stays {
            whole.push_str(clause);
        }
        rest = after;
    }
    whole.push_str(rest);
    whole
}

/// Counts the parameters of a part on from those of the parts before it.
fn numbered_from(before: usize, text: &str) -> String {
    let mut pieces = text.split('$');
    let mut numbered = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.len() - piece.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = piece.split_at(digits);
        let number = number.parse::<usize>().unwrap_or_default();
        // A string takes whatever is written to it.
        let _ = write!(numbered, "${}{rest}", before + number);
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::{CLAIMED_COLUMNS, Existing, Parts, numbered_from, one_step};

    #[test]
    fn the_parameters_of_a_part_follow_those_of_the_part_before() {
        assert_eq!(
            numbered_from(14, "unnest($1::text[], $11::int4[])"),
            "unnest($15::text[], $25::int4[])"
        );
    }

    #[test]
    fn a_statement_has_the_parts_that_are_asked_for_and_no_other() {
        let of = |starts, steps, ends| {
            let parts = Parts {
                starts,
                steps,
                ends,
                claim: false,
            };
            parts.statement(Existing::Stays)
        };
        assert!(of(true, true, true).contains("$40::text[]"));
        assert!(!of(true, true, true).contains("$41"));
        assert!(of(true, false, true).contains("$29::text[]"));
        assert!(!of(false, true, true).contains("started)"));
        assert!(!of(false, true, false).contains("last_steps"));
        assert!(!of(true, true, true).contains('{'));
    }

    #[test]
    fn what_is_taken_off_a_queue_comes_first_and_all_rows_are_as_wide() {
        let ends = Parts {
            starts: false,
            steps: false,
            ends: true,
            claim: true,
        };
        let statement = ends.statement(Existing::Fails);
        let (_, results) = statement.split_once(") SELECT *").unwrap();
        let columns = |row: &str| row.matches(", ").count() + 1;
        let mut rows = results.split(" UNION ALL ").skip(1);
        assert!(results.contains("FROM claimed UNION ALL"));
        assert!(rows.all(|row| columns(row) == CLAIMED_COLUMNS + 3));
        assert!(statement.contains("queue_name = $16") && !statement.contains('{'));
    }

    #[test]
    fn rows_that_are_there_are_looked_for_only_where_they_may_be() {
        let ends = Parts {
            starts: true,
            steps: true,
            ends: true,
            claim: false,
        };
        let count = |existing| ends.statement(existing).matches("ON CONFLICT").count();
        assert_eq!((count(Existing::Fails), count(Existing::Stays)), (0, 5));
        assert!(!one_step(Existing::Fails).contains("CONFLICT"));
        assert!(one_step(Existing::Stays).contains("ON CONFLICT (workflow_uuid, function_id)"));
    }
}
