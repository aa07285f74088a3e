//! The workflow that the fault tests interrupt: steps that leave a trace outside the database, and
//! transactions that leave rows inside.

use std::fs::OpenOptions;
use std::future::pending;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use durable_runtime::Saga;
use durable_runtime::prelude::*;
use sqlx::AssertSqlSafe;

/// The table that the transactions write.
pub const ENTRIES: &str =
    "CREATE TABLE IF NOT EXISTS entries (workflow TEXT NOT NULL, position BIGINT NOT NULL)";

/// What a transaction's insert looks like on the wire.
pub const ENTRY: &str = "INSERT INTO entries";

/// The calls of [`journey()`]: 30 steps, and a transaction after every fifth.
pub const CALLS: usize = 36;

/// How many steps [`retreat()`] goes, and goes back.
pub const LEGS: usize = 10;

/// Where a body stops for ever, so that its process can be killed there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    Nowhere,
    /// In a transaction, after its rows.
    InsideTransaction,
    /// In the step behind the transaction.
    AfterTransaction,
}

impl Hold {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nowhere => "nowhere",
            Self::InsideTransaction => "inside",
            Self::AfterTransaction => "after",
        }
    }

    fn here(self) -> bool {
        std::env::var("FAULT_HOLD").is_ok_and(|hold| hold == self.as_str())
    }
}

/// Adds a line to a file in one write, which the kernel keeps whole when the process dies.
pub fn leave_trace(file: &str, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(file)?;
    file.write_all(format!("{line}\n").as_bytes())
}

/// The lines of a file of traces; none while it does not exist.
pub fn traces(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[step]
async fn stride(ctx: StepContext, effects: String) -> anyhow::Result<i32> {
    // Long enough for a killer to come in between.
    tokio::time::sleep(Duration::from_millis(3)).await;
    leave_trace(&effects, &ctx.position().to_string())?;
    Ok(ctx.position())
}

#[transaction]
async fn enter(ctx: TransactionContext, effects: String) -> anyhow::Result<i32> {
    let position = ctx.position();
    let sql = AssertSqlSafe(format!(
        "{ENTRY} (workflow, position) VALUES ('{}', {position})",
        ctx.workflow_id()
    ));
    match ctx.connection() {
        Connection::Sqlite(connection) => sqlx::raw_sql(sql).execute(connection).await.map(drop)?,
        Connection::Postgres(connection) => {
            sqlx::raw_sql(sql).execute(connection).await.map(drop)?;
        }
        _ => anyhow::bail!("an unknown database"),
    }
    leave_trace(&effects, &position.to_string())?;
    if Hold::InsideTransaction.here() {
        pending::<()>().await;
    }
    Ok(position)
}

#[step]
async fn rest(ctx: StepContext, effects: String) -> anyhow::Result<i32> {
    if Hold::AfterTransaction.here() {
        pending::<()>().await;
    }
    leave_trace(&effects, &ctx.position().to_string())?;
    Ok(ctx.position())
}

/// A long way.
#[workflow]
pub async fn journey(ctx: WorkflowContext, effects: String) -> anyhow::Result<i32> {
    let mut sum = 0;
    for leg in 1..=30 {
        sum += stride(&ctx, effects.clone()).await?;
        if leg % 5 == 0 {
            sum += enter(&ctx, effects.clone()).await?;
        }
    }
    Ok(sum)
}

/// One transaction between two steps.
#[workflow]
pub async fn visit(ctx: WorkflowContext, effects: String) -> anyhow::Result<i32> {
    let mut sum = stride(&ctx, effects.clone()).await?;
    sum += enter(&ctx, effects.clone()).await?;
    Ok(sum + rest(&ctx, effects).await?)
}

#[step]
async fn stumble(ctx: StepContext, effects: String) -> anyhow::Result<i32> {
    leave_trace(&effects, &ctx.position().to_string())?;
    anyhow::bail!("a stone")
}

/// Undoes the stride at position `leg`.
#[step]
async fn go_back(ctx: StepContext, effects: String, leg: i32) -> anyhow::Result<i32> {
    tokio::time::sleep(Duration::from_millis(3)).await;
    leave_trace(&effects, &ctx.position().to_string())?;
    Ok(leg)
}

/// A saga that goes all the way back.
#[workflow]
pub async fn retreat(ctx: WorkflowContext, effects: String) -> anyhow::Result<i32> {
    let saga = Saga::new(&ctx);
    let went = saga.run(async {
        for _ in 0..LEGS {
            saga.step(stride(&ctx, effects.clone()), |leg| {
                go_back(&ctx, effects.clone(), leg)
            })
            .await?;
        }
        stumble(&ctx, effects.clone()).await
    });
    match went.await {
        Err(error) if error.to_string() == "a stone" => Ok(0),
        other => other,
    }
}
