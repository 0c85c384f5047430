//! API keys in front of any actix-web service: middleware and extractors.
//!
//! [`ApiKeyMiddleware`] protects the routes that need a key. It takes the key out of a request,
//! verifies it with [`ApiKeys`], and either passes the request on with its [`Caller`] or answers it.
//! Each request with a real key is recorded on its organization's audit log. The rules are those of
//! [`apikeys_core`]; this crate translates them to the types of actix.
//!
//! ```
//! use actix_web::{App, test, web};
//! use apikeys_actix::{Actor, ApiKeyMiddleware, ApiKeys, Caller, NewKey, OrgId, PlanName};
//!
//! async fn whoami(caller: Caller) -> String {
//!     format!("{} with the key {}", caller.org(), caller.key_name())
//! }
//!
//! # #[actix_web::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = ApiKeys::in_memory(); // a service uses a store and spawns the maintenance
//! let protected = ApiKeyMiddleware::new(keys.clone());
//! let app = App::new()
//!     .service(web::scope("/v1").wrap(protected).route("/whoami", web::get().to(whoami)))
//!     .route("/healthz", web::get().to(async || "ok")); // not in the scope: needs no key
//! let app = test::init_service(app).await;
//!
//! // An organization on a plan with API access creates a key …
//! let (org, ann) = (OrgId::new("org_1")?, Actor::new("ann")?);
//! keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("starter")?).await?;
//! let created = keys.manage(&org, &ann).create(NewKey::new("CI")?).await?;
//!
//! // … and sends it with a request.
//! let request = test::TestRequest::get()
//!     .uri("/v1/whoami")
//!     .insert_header(("authorization", format!("Bearer {}", created.secret.expose())));
//! let response = test::call_service(&app, request.to_request()).await;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.headers().get("ratelimit").unwrap(), r#""per-key";r=59;t=60"#);
//!
//! // A request without a key is refused.
//! let request = test::TestRequest::get().uri("/v1/whoami");
//! let response = test::call_service(&app, request.to_request()).await;
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.headers().get("www-authenticate").unwrap(), r#"Bearer realm="api""#);
//! # Ok(())
//! # }
//! ```
//!
//! The [guide] adds API keys to an existing actix-web service.
//!
//! # A service from start to stop
//!
//! The maintenance runs as a task beside the server, on the thread of `main`: see [`spawn`]. actix stops
//! at SIGTERM and Ctrl-C, after the requests under way. Then the shutdown writes the rest of the audit
//! log.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use apikeys_actix::{ApiKeyMiddleware, ApiKeys, Caller, MemoryStore};
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let (keys, maintenance) = ApiKeys::builder(MemoryStore::new()).build().await?;
//!     apikeys_actix::spawn(maintenance);
//!
//!     let middleware = ApiKeyMiddleware::new(keys.clone());
//!     let hello = async |caller: Caller| format!("hello, {}\n", caller.org());
//!     let app = move || App::new().service(web::resource("/hello").wrap(middleware.clone()).get(hello));
//!     HttpServer::new(app).bind(("127.0.0.1", 3000))?.run().await?;
//!
//!     keys.shutdown().await?;
//!     Ok(())
//! }
//! ```
//!
//! # Requests and responses
//!
//! The [guide of the core](apikeys_core::guide#which-requests-pass) lists which requests pass, how the
//! others are answered, and what is recorded. In terms of actix:
//!
//! * An admitted request has its [`Caller`] among its extensions. A `Caller` that other middleware put
//!   there is removed, because only the verdict of this middleware counts. Do not wrap twice: the inner
//!   middleware finds no credential, or counts the request a second time.
//! * A denial is an `Ok` response, with the [`Denial`] among its extensions. Middleware around this one
//!   treats it like any other response: put CORS outside, so that browsers can read denials and
//!   preflights need no key.
//! * Errors are recorded with the status of the response that actix makes of them, and that response
//!   gets the rate limit headers. Errors of inner middleware pass through, and their type is kept.
//! * A request is recorded as aborted if actix drops it before the response's head is ready: the handler
//!   panics, the server stops without waiting, or the client has left. Over HTTP/1 actix notices a reset
//!   connection, and a closed one only with `HttpServer::h1_allow_half_closed(false)`. Otherwise, and
//!   over HTTP/2, the handler runs to its end and the request is recorded as answered.
//! * The client's address is that of the connection's peer, unless
//!   [`trusted_hops`](ApiKeyMiddleware::trusted_hops) is set. The path is the whole path of the URI, also
//!   in a scope, unless outer middleware has rewritten it, as `NormalizePath` does.
//!
//! # The order of middleware
//!
//! Of several `wrap` calls the last is the outermost: `.wrap(ApiKeyMiddleware::new(keys))` before
//! `.wrap(Cors::default())` asks CORS first. Around a resource, `wrap` protects its path with all
//! methods; around a scope all paths below its prefix, so that unknown paths are answered with 401.
//!
//! Outer middleware must not keep a clone of the `HttpRequest` while it calls the inner service. actix
//! does not let a shared request be changed, and panics when the key is removed from it.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod caller;
mod extract;
mod guard;
#[cfg(doc)]
#[doc = include_str!("guide.md")]
pub mod guide {}
mod middleware;
mod peer;
mod response;
mod service;
mod spawn;

#[doc(no_inline)]
pub use apikeys_core;
#[doc(no_inline)]
pub use apikeys_core::{
    Actor, ApiKeys, CreatedKey, Denial, DenialCode, InvalidValue, KeyId, KeyListing, KeyManager, KeyName,
    KeyPatch, KeyStore, Maintenance, ManageError, ManagedKey, ManualClock, MemoryStore, NewKey, Operator,
    OrgId, Plan, PlanName, Plans, Quota, QuotaUsage, RateLimit, RateStatus, Secret, Status, Timestamp,
    http::{DenialRenderer, ManageErrorCode, PlainResponse, Problem, Rendered, Sources, Wording},
};

pub use caller::Caller;
pub use extract::CallerRejection;
pub use middleware::ApiKeyMiddleware;
pub use response::response;
pub use service::ApiKeyService;
pub use spawn::spawn;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
