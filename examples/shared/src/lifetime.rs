use std::{error::Error, io, process::ExitCode, time::Duration};

use apikeys_core::ApiKeys;
use tracing_subscriber::EnvFilter;

/// The time that open requests have to finish when the process is asked to stop.
const GRACE_PERIOD: Duration = Duration::from_secs(10);

/// Writes logs to stderr, filtered by `RUST_LOG`; the default is `info`.
pub fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    tracing::trace!("logging everything");
}

/// Prints an error and all its causes to stderr in one line, and returns the exit code.
#[must_use]
#[allow(clippy::print_stderr, reason = "a log filter must not hide why the program ends")]
pub fn report(result: Result<(), Box<dyn Error>>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    eprintln!("error: {line}");
    ExitCode::FAILURE
}

/// Returns a future that resolves on Ctrl-C or SIGTERM.
///
/// # Errors
///
/// Returns an error if the process cannot register for signals.
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        #[cfg(unix)]
        let terminated = terminate.recv();
        #[cfg(not(unix))]
        let terminated = std::future::pending::<Option<()>>();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated => {}
        }
        tracing::info!("stopping");
    })
}

/// The result of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Drained {
    /// All requests are in the audit log.
    Completely,
    /// Some requests were not finished, or the store did not accept all events.
    InPart,
}

/// Waits for the server to finish open requests, for a bounded time, and writes the rest of the audit
/// log. `serving` must end after `stopping` has resolved.
///
/// # Errors
///
/// Returns the error of `serving`.
pub async fn drain<E>(
    keys: &ApiKeys,
    stopping: impl Future<Output = ()>,
    serving: impl Future<Output = Result<(), E>>,
) -> Result<Drained, E> {
    let too_late = async {
        stopping.await;
        tokio::time::sleep(GRACE_PERIOD).await;
    };
    tokio::select! {
        served = serving => served?,
        () = too_late => tracing::warn!("some connections were not closed in time"),
    }
    Ok(match tokio::time::timeout(GRACE_PERIOD, keys.shutdown()).await {
        Ok(Ok(())) => Drained::Completely,
        Ok(Err(error)) => {
            tracing::error!(%error, "the audit log is incomplete");
            Drained::InPart
        }
        Err(_) => {
            tracing::error!("some requests were not finished in time");
            let _ = keys.flush().await;
            Drained::InPart
        }
    })
}
