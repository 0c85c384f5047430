//! API keys in front of any tower service: a layer, and extractors for axum.
//!
//! [`ApiKeyLayer`] stands before the routes that need a key. It takes the key out of the request,
//! has it verified by [`ApiKeys`](apikeys_core::ApiKeys), and either passes the request on, with a
//! [`Caller`] that says who calls, or answers it. Whatever becomes of a request with a real key is
//! on its organization's audit log. All rules are those of [`apikeys_core`], which is re-exported
//! here; this crate translates them to the `http` crate's types.
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use apikeys_tower::{
//!     ApiKeyLayer, Caller,
//!     apikeys_core::{Actor, ApiKeys, NewKey, OrgId, PlanName},
//! };
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use tower::ServiceExt;
//!
//! async fn whoami(caller: Caller) -> String {
//!     format!("{} with the key {}", caller.org(), caller.key_name())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = ApiKeys::in_memory(); // a service has a store, and spawns the maintenance
//! let app = Router::new()
//!     .route("/v1/whoami", get(whoami))
//!     .route_layer(ApiKeyLayer::new(keys.clone()))
//!     .route("/healthz", get(|| async { "ok" })); // below the layer: open to all
//!
//! // Somebody on a plan with API access creates a key …
//! let (org, ann) = (OrgId::new("org_1")?, Actor::new("ann")?);
//! keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("starter")?).await?;
//! let created = keys.manage(org, ann).create(NewKey::new("CI")?).await?;
//!
//! // … and calls with it.
//! let request = Request::get("/v1/whoami")
//!     .header("authorization", format!("Bearer {}", created.secret.expose()))
//!     .body(Body::empty())?;
//! let response = app.clone().oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.headers()["ratelimit"], r#""per-key";r=59;t=60"#);
//!
//! // Nobody else gets in.
//! let response = app.oneshot(Request::get("/v1/whoami").body(Body::empty())?).await?;
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="api""#);
//! # Ok(())
//! # }
//! ```
//!
#![cfg_attr(
    feature = "axum",
    doc = "For a service that is there already, with a pool, CORS and errors of its own, see the [guide]."
)]
//!
//! # A service from start to stop
//!
//! The maintenance runs beside the server. When that has stopped, after the requests under way,
//! the shutdown writes what is not yet recorded.
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use apikeys_tower::{ApiKeyLayer, Caller, apikeys_core::{ApiKeys, MemoryStore}};
//! use axum::{Router, routing::get};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let stop = async {}; // a service waits for SIGTERM and Ctrl-C
//! let (keys, maintenance) = ApiKeys::builder(MemoryStore::new()).build().await?;
//! tokio::spawn(maintenance.run());
//!
//! let app = Router::new()
//!     .route("/hello", get(async |caller: Caller| format!("hello, {}\n", caller.org())))
//!     .route_layer(ApiKeyLayer::new(keys.clone()));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! axum::serve(listener, app).with_graceful_shutdown(stop).await?;
//!
//! keys.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is let through
//!
//! The first that applies:
//!
//! 1. More than one credential (two header lines, a list, two enabled sources): 400, and nobody
//!    is asked anything.
//! 2. No credential: 401. Under [`optional`](ApiKeyLayer::optional) the request passes, without a
//!    [`Caller`].
//! 3. A text that cannot be a key: 401, and the store is not asked.
//! 4. A key that cannot be checked, because the store is away: 503, never a pass.
//! 5. A key that is unknown, deleted, deactivated or expired: 401.
//! 6. A key of an organization whose plan has no API access: 403.
//! 7. More requests than the audit log can take: 503.
//! 8. A key whose rate limit is used up: 429, with `Retry-After`.
//! 9. Everything else passes, with its `Caller` among the extensions and, unless
//!    [`keep_credential`](ApiKeyLayer::keep_credential) is set, without the headers that may carry
//!    a key. Its response gets the `RateLimit` and `RateLimit-Policy` headers.
//!
//! Keys are never taken from the query of the URL. A `Caller` that some other layer put into the
//! request is taken out first: only this layer's own verdict counts. So do not put one layer
//! inside another: the inner one finds no credential, or counts the request a second time.
//!
//! # Denials are responses
//!
//! A denial is an `Ok` response with a body of `application/problem+json`, and the
//! [`Denial`](apikeys_core::Denial) among its extensions. Layers around this one treat it as any
//! other: put CORS outside, so that browsers may read denials and preflights need no key. A host
//! with an envelope of its own sets a [`renderer`](ApiKeyLayer::renderer). Errors of the inner
//! service pass through.
//!
//! # What is recorded
//!
//! A request that was let through is one event: with its status when the response's head is
//! ready, which is before the body is sent; as aborted when the client leaves before, the handler
//! panics, or the inner service fails with an error. The client's address is the peer's, see
//! [`PeerAddr`], or counted over [`trusted_hops`](ApiKeyLayer::trusted_hops). The path is that of
//! the URI; with feature `axum` it is the whole one, also where a nest cut off its prefix.
//!
//! # Layers in axum
//!
//! `Router::route_layer` protects the routes added before it, and keeps an unknown path a 404.
//! `Router::layer` protects the fallback as well, so that strangers get 401 for every path.
//! Routes added after either are open. Of several `.layer` calls the last one is the outermost:
//! requests pass them from bottom to top. In a `ServiceBuilder` it is the other way round.
//!
//! # Features
//!
//! `axum`: [`Caller`] and `Option<Caller>` are extractors, the peer's address is taken from
//! `ConnectInfo<SocketAddr>`, and the path from `OriginalUri`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod caller;
#[cfg(feature = "axum")]
mod extract;
mod future;
mod guard;
#[cfg(all(doc, feature = "axum"))]
#[doc = include_str!("guide.md")]
pub mod guide {}
mod layer;
mod peer;
mod response;
mod service;

#[doc(no_inline)]
pub use apikeys_core;
#[doc(no_inline)]
pub use apikeys_core::{
    Actor, ApiKeys, CreatedKey, Denial, DenialCode, InvalidText, KeyId, KeyListing, KeyManager, KeyName,
    KeyPatch, KeyStore, Maintenance, ManageError, ManagedKey, ManualClock, MemoryStore, NewKey, Operator,
    OrgId, Plan, PlanName, Plans, Quota, QuotaUsage, RateLimit, RateStatus, Secret, Status, Timestamp,
    http::{DenialRenderer, ManageErrorCode, PlainResponse, Problem, Rendered, Sources, Wording},
};

pub use body::ResponseBody;
pub use caller::Caller;
#[cfg(feature = "axum")]
pub use extract::CallerRejection;
pub use future::ResponseFuture;
pub use layer::ApiKeyLayer;
pub use peer::PeerAddr;
pub use response::to_response;
pub use service::ApiKeyService;

#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
mod readme {}
