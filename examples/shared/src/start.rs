use std::{
    error::Error,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use apikeys_redis::RedisLimiter;
use tokio::sync::watch;

use crate::{
    Config, Demo, DemoError, OpenDatabase, ReadyMadeKey, RedisUrl, stop_signal, warnings::expiry_warnings,
};

/// A quickstart that is ready for a framework to serve it.
#[derive(Debug)]
pub struct Start {
    /// The service.
    pub demo: Demo,
    /// The socket to listen on, in non-blocking mode.
    pub listener: TcpListener,
    /// Tells when to stop.
    pub stop: Stop,
    /// The database, to close after the stop.
    pub database: OpenDatabase,
    ready_made: ReadyMadeKey,
    sends_mails: bool,
    redis: Option<RedisUrl>,
}

impl Start {
    /// Reads the environment, opens the database, creates the ready-made key and starts the
    /// maintenance. `framework` is part of the name of the key.
    ///
    /// # Errors
    ///
    /// Returns an error if a setting is not supported, or if the port or the database cannot be used.
    pub async fn new(framework: &str) -> Result<Self, Box<dyn Error>> {
        let config = Config::from_env()?;
        let stop = Stop::on_signal()?;
        // Tokio's listener has a longer queue of connections than that of `std`.
        let address = (Ipv4Addr::LOCALHOST, config.port);
        let listener = tokio::net::TcpListener::bind(address).await?.into_std()?;
        let warnings = expiry_warnings(&config, listener.local_addr()?)?;
        let limiter = match &config.redis {
            // A wrong URL is found now, and not with the first request.
            Some(url) => Some(RedisLimiter::connect(url.expose()).await.map_err(DemoError::Redis)?),
            None => None,
        };
        let database = OpenDatabase::open(&config.database).await?;
        let (demo, maintenance) =
            Demo::open(database.store(), config.admin_token.as_deref(), warnings, config.cache, limiter)
                .await?;
        tokio::spawn(maintenance.run());
        let ready_made = demo.ready_made_key(framework).await?;
        let sends_mails = config.smtp_url.is_some();
        Ok(Self { demo, listener, stop, database, ready_made, sends_mails, redis: config.redis })
    }

    /// Returns the lines to print when the service is ready. Nothing else shows the secret of the
    /// ready-made key and the admin token.
    ///
    /// # Errors
    ///
    /// Returns an error if the listener has no address.
    pub fn lines(&self) -> io::Result<String> {
        let address: SocketAddr = self.listener.local_addr()?;
        let limits = match &self.redis {
            Some(redis) => format!("rate limits are counted in {}, for all instances", redis.place()),
            None => "rate limits are counted in this process".to_owned(),
        };
        Ok(format!(
            "keys are kept in {}\nlistening on http://{address}\n\
             log in as an administrator of org_demo: {}\n{}\n\
             e-mails to administrators before a key expires are {}\n{limits}",
            self.database.place,
            self.demo.admin_link(address),
            self.ready_made.lines(address),
            if self.sends_mails { "sent to the mail server of SMTP_URL" } else { "printed here" }
        ))
    }
}

/// Tells when the process is asked to stop. Cloning is cheap.
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

    /// Resolves when the process is asked to stop.
    pub async fn requested(mut self) {
        // An error means that the runtime has dropped the sender, which is a stop too.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
