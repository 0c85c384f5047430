//! API keys for tower services: a layer that verifies the key of each request, and extractors for axum.
//!
//! [`ApiKeyLayer`] protects the routes that need a key. The layer reads the key from a request and verifies
//! the key with [`ApiKeys`]. If the key is valid, the layer passes the request on, together with its
//! [`Caller`]. Otherwise, the layer denies the request. Requests with a valid, expired or deactivated key are
//! recorded in the audit log of the key's organization. The rules are those of [`apikeys_core`], which also
//! defines the [terms](apikeys_core#terms).
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use apikeys_tower::{Actor, ApiKeyLayer, ApiKeys, Caller, NewKey, OrgId, PlanName};
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use tower::ServiceExt;
//!
//! async fn whoami(caller: Caller) -> String {
//!     format!("{} with the key {}", caller.org(), caller.key_name())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = ApiKeys::in_memory(); // the guide shows a database
//! let app = Router::new()
//!     .route("/v1/whoami", get(whoami))
//!     .route_layer(ApiKeyLayer::new(keys.clone()))
//!     .route("/healthz", get(|| async { "ok" })); // needs no key, because it is added after the layer
//!
//! // Put the organization on a plan with API access, and create a key.
//! let (org, ann) = (OrgId::new("org_1")?, Actor::new("ann")?);
//! keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("starter")?).await?;
//! let created = keys.manage(&org, &ann).create(NewKey::new("CI")?).await?;
//!
//! // Send the key with a request.
//! let request = Request::get("/v1/whoami")
//!     .header("authorization", format!("Bearer {}", created.secret.expose()))
//!     .body(Body::empty())?;
//! let response = app.clone().oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.headers()["ratelimit"], r#""per-key";r=59;t=60"#);
//!
//! // A request without a key is denied.
//! let response = app.oneshot(Request::get("/v1/whoami").body(Body::empty())?).await?;
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="api""#);
//! # Ok(())
//! # }
//! ```
//!
#![cfg_attr(feature = "axum", doc = "The [guide] adds API keys to an existing axum service.")]
//!
//! # A service from start to stop
//!
//! The maintenance is the background task that writes the audit log. When the server has stopped, `shutdown`
//! writes the rest of the audit log and ends the maintenance.
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use apikeys_tower::{ApiKeyLayer, ApiKeys, Caller, MemoryStore};
//! use axum::{Router, routing::get};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let stop = async {};
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
//! # Requests and responses
//!
//! The [guide of the core](apikeys_core::guide#which-requests-pass) lists which requests pass, which denials
//! other requests get, and what is recorded. In terms of tower:
//!
//! * A request with a valid key has a [`Caller`] among its extensions. The layer removes a `Caller` that is in
//!   the request already, because only the result of this layer counts.
//! * Do not put one `ApiKeyLayer` inside another. The outer layer removes the key from the request, and the
//!   inner layer denies the request. If [`keep_credential`](ApiKeyLayer::keep_credential) leaves the key in
//!   the request, the request is counted twice.
//! * A denied request gets a response, and not an `Err`. The extensions of the response contain the
//!   [`Denial`]. Layers that run before this layer treat this response like any other. Let a CORS layer run
//!   before this layer. Browsers can then read denials, and preflight requests need no key.
//! * Errors of the inner service pass through unchanged.
//! * A request is recorded as aborted if its future is dropped before the head of the response is ready, or if
//!   the inner service panics or returns an error.
//! * The client's address in the audit log is the address at the other end of the connection ([`PeerAddr`]),
//!   unless [`trusted_hops`](ApiKeyLayer::trusted_hops) is set.
//! * The path in the audit log is the path of the URI. With the feature `axum`, it is the whole path, even in a
//!   nested router.
//!
//! # Layers in axum
//!
//! `Router::route_layer` protects the routes that were added before it, and a request for an unknown path
//! gets 404. `Router::layer` also protects the router's fallback, so that a request without a key for an
//! unknown path gets 401. Routes that are added after the layer need no key.
//!
//! The layer that is added last with `.layer` runs first. In a `ServiceBuilder`, the layer that is added first
//! runs first.
//!
//! # Features
//!
//! * `axum` (on by default): [`Caller`] and `Option<Caller>` are extractors. The layer reads the client's
//!   address from `ConnectInfo<SocketAddr>`, and the path from `OriginalUri`. For tower without axum, set
//!   `default-features = false`.
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
    Actor, ApiKeys, CreatedKey, Denial, DenialCode, InvalidValue, KeyId, KeyListing, KeyManager, KeyName,
    KeyPatch, KeyStore, Maintenance, ManageError, ManagedKey, ManualClock, MemoryStore, NewKey, Operator,
    OrgId, Plan, PlanName, Plans, Quota, QuotaUsage, RateLimit, RateStatus, Secret, Status, Timestamp,
    http::{DenialRenderer, ManageErrorCode, PlainResponse, Problem, RenderedBody, Sources, Wording},
};

pub use body::ResponseBody;
pub use caller::Caller;
#[cfg(feature = "axum")]
pub use extract::CallerRejection;
pub use future::ResponseFuture;
pub use layer::ApiKeyLayer;
pub use peer::PeerAddr;
pub use response::response;
pub use service::ApiKeyService;

#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
mod readme {}
