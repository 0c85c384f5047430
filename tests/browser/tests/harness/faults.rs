use std::panic::AssertUnwindSafe;

use apikeys_test_browser::run;
use apikeys_test_leftovers::Artifacts;
use futures_util::FutureExt;

use crate::site::Site;

/// Opens a page with this body, and returns the message of the panic with which the test of the page failed.
async fn failure(test: &str, body: &str, policy: Option<&'static str>) -> String {
    let artifacts = Artifacts::new(test);
    let site = Site::start(body, policy).await;
    let checked = run(&artifacts, &site.origin, async |browser| {
        browser.open("/").await;
        browser.until("document.body.dataset.done").await;
    });
    let panic = AssertUnwindSafe(checked).catch_unwind().await.expect_err("the page must fail its test");
    panic.downcast_ref::<String>().expect("a message").clone()
}

const DONE: &str = "document.body.dataset.done = 1;";

#[tokio::test]
async fn page_without_faults_passes() {
    let artifacts = Artifacts::new("page-without-faults");
    let site =
        Site::start("<script>fetch('/open').then(() => document.body.dataset.done = 1)</script>", None).await;
    run(&artifacts, &site.origin, async |browser| {
        browser.open("/").await;
        browser.until("document.body.dataset.done").await;
        assert_eq!(browser.faults().await, []);
    })
    .await;
}

#[tokio::test]
async fn error_in_the_console_fails_the_test() {
    let body = format!("<script>console.error('planted'); {DONE}</script>");
    let message = failure("console-error", &body, None).await;
    assert!(message.contains("console-api: ") && message.contains("planted"), "{message}");
}

#[tokio::test]
async fn warning_in_the_console_fails_the_test() {
    let body = format!("<script>console.warn('planted'); {DONE}</script>");
    let message = failure("console-warning", &body, None).await;
    assert!(message.contains("console-api: ") && message.contains("planted"), "{message}");
}

#[tokio::test]
async fn exception_that_no_code_handles_fails_the_test() {
    let body = format!("<script>setTimeout(() => {{ {DONE} throw new Error('planted') }})</script>");
    let message = failure("exception", &body, None).await;
    assert!(message.contains("javascript: ") && message.contains("Uncaught Error: planted"), "{message}");
}

#[tokio::test]
async fn rejected_promise_that_no_code_handles_fails_the_test() {
    let body =
        format!("<script>Promise.reject(new Error('planted')); setTimeout(() => {{ {DONE} }})</script>");
    let message = failure("rejection", &body, None).await;
    assert!(message.contains("Uncaught Error: planted"), "{message}");
}

#[tokio::test]
async fn inline_script_that_the_policy_blocks_fails_the_test() {
    let artifacts = Artifacts::new("inline-script");
    let site =
        Site::start("<script>document.title = 'planted'</script>", Some("default-src 'none'; img-src data:"))
            .await;
    let checked = run(&artifacts, &site.origin, async |browser| {
        browser.open("/").await;
        browser.until("document.title === 'A page'").await;
    });
    let panic = AssertUnwindSafe(checked).catch_unwind().await.expect_err("the page must fail its test");
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("security: ") && message.contains("Content Security Policy"), "{message}");
}

#[tokio::test]
async fn request_to_another_origin_fails_the_test() {
    let other = Site::start("", None).await;
    let body = format!("<script>fetch('{}/open').then(() => {{ {DONE} }})</script>", other.origin);
    let message = failure("other-origin", &body, None).await;
    assert_eq!(message, format!("the browser has seen a request to another origin: {}/open", other.origin));
}

#[tokio::test]
async fn request_that_the_policy_blocks_fails_the_test() {
    let body = "<img src='http://127.0.0.2/x.png' alt=''><script>onload = () => { document.body.dataset.done = 1 }</script>";
    let message =
        failure("blocked-image", body, Some("default-src 'none'; script-src 'unsafe-inline'")).await;
    assert!(message.contains("security: "), "{message}");
}

#[tokio::test]
async fn failed_response_fails_the_test_unless_it_is_expected() {
    let body = format!("<script>fetch('/missing').then(() => {{ {DONE} }})</script>");
    let message = failure("missing", &body, None).await;
    assert!(message.contains("network: ") && message.contains("status of 404"), "{message}");

    let artifacts = Artifacts::new("expected-missing");
    let site = Site::start(&body, None).await;
    run(&artifacts, &site.origin, async |browser| {
        browser.expect("status of 404");
        browser.open("/").await;
        browser.until("document.body.dataset.done").await;
    })
    .await;
}

#[tokio::test]
async fn expected_message_that_does_not_appear_fails_the_test() {
    let artifacts = Artifacts::new("expected-message");
    let site = Site::start("fine", None).await;
    let checked = run(&artifacts, &site.origin, async |browser| {
        browser.expect("status of 404");
        browser.open("/").await;
    });
    let panic = AssertUnwindSafe(checked).catch_unwind().await.expect_err("the message is missing");
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("no message with \"status of 404\""), "{message}");
}
