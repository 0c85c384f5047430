use std::{
    error::Error,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use tokio::sync::watch;

use crate::{Config, Demo, ReadyMadeKey, stop_signal};

/// A quickstart that is ready to be served by some framework.
#[derive(Debug)]
pub struct Start {
    /// What is served.
    pub demo: Demo,
    /// Where; it does not block.
    pub listener: TcpListener,
    /// When to stop.
    pub stop: Stop,
    kept_in: String,
    ready_made: ReadyMadeKey,
}

impl Start {
    /// Reads the environment, opens the database, makes the key that is printed, and runs the
    /// maintenance. `framework` is part of the key's name.
    ///
    /// # Errors
    ///
    /// When the environment asks for what there is not, or the port or the database cannot be
    /// used.
    pub async fn new(framework: &str) -> Result<Self, Box<dyn Error>> {
        let config = Config::from_env()?;
        let stop = Stop::on_signal()?;
        // tokio's, for its longer queue of connections that wait to be accepted.
        let address = (Ipv4Addr::LOCALHOST, config.port);
        let listener = tokio::net::TcpListener::bind(address).await?.into_std()?;
        let (demo, maintenance, kept_in) = Demo::open(&config).await?;
        tokio::spawn(maintenance.run());
        let ready_made = demo.ready_made_key(framework).await?;
        Ok(Self { demo, listener, stop, kept_in, ready_made })
    }

    /// What to print once it serves. This is the one place that shows the key's secret and the
    /// admin token.
    ///
    /// # Errors
    ///
    /// When the listener has no address.
    pub fn lines(&self) -> io::Result<String> {
        let address: SocketAddr = self.listener.local_addr()?;
        Ok(format!(
            "keys are kept in {}\nlistening on http://{address}\n\
             log in as an administrator of org_demo: {}\n{}",
            self.kept_in,
            self.demo.admin_link(address),
            self.ready_made.lines(address)
        ))
    }
}

/// Tells whoever asks that the process is to stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    fn on_signal() -> io::Result<Self> {
        let signal = stop_signal()?;
        let (stopping, stop) = watch::channel(false);
        tokio::spawn(async move {
            signal.await;
            stopping.send_replace(true);
        });
        Ok(Self(stop))
    }

    /// Resolves when the process is to stop.
    pub async fn requested(mut self) {
        // Nobody is left to say so only when the runtime is gone, which is a stop too.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
