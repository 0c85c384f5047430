use std::{fmt, time::Duration};

#[cfg(feature = "sentinel")]
use redis::IntoConnectionInfo;
#[cfg(feature = "sentinel")]
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, Pipeline, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
#[cfg(feature = "cluster")]
use redis::{cluster::ClusterClient, cluster_async::ClusterConnection};
#[cfg(feature = "sentinel")]
use tokio::sync::Mutex;

/// The longest time that one attempt to connect may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

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

impl Connector {
    pub(crate) fn server(url: &str) -> RedisResult<Self> {
        Ok(Self::Server(Client::open(url)?))
    }

    #[cfg(feature = "cluster")]
    pub(crate) fn cluster(urls: Vec<String>) -> RedisResult<Self> {
        // A request that waited for a retry would be too late.
        let client = ClusterClient::builder(urls)
            .retries(1)
            .connection_timeout(CONNECT_TIMEOUT)
            .response_timeout(CONNECT_TIMEOUT)
            .build()?;
        Ok(Self::Cluster(client))
    }

    #[cfg(feature = "sentinel")]
    pub(crate) fn sentinel(sentinels: Vec<String>, master: String, server: &str) -> RedisResult<Self> {
        let info = server.into_connection_info()?;
        let node =
            SentinelNodeConnectionInfo::default().set_redis_connection_info(info.redis_settings().clone());
        let client = SentinelClient::build(sentinels, master, Some(node), SentinelServerType::Master)?;
        Ok(Self::Sentinel(Mutex::new(client)))
    }

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
