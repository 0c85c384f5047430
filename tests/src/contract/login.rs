//! The login and the billing of the demo.

use serde_json::json;

use super::Service;
use crate::{Request, TOKEN, contract::org::assert_problem};

pub async fn browser_logs_in_with_a_cookie(service: &Service) {
    let enter = format!("/login?token={TOKEN}&org=org_starter");
    let response = service.send(&Request::get(enter)).await;
    assert_eq!((response.status, response.header("location")), (303, Some("/settings/developer")));
    let (cookie, attributes) = response.header("set-cookie").unwrap().split_once(';').unwrap();
    assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite=Lax"), "{attributes}");
    let keys = "/settings/developer/api/keys";
    let create = Request::new("POST", keys).line("Cookie", cookie).line("Sec-Fetch-Site", "same-origin");
    let created = service.send(&create.json(&json!({ "name": "by hand" }))).await;
    let created = super::Created::read(&created);
    assert_eq!(service.whoami(&created.secret).await.json()["org"], "org_starter");
    let list = service.send(&Request::get(keys).line("Cookie", format!("a=b; {cookie}"))).await;
    assert_eq!(list.json()["keys"], json!([created.key]));
    // The session decides about the organization, and the header is ignored.
    let elsewhere = Request::get(keys).line("Cookie", cookie).line("X-Demo-Org", "org_enterprise");
    assert_eq!(service.send(&elsewhere).await.json()["keys"], json!([created.key]));
    for forged in ["demo_session=org_starter", "demo_session=", &cookie[..cookie.len() - 1]] {
        assert_problem(
            &service.send(&Request::get(keys).line("Cookie", forged)).await,
            401,
            "ADMIN_REQUIRED",
        );
    }
}

pub async fn login_without_the_token_is_refused(service: &Service) {
    let (shorter, longer) = (&TOKEN[..TOKEN.len() - 1], format!("{TOKEN}x"));
    let of = |token: &str| format!("?token={token}&org=org_starter");
    for query in
        ["", "?org=org_starter", &of("wrong"), &of(shorter), &of(&longer), &format!("?token={TOKEN}")]
    {
        let response = service.send(&Request::get(format!("/login{query}"))).await;
        assert_problem(&response, 401, "ADMIN_REQUIRED");
        assert_eq!(response.header("set-cookie"), None);
    }
    for token in [shorter, &longer, ""] {
        let list = Request::get("/settings/developer/api/keys");
        let list = list.line("X-Demo-Admin", token).line("X-Demo-Org", "org_starter");
        assert_problem(&service.send(&list).await, 401, "ADMIN_REQUIRED");
    }
}

pub async fn plan_can_be_set_by_an_administrator_and_must_exist(service: &Service) {
    let put =
        |body: &str| Request::new("PUT", "/demo/plan").line("Content-Type", "application/json").body(body);
    let org = service.org("org_professional");
    for (body, status, code) in [
        (r#"{"plan":"platinum"}"#, 422, "VALIDATION_FAILED"),
        (r#"{"plan":7}"#, 422, "VALIDATION_FAILED"),
        ("{}", 422, "VALIDATION_FAILED"),
        ("{", 400, "MALFORMED_JSON"),
    ] {
        assert_problem(&service.send(&org.log_in(put(body))).await, status, code);
    }
    assert_problem(&service.send(&put(r#"{"plan":"free"}"#)).await, 401, "ADMIN_REQUIRED");
    let wrong =
        put(r#"{"plan":"free"}"#).line("X-Demo-Admin", "wrong").line("X-Demo-Org", "org_professional");
    assert_problem(&service.send(&wrong).await, 401, "ADMIN_REQUIRED");
    assert_eq!(org.get("/keys").await["quota"]["limit"], 10);
    org.set_plan("free").await;
    assert_eq!(org.get("/keys").await["quota"]["limit"], 0);
}
