/// Saves a document.
#[transaction(max_attempts = 5)]
pub(crate) async fn save(ctx: TransactionContext, document: &Document) -> Result<u64> {
    document.insert(ctx.connection()).await
}
