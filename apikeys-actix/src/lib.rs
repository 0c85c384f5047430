//! API keys in front of any actix-web service: middleware and extractors.
//!
//! [`ApiKeyMiddleware`] stands before the routes that need a key. It takes the key out of the
//! request, has it verified by [`ApiKeys`](apikeys_core::ApiKeys), and either passes the request
//! on, with a [`Caller`] that says who calls, or answers it. Whatever becomes of a request with a
//! real key is on its organization's audit log. All rules are those of [`apikeys_core`], which is
//! re-exported here; this crate translates them to actix's types.
//!
//! ```
//! use actix_web::{App, test, web};
//! use apikeys_actix::{
//!     ApiKeyMiddleware, Caller,
//!     apikeys_core::{Actor, ApiKeys, NewKey, OrgId, PlanName},
//! };
//!
//! async fn whoami(caller: Caller) -> String {
//!     format!("{} with the key {}", caller.org(), caller.key_name())
//! }
//!
//! # #[actix_web::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = ApiKeys::in_memory(); // a service has a store, and spawns the maintenance
//! let protected = ApiKeyMiddleware::new(keys.clone());
//! let app = App::new()
//!     .service(web::scope("/v1").wrap(protected).route("/whoami", web::get().to(whoami)))
//!     .route("/healthz", web::get().to(async || "ok")); // not in the scope: open to all
//! let app = test::init_service(app).await;
//!
//! // Somebody on a plan with API access creates a key …
//! let (org, ann) = (OrgId::new("org_1")?, Actor::new("ann")?);
//! keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("starter")?).await?;
//! let created = keys.manage(org, ann).create(NewKey::new("CI")?).await?;
//!
//! // … and calls with it.
//! let request = test::TestRequest::get()
//!     .uri("/v1/whoami")
//!     .insert_header(("authorization", format!("Bearer {}", created.secret.expose())));
//! let response = test::call_service(&app, request.to_request()).await;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.headers().get("ratelimit").unwrap(), r#""per-key";r=59;t=60"#);
//!
//! // Nobody else gets in.
//! let request = test::TestRequest::get().uri("/v1/whoami");
//! let response = test::call_service(&app, request.to_request()).await;
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.headers().get("www-authenticate").unwrap(), r#"Bearer realm="api""#);
//! # Ok(())
//! # }
//! ```
//!
//! For a service that is there already, with a pool, CORS and errors of its own, see the [guide].
//!
//! # A service from start to stop
//!
//! The maintenance runs beside the server, on the thread of `main`: see [`spawn`]. actix stops at
//! SIGTERM and Ctrl-C, after the requests under way;
//! then the shutdown writes what is not yet recorded.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use apikeys_actix::{ApiKeyMiddleware, Caller, apikeys_core::{ApiKeys, MemoryStore}};
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
//! # What is let through
//!
//! The first that applies:
//!
//! 1. More than one credential (two header lines, a list, two enabled sources): 400, and nobody
//!    is asked anything.
//! 2. No credential: 401. Under [`optional`](ApiKeyMiddleware::optional) the request passes,
//!    without a [`Caller`].
//! 3. A text that cannot be a key: 401, and the store is not asked.
//! 4. A key that cannot be checked, because the store is away: 503, never a pass.
//! 5. A key that is unknown, deleted, deactivated or expired: 401.
//! 6. A key of an organization whose plan has no API access: 403.
//! 7. More requests than the audit log can take: 503.
//! 8. A key whose rate limit is used up: 429, with `Retry-After`.
//! 9. Everything else passes, with its `Caller` among the extensions and, unless
//!    [`keep_credential`](ApiKeyMiddleware::keep_credential) is set, without the headers that may
//!    carry a key. Its response gets the `RateLimit` and `RateLimit-Policy` headers.
//!
//! Keys are never taken from the query of the URL. A `Caller` that somebody else put into the
//! request is taken out first: only this middleware's own verdict counts. So do not wrap twice:
//! the inner one finds no credential, or counts the request a second time.
//!
//! # Denials are responses
//!
//! A denial is an `Ok` response with a body of `application/problem+json`, and the
//! [`Denial`](apikeys_core::Denial) among its extensions. Middleware around this one treats it as
//! any other: put CORS outside, so that browsers may read denials and preflights need no key. A
//! host with an envelope of its own sets a [`renderer`](ApiKeyMiddleware::renderer).
//!
//! # What is recorded
//!
//! A request that was let through is one event: with its status when the response's head is
//! ready, which is before the body is sent; as aborted when actix drops it before that, because
//! the handler panics, the server is stopped in a hurry, or the client is gone.
//!
//! actix does not always look whether it is. Over HTTP/1 a reset connection counts, one that the
//! client merely closes only with `HttpServer::h1_allow_half_closed(false)`. Otherwise, and over
//! HTTP/2, the handler runs to its end, and the event says what it answered.
//!
//! Errors are answers too, wherever actix turns them into a response: that of a handler on the
//! spot, that of middleware further in when it has come all the way out. Either is recorded with
//! the status that the client gets, and gets the rate limit headers; the latter passes through
//! and can still be told by its type.
//!
//! The client's address is that of the connection's peer, or counted over
//! [`trusted_hops`](ApiKeyMiddleware::trusted_hops). The path is that of the URI: the whole one,
//! also in a scope, unless middleware further out has rewritten it, as `NormalizePath` does.
//!
//! # The order of middleware
//!
//! Of several `wrap` calls the last one is the outermost: requests pass them from bottom to top.
//! So `.wrap(ApiKeyMiddleware::new(keys)).wrap(Cors::default())` asks CORS first.
//!
//! Around a resource, `wrap` protects its path, with all methods. Around a scope it protects all
//! paths below the scope's prefix, so that strangers get 401 also for those that do not exist, and
//! around the app all there are. The rest is open.
//!
//! No middleware further out may hold a clone of the `HttpRequest` while it calls the inner
//! service: actix then lets nobody change the request, and panics when its key is taken out.
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
    Actor, ApiKeys, CreatedKey, Denial, DenialCode, InvalidText, KeyId, KeyListing, KeyManager, KeyName,
    KeyPatch, KeyStore, Maintenance, ManageError, ManagedKey, ManualClock, MemoryStore, NewKey, Operator,
    OrgId, Plan, PlanName, Plans, Quota, QuotaUsage, RateLimit, RateStatus, Secret, Status, Timestamp,
    http::{DenialRenderer, ManageErrorCode, PlainResponse, Problem, Rendered, Sources, Wording},
};

pub use caller::Caller;
pub use extract::CallerRejection;
pub use middleware::ApiKeyMiddleware;
pub use response::to_response;
pub use service::ApiKeyService;
pub use spawn::spawn;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
