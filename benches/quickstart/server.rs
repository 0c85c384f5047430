use std::{
    env,
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    sync::Arc,
};

use apikeys_core::{Actor, ApiKeys, KeyStore, MemoryStore, NewKey, OrgId, PlanName, RateLimit};
use apikeys_example_axum::{api, protected as behind_keys};
use apikeys_example_shared::PREFIX;
use apikeys_sqlx_store::SqliteStore;
use axum::{Router, serve::ListenerExt};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
};

use crate::Result;

/// The number of keys. A key has at most 10,000 requests a minute, so the load is spread over many keys.
const KEYS: usize = 250;

/// The measured variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    WithoutKeys,
    InMemory,
    OnSqlite,
}

impl Variant {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::WithoutKeys => "without-keys",
            Self::InMemory => "in-memory",
            Self::OnSqlite => "on-sqlite",
        }
    }
}

/// A server in a separate process. Dropping the value kills the process.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// The secrets of the server's keys. The server without the layer ignores them.
    pub(crate) secrets: Vec<String>,
    _process: Child,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub(crate) async fn start(variant: Variant) -> Result<Self> {
        let mut process = Command::new(env::current_exe()?)
            .args(["serve", variant.as_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = process.stdout.take().ok_or("the server has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let address = lines.next_line().await?.ok_or("the server does not start")?.parse()?;
        let mut secrets = Vec::new();
        while secrets.len() < KEYS {
            secrets.push(lines.next_line().await?.ok_or("the server has too few keys")?);
        }
        Ok(Self { address, secrets, _process: process })
    }
}

/// Serves like the quickstart, and prints the address and the secrets of the keys.
pub(crate) async fn serve(variant: &str) -> Result<()> {
    // The folder of the database is kept as long as the server runs.
    let folder = TempDir::new()?;
    let store: Option<Arc<dyn KeyStore>> = match variant {
        "without-keys" => None,
        "in-memory" => Some(Arc::new(MemoryStore::new())),
        "on-sqlite" => {
            let url = format!("sqlite:{}", folder.path().join("keys.db").display());
            Some(Arc::new(SqliteStore::connect(&url).await?))
        }
        other => return Err(format!("there is no variant {other}").into()),
    };
    let (app, secrets) = match store {
        None => (api(), vec!["none".to_owned(); KEYS]),
        Some(store) => protected(store).await?,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?);
    for secret in secrets {
        println!("{secret}");
    }
    let listener = listener.tap_io(|stream| {
        // Without this option, the server only gets slower.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

async fn protected(store: Arc<dyn KeyStore>) -> Result<(Router, Vec<String>)> {
    let (keys, maintenance) = ApiKeys::builder(store).prefix(PREFIX).build().await?;
    tokio::spawn(maintenance.run());
    let org = OrgId::new("org_1")?;
    keys.operator(Actor::new("bench")?).set_plan(&org, PlanName::new("enterprise")?).await?;
    let manage = keys.manage(&org, Actor::new("bench")?);
    let mut secrets = Vec::new();
    for _ in 0..KEYS {
        let new = NewKey::new("bench")?.rate_limit(RateLimit::per_minute(10_000)?);
        secrets.push(manage.create(new).await?.secret.expose().to_owned());
    }
    Ok((behind_keys(keys), secrets))
}
