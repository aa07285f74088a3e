#[step(max_attempts = 3, interval = "250ms", backoff_rate = 1.5, max_interval = "5m", retry_if = |error| error.is_transient(), name = "fetch page")]
#[cfg(feature = "fetch")]
async fn fetch(ctx: StepContext, url: Url) -> Result<Page, FetchError> {
    get(&url).await
}
