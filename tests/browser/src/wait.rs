use std::time::{Duration, Instant};

/// The time that the browser may take for one step on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// Asks again and again until there is an answer. Panics with the text of `otherwise` if there is none in time.
pub(crate) async fn until<T>(
    mut ask: impl AsyncFnMut() -> Option<T>,
    otherwise: impl AsyncFnOnce() -> String,
) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        if Instant::now() > end {
            panic!("{}", otherwise().await);
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}
