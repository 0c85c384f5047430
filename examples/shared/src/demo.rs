use std::{io, sync::Arc};

use apikeys_admin::{AdminApi, ErrorCode};
use apikeys_core::{
    Actor, ApiKeys, BuildError, KeyStore, Maintenance, ManageError, MemoryStore, NewKey, OrgId, PlanName,
    Secret, entropy::EntropyError, http::Headers, store::StoreError,
};
use apikeys_sqlx_store::SqliteStore;

use crate::{Answer, Config, Database, LOGIN_COOKIE, Login, PREFIX};

/// The demo's organizations, each on its plan.
const ORGANIZATIONS: [(&str, &str); 5] = [
    ("org_free", "free"),
    ("org_starter", "starter"),
    ("org_professional", "professional"),
    ("org_enterprise", "enterprise"),
    ("org_demo", "enterprise"),
];

/// A small service with some organizations, ready to be served by any framework. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The engine, to be given to the framework's layer.
    pub keys: ApiKeys,
    /// The management API, to be mounted at `/settings/developer`.
    pub api: AdminApi,
    /// Who may use it.
    pub login: Login,
}

/// The demo cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// No folder for the database.
    #[error("no temporary folder can be made")]
    Folder(#[source] io::Error),
    /// The database cannot be used.
    #[error("the database cannot be opened")]
    Store(#[source] StoreError),
    /// The engine cannot be built.
    #[error("the engine cannot be built")]
    Build(#[from] BuildError),
    /// No admin token can be made up.
    #[error("the demo's login cannot be set up")]
    Login(#[from] EntropyError),
    /// Organizations or the ready-made key cannot be set up.
    #[error("the demo's organizations and key cannot be set up")]
    Seed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Demo {
    /// Opens the database, builds the engine, and puts the organizations on their plans. Also
    /// says in words where keys are kept.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn open(config: &Config) -> Result<(Self, Maintenance, String), DemoError> {
        let (store, kept_in) = store(&config.database).await?;
        let (keys, maintenance) = ApiKeys::builder(store).prefix(PREFIX).build().await?;
        let demo = Self::new(keys, Login::new(config.admin_token.as_deref())?);
        demo.put_organizations_on_plans().await.map_err(DemoError::Seed)?;
        Ok((demo, maintenance, kept_in))
    }

    /// The demo's routes on an engine, without its organizations.
    #[must_use]
    pub fn new(keys: ApiKeys, login: Login) -> Self {
        let api = AdminApi::new(keys.clone()).login_cookie(LOGIN_COOKIE);
        Self { keys, api, login }
    }

    /// `PUT /demo/plan` with `{"plan": "…"}`: puts the organization of a program's login on a
    /// plan, in place of a real service's billing.
    pub async fn set_plan(&self, headers: &(impl Headers + ?Sized), body: &[u8]) -> Answer {
        let Some(admin) = self.login.program(headers) else {
            return Answer::problem(
                ErrorCode::AdminRequired,
                "Send X-Demo-Admin with the admin token, and X-Demo-Org.",
            );
        };
        let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else {
            return Answer::problem(ErrorCode::MalformedJson, "Send {\"plan\": \"…\"}.");
        };
        let unknown = || Answer::problem(ErrorCode::ValidationFailed, "There is no such plan.");
        let Some(plan) = body.get("plan").and_then(|plan| PlanName::new(plan.as_str()?).ok()) else {
            return unknown();
        };
        match self.keys.operator(admin.actor).set_plan(&admin.org, &plan).await {
            Ok(()) => Answer::empty(204),
            Err(ManageError::UnknownPlan(_)) => unknown(),
            Err(error) => {
                tracing::error!(%error, "a plan could not be changed");
                Answer::problem(ErrorCode::ManagementUnavailable, "Try again in a moment.")
            }
        }
    }

    /// The link that logs a browser in as an administrator of `org_demo`.
    #[must_use]
    pub fn admin_link(&self, address: impl std::fmt::Display) -> String {
        format!("http://{address}/login?token={}&org=org_demo", self.login.token())
    }

    async fn put_organizations_on_plans(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let operator = self.keys.operator(Actor::new("quickstart")?);
        for (org, plan) in ORGANIZATIONS {
            operator.set_plan(OrgId::new(org)?, PlanName::new(plan)?).await?;
        }
        Ok(())
    }

    /// Makes a key of `org_demo` called `Quickstart` and the framework's name, in place of the
    /// one that an earlier start made: its secret is known to nobody any more.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn ready_made_key(&self, framework: &str) -> Result<ReadyMadeKey, DemoError> {
        let name = format!("Quickstart {framework}");
        let secret = self.renew(&name).await.map_err(DemoError::Seed)?;
        Ok(ReadyMadeKey { name, secret })
    }

    async fn renew(&self, name: &str) -> Result<Secret, Box<dyn std::error::Error + Send + Sync>> {
        let manage = self.keys.manage(OrgId::new("org_demo")?, Actor::new("quickstart")?);
        let mut after = None;
        loop {
            let page = manage.list(100, after).await?;
            for key in page.items.iter().filter(|key| key.name().as_str() == name) {
                match manage.delete(key.id()).await {
                    // Another quickstart that starts on the same database was faster.
                    Ok(()) | Err(ManageError::NotFound) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(manage.create(NewKey::new(name)?).await?.secret)
    }
}

/// A key to try the demo with.
#[derive(Debug)]
pub struct ReadyMadeKey {
    name: String,
    secret: Secret,
}

impl ReadyMadeKey {
    /// What to print: who it belongs to, and the command that uses it.
    pub(crate) fn lines(&self, address: impl std::fmt::Display) -> String {
        let Self { name, secret } = self;
        let secret = secret.expose();
        format!(
            "a key of org_demo, called \"{name}\":\n  \
             curl -H 'Authorization: Bearer {secret}' http://{address}/v1/whoami"
        )
    }
}

async fn store(database: &Database) -> Result<(Arc<dyn KeyStore>, String), DemoError> {
    let url = match database {
        Database::Memory => return Ok((Arc::new(MemoryStore::new()), "memory, until this stops".to_owned())),
        Database::Sqlite(url) => url.clone(),
        Database::Temporary => {
            let folder = tempfile::Builder::new().prefix("apikeys-").tempdir().map_err(DemoError::Folder)?;
            format!("sqlite:{}", folder.keep().join("keys.db").display())
        }
    };
    let store = SqliteStore::connect(&url).await.map_err(DemoError::Store)?;
    Ok((Arc::new(store), url))
}
