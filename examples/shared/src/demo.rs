use std::{io, sync::Arc};

use apikeys_admin::{AdminApi, Language, ManageErrorCode, PlainResponse, SettingsPage};
use apikeys_core::{
    Actor, ApiKeys, BuildError, KeyStore, Maintenance, ManageError, NewKey, OrgId, PlanName, Secret,
    entropy::EntropyError, http::Headers, store::StoreError, warning::ExpiryWarnings,
};
use apikeys_redis::{ConnectError, RedisLimiter};

use crate::{LOGIN_COOKIE, Login, PREFIX, answer};

/// The demo's organizations, each on its plan.
const ORGANIZATIONS: [(&str, &str); 5] = [
    ("org_free", "free"),
    ("org_starter", "starter"),
    ("org_professional", "professional"),
    ("org_enterprise", "enterprise"),
    ("org_demo", "enterprise"),
];

/// The parts of a small service that all frameworks share. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The engine, for the layer or middleware of the framework.
    pub keys: ApiKeys,
    /// The management API, which is mounted with [`page`](Self::page).
    pub api: AdminApi,
    /// The login of administrators.
    pub login: Login,
    language: Language,
}

/// The error returned when the demo cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The folder for the database cannot be created.
    #[error("the temporary folder cannot be created")]
    Folder(#[source] io::Error),
    /// The database cannot be opened.
    #[error("the database cannot be opened")]
    Store(#[source] StoreError),
    /// The Redis server cannot be reached, or cannot run the script of the limiter.
    #[error("REDIS_URL: the server cannot be used")]
    Redis(#[source] ConnectError),
    /// The engine cannot be built.
    #[error("the engine cannot be built")]
    Build(#[from] BuildError),
    /// The admin token cannot be generated.
    #[error("the demo's login cannot be set up")]
    Login(#[from] EntropyError),
    /// The organizations or the ready-made key cannot be set up.
    #[error("the demo's organizations and key cannot be set up")]
    Seed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Demo {
    /// Builds the engine on a store and puts the organizations on their plans.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails, or if the system has no randomness.
    pub async fn open(
        store: Arc<dyn KeyStore>,
        admin_token: Option<&str>,
        warnings: ExpiryWarnings,
        cache: bool,
        limiter: Option<RedisLimiter>,
    ) -> Result<(Self, Maintenance), DemoError> {
        let builder = ApiKeys::builder(store).prefix(PREFIX).expiry_warnings(warnings);
        let builder = if cache { builder } else { builder.without_cache() };
        let builder = match limiter {
            Some(limiter) => builder.limiter(limiter),
            None => builder,
        };
        let (keys, maintenance) = builder.build().await?;
        let demo = Self::new(keys, Login::new(admin_token)?);
        demo.put_organizations_on_plans().await.map_err(DemoError::Seed)?;
        Ok((demo, maintenance))
    }

    /// Creates a demo with an engine. No organization is on a plan yet.
    #[must_use]
    pub fn new(keys: ApiKeys, login: Login) -> Self {
        let api = AdminApi::new(keys.clone()).login_cookie(LOGIN_COOKIE);
        Self { keys, api, login, language: Language::default() }
    }

    /// Sets the language of the settings page. The default is English.
    #[must_use]
    pub fn language(mut self, language: Language) -> Self {
        self.language = language;
        self
    }

    /// Returns the settings page with the management API, to mount at `/settings/developer`.
    #[must_use]
    pub fn page(&self) -> SettingsPage {
        SettingsPage::new(self.api.clone()).service_url("/v1/whoami").language(self.language)
    }

    /// Responds to `PUT /demo/plan` with the body `{"plan": "…"}`: puts the organization of the login
    /// headers on a plan, as the billing of a real service would.
    pub async fn set_plan(&self, headers: &(impl Headers + ?Sized), body: &[u8]) -> PlainResponse {
        let Some(admin) = self.login.program(headers) else {
            return answer::problem(
                ManageErrorCode::AdminRequired,
                "Send X-Demo-Admin with the admin token, and X-Demo-Org.",
            );
        };
        let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else {
            return answer::problem(ManageErrorCode::MalformedJson, "Send {\"plan\": \"…\"}.");
        };
        let unknown = || answer::problem(ManageErrorCode::ValidationFailed, "Unknown plan.");
        let Some(plan) = body.get("plan").and_then(|plan| PlanName::new(plan.as_str()?).ok()) else {
            return unknown();
        };
        match self.keys.operator(admin.actor).set_plan(&admin.org, &plan).await {
            Ok(()) => answer::empty(204),
            Err(ManageError::UnknownPlan(_)) => unknown(),
            Err(error) => {
                tracing::error!(%error, "a plan could not be changed");
                answer::problem(ManageErrorCode::ManagementUnavailable, "Try again in a moment.")
            }
        }
    }

    /// Returns the link that logs a browser in as an administrator of `org_demo`.
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

    /// Creates a key of `org_demo` with the name `Quickstart` and the framework. The new key
    /// replaces the key of an earlier start, whose secret cannot be shown again.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
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
                    // Another quickstart on the same database may have deleted the key.
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
    /// The lines to print: the owner of the key, and a command that uses the key.
    pub(crate) fn lines(&self, address: impl std::fmt::Display) -> String {
        let Self { name, secret } = self;
        let secret = secret.expose();
        format!(
            "a key of org_demo, called \"{name}\":\n  \
             curl -H 'Authorization: Bearer {secret}' http://{address}/v1/whoami"
        )
    }
}
