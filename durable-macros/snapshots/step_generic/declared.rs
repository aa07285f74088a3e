#[step(crate = renamed::durable)]
#[allow(clippy::needless_lifetimes)]
async fn store<'a, T, const N: usize>(
    _: StepContext,
    mut key: Cow<'_, str>,
    values: &'a [T; N],
    format: impl Fn(&T) -> String + Send,
) -> Result<usize>
where
    T: Serialize + Sync,
{
    put(&mut key, values, format).await
}
