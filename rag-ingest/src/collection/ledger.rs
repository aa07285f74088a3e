//! What embedding cost, and what it may cost.

use serde::Serialize;

use super::requests;
use super::session::{Session, rows, run};
use super::{Collection, CollectionError};

/// What a step of embedding cost. A batch that is done again after a crash adds only what it paid again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cost {
    pub(crate) batch: i64,
    pub(crate) embedded: i64,
    /// Texts that had a vector already.
    pub(crate) reused: i64,
    pub(crate) tokens: i64,
    pub(crate) micros: i64,
    /// Calls of the model.
    pub(crate) requests: i64,
    /// Those that gave no vectors.
    pub(crate) retries: i64,
}

/// Adds what a step cost to the row of its batch.
pub(crate) async fn pay(
    session: &mut Session<'_>,
    cost: &Cost,
    (workflow_id, collection, run, document, model): (&str, &str, &str, i64, &str),
    now_ms: i64,
) -> sqlx::Result<()> {
    // A step that is done again after a crash finds the vectors that it has made itself; those are not reused.
    run!(
        session,
        "INSERT INTO rag_costs (workflow_id, batch, collection, run_id, document_id, model, embedded, reused, tokens,
            cost_micros, requests, retries, at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (workflow_id, batch) DO UPDATE SET embedded = rag_costs.embedded + excluded.embedded,
            reused = rag_costs.reused + CASE WHEN excluded.requests > 0 THEN excluded.reused ELSE 0 END,
            tokens = rag_costs.tokens + excluded.tokens, cost_micros = rag_costs.cost_micros + excluded.cost_micros,
            requests = rag_costs.requests + excluded.requests, retries = rag_costs.retries + excluded.retries",
        workflow_id,
        cost.batch,
        collection,
        run,
        document,
        model,
        cost.embedded,
        cost.reused,
        cost.tokens,
        cost.micros,
        cost.requests,
        cost.retries,
        now_ms
    )?;
    Ok(())
}

/// What was spent on embedding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Spending {
    /// Texts that were embedded.
    pub embedded: i64,
    /// Texts whose vectors were there already.
    pub reused: i64,
    /// Calls of the model.
    pub requests: i64,
    /// Calls that gave no vectors, and were made again or given up.
    pub retries: i64,
    /// Tokens, as the service counted them; word pieces where it does not.
    pub tokens: i64,
    /// What they cost, in millionths of the price's currency.
    pub cost_micros: i64,
}

type SpendingRow = (i64, i64, i64, i64, i64, i64);

impl From<SpendingRow> for Spending {
    fn from((embedded, reused, requests, retries, tokens, cost_micros): SpendingRow) -> Self {
        Self {
            embedded,
            reused,
            requests,
            retries,
            tokens,
            cost_micros,
        }
    }
}

const SUMS: &str = "
    CAST(COALESCE(SUM(embedded), 0) AS BIGINT), CAST(COALESCE(SUM(reused), 0) AS BIGINT),
    CAST(COALESCE(SUM(requests), 0) AS BIGINT), CAST(COALESCE(SUM(retries), 0) AS BIGINT),
    CAST(COALESCE(SUM(tokens), 0) AS BIGINT), CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT)";

impl Collection {
    /// What a run spent.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn spending_of(&self, run: &str) -> Result<Spending, CollectionError> {
        let failed = || CollectionError::statement("read what a run cost");
        let mut look = self.look().await.map_err(failed())?;
        let sql = format!("SELECT {SUMS} FROM rag_costs WHERE run_id = $1");
        let found: Vec<SpendingRow> = rows!(&mut look.session(), &sql, run).map_err(failed())?;
        Ok(found.into_iter().next().unwrap_or_default().into())
    }

    /// What a collection has cost, by the model, ever.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn spending_by_model(
        &self,
        collection: &str,
    ) -> Result<Vec<(String, Spending)>, CollectionError> {
        type Row = (String, i64, i64, i64, i64, i64, i64);
        let failed = || CollectionError::statement("read what a collection cost");
        let mut look = self.look().await.map_err(failed())?;
        let sql = format!(
            "SELECT model, {SUMS} FROM rag_costs WHERE collection = $1 GROUP BY model ORDER BY model"
        );
        let found: Vec<Row> = rows!(&mut look.session(), &sql, collection).map_err(failed())?;
        let row = |row: Row| {
            let sums = (row.1, row.2, row.3, row.4, row.5, row.6);
            (row.0, sums.into())
        };
        Ok(found.into_iter().map(row).collect())
    }

    /// Allows so much to be spent for a collection from now on, until [`Collection::close_budget`]; what an earlier
    /// command that was killed has spent of its budget counts. Without an amount nothing is limited.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn open_budget(
        &self,
        collection: &str,
        micros: Option<i64>,
        now_ms: i64,
    ) -> Result<(), CollectionError> {
        let Some(micros) = micros else {
            return self.close_budget(collection).await;
        };
        let failed = || CollectionError::statement("note the budget");
        let mut transaction = self.begin().await.map_err(failed())?;
        run!(
            &mut transaction.session(),
            "INSERT INTO rag_budgets (collection, budget_micros, since_ms) VALUES ($1, $2, $3)
             ON CONFLICT (collection) DO UPDATE SET budget_micros = excluded.budget_micros, is_spent = 0",
            collection,
            micros,
            now_ms
        )
        .map_err(failed())?;
        transaction.commit().await.map_err(failed())
    }

    /// Ends the budget of a collection.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn close_budget(&self, collection: &str) -> Result<(), CollectionError> {
        let failed = || CollectionError::statement("end the budget");
        let mut transaction = self.begin().await.map_err(failed())?;
        run!(
            &mut transaction.session(),
            "DELETE FROM rag_budgets WHERE collection = $1",
            collection
        )
        .map_err(failed())?;
        transaction.commit().await.map_err(failed())
    }

    /// The budget of a collection and what of it is spent, in millionths of the price's currency, if it has one.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn budget(&self, collection: &str) -> Result<Option<(i64, i64)>, CollectionError> {
        let failed = || CollectionError::statement("read the budget");
        let mut look = self.look().await.map_err(failed())?;
        let budget = requests::budget(&mut look.session(), collection).await;
        let budget = budget.map_err(failed())?;
        Ok(budget.map(|(budget, spent, _)| (budget, spent)))
    }

    /// How long the vectors of a model were when it was used last, if this database knows it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn dimension_of(&self, id: &str) -> Result<Option<usize>, CollectionError> {
        let failed = || CollectionError::statement("read the models");
        let mut look = self.look().await.map_err(failed())?;
        let models: Vec<(String, i64)> = rows!(
            &mut look.session(),
            "SELECT name, dimension FROM rag_models ORDER BY id DESC"
        )
        .map_err(failed())?;
        let known = models.into_iter().find_map(|(name, dimension)| {
            let dimension = usize::try_from(dimension).ok()?;
            (name == super::model_name(id, dimension)).then_some(dimension)
        });
        Ok(known)
    }
}
