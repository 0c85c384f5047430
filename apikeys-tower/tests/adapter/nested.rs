//! Tests of a layer inside another layer.

use apikeys_tower::{ApiKeyLayer, Caller};
use axum::{Router, extract::Request, routing::any};

use crate::support::{Host, HostExt as _, send};

async fn organization(request: Request) -> String {
    let caller = request.extensions().get::<Caller>();
    caller.map_or_else(|| "no caller".to_owned(), |caller| caller.org().to_string())
}

fn app(layer: ApiKeyLayer) -> Router {
    Router::new().route("/", any(organization)).route_layer(layer)
}

/// The two layers verify the keys of different services.
#[tokio::test]
async fn inner_layer_ignores_the_caller_of_the_outer_layer() {
    let (outer, inner) = (Host::new().await, Host::new().await);
    let optional = app(inner.layer().optional()).layer(outer.layer());
    assert_eq!(send(optional, outer.get("/")).await.body, "no caller");
    let strict = app(inner.layer()).layer(outer.layer());
    assert_eq!(send(strict, outer.get("/")).await.code(), "MISSING_API_KEY");
    let kept = app(inner.layer()).layer(outer.layer().keep_credential());
    assert_eq!(send(kept, outer.get("/")).await.code(), "INVALID_API_KEY");
}
