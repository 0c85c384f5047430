//! Servers that are away, slow, or end the connection.

use std::time::{Duration, Instant};

use apikeys_mail::apikeys_core::warning::Notifier;
use apikeys_test_leftovers::Artifacts;
use apikeys_test_smtp::{Cut, MailServer, Settings};
use tokio::net::TcpListener;

use crate::support::{failure, notifier, notifier_with, warning};

const SHORT: Duration = Duration::from_millis(500);

#[tokio::test]
async fn server_that_is_away_is_a_temporary_error_that_names_host_and_port() {
    let artifacts = Artifacts::new("away");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let notifier = notifier_with(&format!("smtp://127.0.0.1:{port}"), |server| server);
    let (temporary, text) = failure(&artifacts, &notifier, &warning(&["ann@example.com"])).await;
    assert!(temporary, "{text}");
    assert!(text.contains(&format!("no connection to the mail server 127.0.0.1:{port}")), "{text}");
    assert!(text.contains("refused"), "{text}");
}

#[tokio::test]
async fn unknown_host_is_a_temporary_error() {
    let artifacts = Artifacts::new("unknown-host");
    let notifier = notifier_with("smtp://mail.invalid:2525?tls=none", |server| server);
    let (temporary, text) = failure(&artifacts, &notifier, &warning(&["ann@example.com"])).await;
    assert!(temporary, "{text}");
    assert!(text.contains("no connection to the mail server mail.invalid:2525"), "{text}");
}

#[tokio::test]
async fn server_that_does_not_respond_is_a_temporary_error_after_the_time_limit() {
    let artifacts = Artifacts::new("hangs");
    for command in ["EHLO", "MAIL", "RCPT", "DATA", "content"] {
        let server =
            MailServer::start(&Settings { hangs_at: Some(command.to_owned()), ..Settings::default() });
        let notifier = notifier_with(&server.url(), |server| server.timeout(SHORT));
        let began = Instant::now();
        let (temporary, text) = failure(&artifacts, &notifier, &warning(&["ann@example.com"])).await;
        assert!(temporary, "{command}: {text}");
        assert!(text.contains("took longer than 500ms"), "{command}: {text}");
        // The limit is for all commands together. A slow machine may add some time.
        assert!((SHORT..20 * SHORT).contains(&began.elapsed()), "{command}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn server_without_a_greeting_is_a_temporary_error_after_the_time_limit() {
    let artifacts = Artifacts::new("no-greeting");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for scheme in ["smtp", "smtps"] {
        let url = format!("{scheme}://127.0.0.1:{port}");
        let notifier = notifier_with(&url, |server| server.timeout(SHORT));
        let (temporary, text) = failure(&artifacts, &notifier, &warning(&["ann@example.com"])).await;
        assert!(temporary, "{scheme}: {text}");
        assert!(text.contains("took longer than 500ms"), "{scheme}: {text}");
    }
}

#[tokio::test]
async fn slow_server_receives_the_mail() {
    let server = MailServer::start(&Settings { delay_ms: 300, ..Settings::default() });
    notifier(&server).notify(&warning(&["ann@example.com", "bob@example.com"])).await.unwrap();
    assert_eq!(server.stop().len(), 1);
}

#[tokio::test]
async fn connection_that_ends_within_the_mail_is_a_temporary_error_and_nothing_is_delivered() {
    let artifacts = Artifacts::new("cut-in-content");
    let server = MailServer::start(&Settings { cut: Cut::InTheContent, ..Settings::default() });
    let (temporary, text) = failure(&artifacts, &notifier(&server), &warning(&["ann@example.com"])).await;
    assert!(temporary, "{text}");
    assert!(text.contains("failed while the mail was being sent"), "{text}");
    assert_eq!(server.stop(), []);
}

#[tokio::test]
async fn mail_whose_acceptance_was_not_heard_is_sent_again_with_the_same_message_id() {
    let artifacts = Artifacts::new("cut-before-response");
    let warning = warning(&["ann@example.com"]);
    let server = MailServer::start(&Settings { cut: Cut::BeforeTheResponse, ..Settings::default() });
    let (temporary, text) = failure(&artifacts, &notifier(&server), &warning).await;
    assert!(temporary, "{text}");
    assert!(text.contains("failed while the mail was being sent"), "{text}");
    let first = server.stop();
    let server = MailServer::start(&Settings::default());
    notifier(&server).notify(&warning).await.unwrap();
    let second = server.stop();
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!(first[0].header("Message-ID"), second[0].header("Message-ID"));
}

#[tokio::test]
async fn attempt_that_the_engine_drops_leaves_the_notifier_usable() {
    let server = MailServer::start(&Settings { delay_ms: 100, ..Settings::default() });
    let (notifier, warning) = (notifier(&server), warning(&["ann@example.com"]));
    for millis in [1, 50, 150, 250, 350] {
        let attempt = tokio::time::timeout(Duration::from_millis(millis), notifier.notify(&warning)).await;
        assert!(attempt.is_err(), "the attempt was faster than the server");
    }
    notifier.notify(&warning).await.unwrap();
    assert_eq!(server.stop().len(), 1);
}

#[test]
fn notifier_works_in_the_runtime_of_actix() {
    let server = MailServer::start(&Settings::default());
    let notifier = notifier(&server);
    actix_web::rt::System::new().block_on(async {
        actix_web::rt::spawn(async move { notifier.notify(&warning(&["ann@example.com"])).await.unwrap() })
            .await
            .unwrap();
    });
    assert_eq!(server.stop().len(), 1);
}

#[test]
fn notifier_outside_of_tokio_returns_an_error_that_says_what_to_do() {
    let artifacts = Artifacts::new("no-runtime");
    let server = MailServer::start(&Settings::default());
    let (notifier, warning) = (notifier(&server), warning(&["ann@example.com"]));
    let (temporary, text) = pollster::block_on(failure(&artifacts, &notifier, &warning));
    assert!(temporary, "{text}");
    assert!(text.contains("run the maintenance with tokio::spawn"), "{text}");
}
