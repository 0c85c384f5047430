use std::{error::Error, io, process::ExitCode, time::Duration};

use apikeys_core::ApiKeys;
use tracing_subscriber::EnvFilter;

/// How long requests under way may take when the process is asked to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends logs to stderr, as much of them as `RUST_LOG` says; `info` if it says nothing.
pub fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    tracing::trace!("logging everything");
}

/// Says on stderr what went wrong, with all its causes in a line, and what to exit with.
#[must_use]
#[allow(clippy::print_stderr, reason = "a log filter must not hide why a program ends")]
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

/// Resolves when somebody wants the process to stop: Ctrl-C or SIGTERM.
///
/// # Errors
///
/// When the system does not let us listen for signals. Ask for it before serving.
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

/// How the end went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Drained {
    /// Every request is on the audit log.
    Completely,
    /// Some requests were still under way, or the database did not take all events.
    InPart,
}

/// Waits until the server has answered the requests under way, but not for ever, and writes the
/// rest of the audit log. `serving` must end once the stop signal has come.
///
/// # Errors
///
/// What `serving` came to.
pub async fn drain<E>(
    keys: &ApiKeys,
    stopping: impl Future<Output = ()>,
    serving: impl Future<Output = Result<(), E>>,
) -> Result<Drained, E> {
    let too_late = async {
        stopping.await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        served = serving => served?,
        () = too_late => tracing::warn!("some connections did not end in time"),
    }
    Ok(match tokio::time::timeout(PATIENCE, keys.shutdown()).await {
        Ok(Ok(())) => Drained::Completely,
        Ok(Err(error)) => {
            tracing::error!(%error, "the audit log is not complete");
            Drained::InPart
        }
        Err(_) => {
            tracing::error!("some requests did not end in time");
            let _ = keys.flush().await;
            Drained::InPart
        }
    })
}
