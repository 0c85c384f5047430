use std::net::Ipv4Addr;

use axum::{Router, response::Html, routing::get};
use tokio::{net::TcpListener, task::JoinHandle};

/// A small site on a free port. Dropping the value stops the site.
pub(crate) struct Site {
    pub(crate) origin: String,
    serving: JoinHandle<()>,
}

impl Site {
    /// Serves one page with this body at `/`. With a policy, the page has the header `Content-Security-Policy`.
    pub(crate) async fn start(body: &str, policy: Option<&'static str>) -> Self {
        let page = format!(
            "<!doctype html><html lang=en><title>A page</title><link rel=icon href=data:,><main>{body}</main>"
        );
        let page = async move || {
            let headers = policy.map(|policy| [("content-security-policy", policy)]);
            (headers, Html(page))
        };
        // A script of another origin may read this answer.
        let open = async || ([("access-control-allow-origin", "*")], "open");
        Self::serve(Router::new().route("/", get(page)).route("/open", get(open))).await
    }

    async fn serve(router: Router) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { origin, serving }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
