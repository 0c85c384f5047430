//! API keys in front of any tower service: a layer, and extractors for axum.
//!
//! [`ApiKeyLayer`] protects the routes that need a key. It takes the key out of a request, verifies it
//! with [`ApiKeys`], and either passes the request on with its [`Caller`] or answers it. Each request
//! with a real key is recorded on its organization's audit log. The rules are those of
//! [`apikeys_core`]; this crate translates them to the types of the `http` crate.
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
//! let keys = ApiKeys::in_memory(); // a service uses a store and spawns the maintenance
//! let app = Router::new()
//!     .route("/v1/whoami", get(whoami))
//!     .route_layer(ApiKeyLayer::new(keys.clone()))
//!     .route("/healthz", get(|| async { "ok" })); // after the layer: needs no key
//!
//! // An organization on a plan with API access creates a key …
//! let (org, ann) = (OrgId::new("org_1")?, Actor::new("ann")?);
//! keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("starter")?).await?;
//! let created = keys.manage(&org, &ann).create(NewKey::new("CI")?).await?;
//!
//! // … and sends it with a request.
//! let request = Request::get("/v1/whoami")
//!     .header("authorization", format!("Bearer {}", created.secret.expose()))
//!     .body(Body::empty())?;
//! let response = app.clone().oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.headers()["ratelimit"], r#""per-key";r=59;t=60"#);
//!
//! // A request without a key is refused.
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
//! The maintenance runs as a task beside the server. When the server has stopped, the shutdown writes
//! the rest of the audit log.
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use apikeys_tower::{ApiKeyLayer, ApiKeys, Caller, MemoryStore};
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
//! # Requests and responses
//!
//! The [guide of the core](apikeys_core::guide#which-requests-pass) lists which requests pass, how the
//! others are answered, and what is recorded. In terms of tower:
//!
//! * An admitted request has its [`Caller`] among its extensions. A `Caller` that another layer put
//!   there is removed, because only the verdict of this layer counts. Do not nest two layers: the inner
//!   one finds no credential, or counts the request a second time.
//! * A denial is an `Ok` response, with the [`Denial`] among its extensions. Layers around this one
//!   treat it like any other response: put CORS outside, so that browsers can read denials and
//!   preflights need no key. Errors of the inner service pass through.
//! * A request is recorded as aborted if its future is dropped before the response's head is ready, or
//!   if the inner service panics or fails with an error.
//! * The client's address is the peer's, see [`PeerAddr`], unless
//!   [`trusted_hops`](ApiKeyLayer::trusted_hops) is set. The path is that of the URI; with feature
//!   `axum` it is the whole path, also in a nested router.
//!
//! # Layers in axum
//!
//! `Router::route_layer` protects the routes that were added before it, and unknown paths stay a 404.
//! `Router::layer` also protects the fallback, so that unknown paths are answered with 401. Routes that
//! are added afterwards need no key. Of several `.layer` calls the last is the outermost. In a
//! `ServiceBuilder` the first is.
//!
//! # Features
//!
//! `axum` (on by default): [`Caller`] and `Option<Caller>` are extractors, the peer's address is taken
//! from `ConnectInfo<SocketAddr>`, and the path from `OriginalUri`. For plain tower, set
//! `default-features = false`.
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
    http::{DenialRenderer, ManageErrorCode, PlainResponse, Problem, Rendered, Sources, Wording},
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
