//! API keys in front of any tower service: a layer, and extractors for axum.

mod body;
mod caller;
#[cfg(feature = "axum")]
mod extract;
mod future;
mod guard;
mod layer;
mod peer;
mod service;

#[doc(no_inline)]
pub use apikeys_core;

pub use body::ResponseBody;
pub use caller::Caller;
#[cfg(feature = "axum")]
pub use extract::CallerRejection;
pub use future::ResponseFuture;
pub use layer::ApiKeyLayer;
pub use peer::PeerAddr;
pub use service::ApiKeyService;
