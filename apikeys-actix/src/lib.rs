//! API keys for actix-web services: middleware that verifies the key of each request, and extractors.
//!
//! [`ApiKeyMiddleware`] protects the routes that need a key. The middleware reads the key from a request and
//! verifies the key with [`ApiKeys`]. If the key is valid, the middleware passes the request on, together
//! with its [`Caller`]. Otherwise, the middleware denies the request. Requests with a valid, expired or
//! deactivated key are recorded in the audit log of the key's organization. The rules are those of
//! [`apikeys_core`], which also defines the [terms](apikeys_core#terms).
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
//! let keys = ApiKeys::in_memory(); // the guide shows a database
//! let protected = ApiKeyMiddleware::new(keys.clone());
//! let app = App::new()
//!     .service(web::scope("/v1").wrap(protected).route("/whoami", web::get().to(whoami)))
//!     .route("/healthz", web::get().to(async || "ok")); // needs no key, because it is not in the scope
//! let app = test::init_service(app).await;
//!
//! // Put the organization on a plan with API access, and create a key.
//! let (org, ann) = (OrgId::new("org_1")?, Actor::new("ann")?);
//! keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("starter")?).await?;
//! let created = keys.manage(&org, &ann).create(NewKey::new("CI")?).await?;
//!
//! // Send the key with a request.
//! let request = test::TestRequest::get()
//!     .uri("/v1/whoami")
//!     .insert_header(("authorization", format!("Bearer {}", created.secret.expose())));
//! let response = test::call_service(&app, request.to_request()).await;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.headers().get("ratelimit").unwrap(), r#""per-key";r=59;t=60"#);
//!
//! // A request without a key is denied.
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
//! The maintenance is the background task that writes the audit log. [`spawn`] runs it on the thread of `main`.
//! At SIGTERM, actix-web waits for running requests and stops. At Ctrl-C, actix-web stops without waiting. Then
//! `shutdown` writes the rest of the audit log and ends the maintenance.
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
//! The [guide of the core](apikeys_core::guide#which-requests-pass) lists which requests pass, which denials
//! other requests get, and what is recorded. In terms of actix-web:
//!
//! * A request with a valid key has a [`Caller`] among its extensions. The middleware removes a `Caller` that
//!   is in the request already, because only the result of this middleware counts.
//! * Do not put one `ApiKeyMiddleware` inside another. The outer middleware removes the key from the request,
//!   and the inner middleware denies the request. If [`keep_credential`](ApiKeyMiddleware::keep_credential)
//!   leaves the key in the request, the request is counted twice.
//! * A denied request gets a response, and not an `Err`. The extensions of the response contain the
//!   [`Denial`]. Middleware that runs before this middleware treats this response like any other. Let CORS
//!   middleware run before this middleware. Browsers can then read denials, and preflight requests need no
//!   key.
//! * Errors of the inner service pass through, and their type is kept. An error is recorded with the status of
//!   the response that actix-web makes of it. That response has the rate limit headers.
//! * A request is recorded as aborted if actix-web drops it before the head of the response is ready, or if the
//!   handler panics. actix-web drops a request if the server stops without waiting, or if it notices that the
//!   client has left.
//! * Over HTTP/1, actix-web notices that a client has reset the connection. With
//!   `HttpServer::h1_allow_half_closed(false)`, actix-web also notices that a client has closed the
//!   connection. Over HTTP/2, it notices neither. If actix-web does not notice that the client has left, the
//!   handler runs to its end, and the request is recorded with the handler's status.
//! * The client's address in the audit log is the address at the other end of the connection, unless
//!   [`trusted_hops`](ApiKeyMiddleware::trusted_hops) is set.
//! * The path in the audit log is the whole path of the URI, even in a scope. If middleware that runs before
//!   this middleware has rewritten the path, as `NormalizePath` does, the audit log has the rewritten path.
//!
//! # The order of middleware
//!
//! On a scope, the middleware protects all paths below the scope's prefix, so that a request without a key
//! for an unknown path gets 401. On a resource, it protects the path of the resource for all methods.
//!
//! The middleware that is added last with `.wrap` runs first.
//!
//! Middleware that runs before the `ApiKeyMiddleware` must not keep a clone of the `HttpRequest` while it
//! calls the next service. actix-web panics when the `ApiKeyMiddleware` changes the headers of a cloned
//! request.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod caller;
mod extract;
mod future;
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
    http::{DenialRenderer, ManageErrorCode, PlainResponse, Problem, RenderedBody, Sources, Wording},
};

pub use caller::Caller;
pub use extract::CallerRejection;
pub use future::ResponseFuture;
pub use middleware::ApiKeyMiddleware;
pub use response::response;
pub use service::ApiKeyService;
pub use spawn::spawn;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
