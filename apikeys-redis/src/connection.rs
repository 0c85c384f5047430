use std::{fmt, time::Duration};

#[cfg(feature = "rustls")]
use redis::TlsCertificates;
#[cfg(feature = "sentinel")]
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, Pipeline, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
#[cfg(feature = "sentinel")]
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, TlsMode};
#[cfg(feature = "cluster")]
use redis::{cluster::ClusterClient, cluster_async::ClusterConnection};
#[cfg(feature = "sentinel")]
use tokio::sync::Mutex;

/// The longest time that one attempt to connect may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Where Redis is, and whom to trust.
pub(crate) struct Target {
    pub(crate) servers: Servers,
    /// The certificate of an authority in PEM, which is trusted instead of the usual ones.
    #[cfg(feature = "rustls")]
    pub(crate) root: Option<Vec<u8>>,
}

pub(crate) enum Servers {
    One(String),
    #[cfg(feature = "cluster")]
    Cluster(Vec<String>),
    #[cfg(feature = "sentinel")]
    Sentinel {
        sentinels: Vec<String>,
        primary: String,
        server: String,
    },
}

/// Connects to Redis.
pub(crate) enum Connector {
    Server(Client),
    #[cfg(feature = "cluster")]
    Cluster(ClusterClient),
    #[cfg(feature = "sentinel")]
    Sentinel(Mutex<SentinelClient>),
}

/// A connection that concurrent requests share. Cloning is cheap.
#[derive(Clone)]
pub(crate) enum Connection {
    Server(MultiplexedConnection),
    #[cfg(feature = "cluster")]
    Cluster(ClusterConnection),
}

impl Target {
    pub(crate) fn new(servers: Servers) -> Self {
        Self {
            servers,
            #[cfg(feature = "rustls")]
            root: None,
        }
    }

    /// Returns what connects. Does not connect yet.
    ///
    /// # Errors
    ///
    /// Returns an error if a URL or the certificate is invalid.
    pub(crate) fn connector(&self) -> RedisResult<Connector> {
        match &self.servers {
            Servers::One(url) => self.server(url).map(Connector::Server),
            #[cfg(feature = "cluster")]
            Servers::Cluster(urls) => self.cluster(urls).map(Connector::Cluster),
            #[cfg(feature = "sentinel")]
            Servers::Sentinel { sentinels, primary, server } => {
                let client = self.sentinel(sentinels, primary, server)?;
                Ok(Connector::Sentinel(Mutex::new(client)))
            }
        }
    }

    fn server(&self, url: &str) -> RedisResult<Client> {
        #[cfg(feature = "rustls")]
        if let Some(certificates) = self.certificates() {
            return Client::build_with_tls(url, certificates);
        }
        Client::open(url)
    }

    #[cfg(feature = "cluster")]
    fn cluster(&self, urls: &[String]) -> RedisResult<ClusterClient> {
        // A request that waited for a retry would be too late.
        let builder = ClusterClient::builder(urls.to_vec())
            .retries(1)
            .connection_timeout(CONNECT_TIMEOUT)
            .response_timeout(CONNECT_TIMEOUT);
        #[cfg(feature = "rustls")]
        let builder = match self.certificates() {
            Some(certificates) => builder.certs(certificates),
            None => builder,
        };
        builder.build()
    }

    #[cfg(feature = "sentinel")]
    fn sentinel(&self, sentinels: &[String], primary: &str, server: &str) -> RedisResult<SentinelClient> {
        let sentinels: Vec<ConnectionInfo> =
            sentinels.iter().map(|url| url.as_str().into_connection_info()).collect::<RedisResult<_>>()?;
        let server = server.into_connection_info()?;
        let addresses = sentinels.iter().map(|sentinel| sentinel.addr().clone());
        let mut builder = SentinelClientBuilder::new(addresses, primary, SentinelServerType::Master)?
            .set_client_to_redis_db(server.redis_settings().db())
            .set_client_to_redis_protocol(server.redis_settings().protocol());
        if let Some(name) = server.redis_settings().username() {
            builder = builder.set_client_to_redis_username(name);
        }
        if let Some(password) = server.redis_settings().password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(settings) = sentinels.first().map(ConnectionInfo::redis_settings) {
            if let Some(name) = settings.username() {
                builder = builder.set_client_to_sentinel_username(name);
            }
            if let Some(password) = settings.password() {
                builder = builder.set_client_to_sentinel_password(password);
            }
        }
        // Sentinel names only the host and port of the server.
        let uses_tls = |info: &ConnectionInfo| matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        if uses_tls(&server) {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
        }
        #[cfg(feature = "rustls")]
        if let Some(certificates) = self.certificates() {
            builder = builder.set_client_to_redis_certificates(certificates.clone());
            if sentinels.iter().any(uses_tls) {
                builder = builder.set_client_to_sentinel_certificates(certificates);
            }
        }
        builder.build()
    }

    /// Returns the certificates to trust, or `None` for the usual ones.
    #[cfg(feature = "rustls")]
    fn certificates(&self) -> Option<TlsCertificates> {
        self.root.clone().map(|root| TlsCertificates { client_tls: None, root_cert: Some(root) })
    }
}

impl fmt::Debug for Target {
    /// Writes the kind, and not the password in a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.servers {
            Servers::One(_) => "Server",
            #[cfg(feature = "cluster")]
            Servers::Cluster(_) => "Cluster",
            #[cfg(feature = "sentinel")]
            Servers::Sentinel { .. } => "Sentinel",
        })
    }
}

impl Connector {
    /// Opens a new connection. The caller limits the time.
    pub(crate) async fn connect(&self) -> RedisResult<Connection> {
        // The limiter has a timeout of its own for each command.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(None);
        match self {
            Self::Server(client) => {
                client.get_multiplexed_async_connection_with_config(&config).await.map(Connection::Server)
            }
            #[cfg(feature = "cluster")]
            Self::Cluster(client) => client.get_async_connection().await.map(Connection::Cluster),
            #[cfg(feature = "sentinel")]
            Self::Sentinel(client) => {
                let mut client = client.lock().await;
                client.get_async_connection_with_config(&config).await.map(Connection::Server)
            }
        }
    }
}

impl fmt::Debug for Connector {
    /// Writes the kind, and not the password in the URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server(_) => "Server",
            #[cfg(feature = "cluster")]
            Self::Cluster(_) => "Cluster",
            #[cfg(feature = "sentinel")]
            Self::Sentinel(_) => "Sentinel",
        })
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(connection) => connection.req_packed_command(command),
            #[cfg(feature = "cluster")]
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(connection) => connection.req_packed_commands(pipeline, offset, count),
            #[cfg(feature = "cluster")]
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(connection) => connection.get_db(),
            #[cfg(feature = "cluster")]
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}
