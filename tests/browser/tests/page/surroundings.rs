use std::net::Ipv4Addr;

use actix_web::web;
use apikeys_actix::ApiKeyMiddleware;
use apikeys_core::{Actor, ApiKeys, OrgId, PlanName};
use apikeys_example_shared::{Demo, Login};
use apikeys_test_browser::run;
use apikeys_test_leftovers::Artifacts;
use apikeys_tests::{InProcess, contract::MOUNT, on_each_framework};
use axum::{
    Router,
    body::to_bytes,
    middleware::map_response,
    response::{Html, Response},
    routing::get,
};
use tokio::net::TcpListener;

use crate::scene::{LOG, scene};

on_each_framework![page_works_under_a_path_prefix, page_cannot_be_framed];

/// A demo in memory, whose organization `org_starter` is on the plan of this name.
pub(crate) async fn starter() -> Demo {
    let demo = Demo::new(ApiKeys::in_memory(), Login::new(Some("open")).unwrap());
    let operator = demo.keys.operator(Actor::new("test").unwrap());
    operator.set_plan(OrgId::new("org_starter").unwrap(), PlanName::new("starter").unwrap()).await.unwrap();
    demo
}

async fn page_works_under_a_path_prefix(framework: &'static str) {
    let artifacts = Artifacts::with_log(&format!("page-prefix-{framework}"), LOG);
    let demo = starter().await;
    let service = match framework {
        "axum" => InProcess::axum(Router::new().nest("/a/b", apikeys_example_axum::router(&demo))).await,
        _ => {
            let keys = ApiKeyMiddleware::new(demo.keys.clone());
            let routes = move |app: &mut web::ServiceConfig| apikeys_example_actix::routes(app, &demo, &keys);
            InProcess::actix(move |app| {
                app.service(web::scope("/a/b").configure(routes.clone()));
            })
        }
    };
    run(&artifacts, &format!("http://{}", service.address), async |browser| {
        // The login of the demo leads to the page without the prefix.
        browser.expect("status of 404");
        browser.open("/a/b/login?token=open&org=org_starter").await;
        browser.open("/a/b/settings/developer").await;
        browser.select("#keys-view:not([aria-busy])").await;
        browser.select("#create").await.click().await;
        browser.find("dialog", "Create API key").await.find("button", "Cancel").await;
    })
    .await;
}

/// The folder of the files of another version.
const OTHER_FOLDER: &str = "assets/00000000000000000000/";

/// Replaces the folder in the HTML of the page, as if an instance of another version had sent the page.
async fn as_another_version(response: Response) -> Response {
    if response.headers().get("content-type").is_none_or(|kind| kind != "text/html; charset=utf-8") {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let html = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().into()).unwrap();
    let folder = html.split("assets/").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let html = html.replace(&format!("assets/{folder}/"), OTHER_FOLDER);
    head.headers.remove("content-length");
    Response::from_parts(head, html.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn page_of_another_version_is_usable_while_the_service_is_updated() {
    let artifacts = Artifacts::with_log("page-other-version", LOG);
    let demo = starter().await;
    let app = apikeys_example_axum::router(&demo).layer(map_response(as_another_version));
    let service = InProcess::axum(app).await;
    run(&artifacts, &format!("http://{}", service.address), async |browser| {
        browser.open("/login?token=open&org=org_starter").await;
        browser.select("#keys-view:not([aria-busy])").await;
        browser.select("#create").await.click().await;
        browser.find("dialog", "Create API key").await.find("button", "Cancel").await;
        let files = "return performance.getEntriesByType('resource').map((entry) => entry.name).filter((url) => /assets/.test(url))";
        let files = browser.script(files, Vec::new()).await;
        let files: Vec<String> = serde_json::from_value(files).unwrap();
        assert!(files.len() > 10 && files.iter().all(|url| url.contains(OTHER_FOLDER)), "{files:?}");
    })
    .await;
}

async fn page_cannot_be_framed(framework: &'static str) {
    scene(framework, "page-framed", "org_starter", async |page| {
        let body = format!(
            "<!doctype html><link rel=icon href=data:,><iframe src='{}{MOUNT}'></iframe>",
            page.front.origin
        );
        let app = Router::new().route("/", get(async || Html(body)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        page.browser.expect("frame-ancestors");
        page.browser.open_elsewhere(&url).await;
        serving.abort();
    })
    .await;
}
