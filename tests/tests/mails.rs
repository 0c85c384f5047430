//! The mails that the quickstarts send or print before a key expires.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::time::{Duration, SystemTime};

use apikeys_core::Timestamp;
use apikeys_test_smtp::{MailServer, Settings};
use apikeys_tests::{Artifacts, Quickstart, Request, on_each_framework};
use serde_json::{Value, json};

const API: &str = "/settings/developer/api";

/// Starts a quickstart that warns ten seconds before a key expires.
async fn quickstart(artifacts: &Artifacts, framework: &str, environment: &[(&str, &str)]) -> Quickstart {
    let ours = [
        ("DATABASE_URL", "memory:"),
        ("ADMIN_TOKEN", "open"),
        ("EXPIRY_WARNING", "10s"),
        ("RUST_LOG", "trace"),
    ];
    Quickstart::start_with(artifacts, framework, "quickstart", &[&ours[..], environment].concat()).await
}

fn as_admin(request: Request) -> Request {
    request.line("X-Demo-Admin", "open").line("X-Demo-Org", "org_demo")
}

/// Creates a key that expires in 11 seconds, and returns it.
async fn key_that_expires_soon(artifacts: &Artifacts, service: &Quickstart, name: &str) -> Value {
    let end = Timestamp::from(SystemTime::now()).saturating_add(Duration::from_secs(11));
    let body = json!({"name": name, "expires_at": end.to_string()});
    let response = service.send(&as_admin(Request::post(format!("{API}/keys"), "")).json(&body)).await;
    assert_eq!(response.status, 201, "{}", response.text());
    let created: Value = serde_json::from_str(response.text()).unwrap();
    artifacts.note_secret(created["key"]["prefix"].as_str().unwrap(), created["secret"].as_str().unwrap());
    created["key"].clone()
}

/// Waits for the event that records the warning.
async fn warned_event(service: &Quickstart) -> Value {
    for _ in 0..1_000 {
        let request = Request::get(format!("{API}/audit?action=key.expiry_warned"));
        let response = service.send(&as_admin(request)).await;
        assert_eq!(response.status, 200, "{}", response.text());
        let log: Value = serde_json::from_str(response.text()).unwrap();
        if let [event] = log["events"].as_array().unwrap().as_slice() {
            return event.clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the warning is not recorded");
}

async fn mail_is_sent_once_to_the_mail_server_and_recorded_before_the_key_expires(framework: &str) {
    let artifacts = Artifacts::new(&format!("mail-sent-{framework}"));
    let server = MailServer::start(&Settings::default());
    let service = quickstart(&artifacts, framework, &[("SMTP_URL", &server.url())]).await;
    let key = key_that_expires_soon(&artifacts, &service, "\"><script> =?utf-8?q?x?=").await;
    let event = warned_event(&service).await;
    assert_eq!(event["key"]["id"], key["id"]);
    assert_eq!(event["actor"], "system");
    let expires_at: Timestamp = key["expires_at"].as_str().unwrap().parse().unwrap();
    let warned_at: Timestamp = event["at"].as_str().unwrap().parse().unwrap();
    assert!(warned_at < expires_at, "{warned_at} {expires_at}");
    // The time in which the engine would send the mail again, if it did.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let address = service.address;
    assert!(service.stop().await.success());

    let mails = server.stop();
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    artifacts.leave("mail.txt", &format!("{}\n{}\n{}", mail.raw, mail.text(), mail.html()));
    assert_eq!(mail.accepted_recipients, ["admin@org-demo.example"]);
    assert!(mail.header("Subject").starts_with("API key \"\"><script> =?utf-8?q?x?=\" expires in "));
    let id = key["id"].as_str().unwrap();
    assert_eq!(mail.header("Message-ID"), format!("<{id}.{}.10000000@demo.example>", expires_at.as_micros()));
    let link = format!("\nhttp://{address}/settings/developer#key/{id}\n");
    assert!(mail.text().contains(&link), "{}", mail.text());
    assert!(mail.text().contains(key["prefix"].as_str().unwrap()), "{}", mail.text());
}

async fn mail_is_printed_without_a_mail_server(framework: &str) {
    let artifacts = Artifacts::new(&format!("mail-printed-{framework}"));
    let mut service = quickstart(&artifacts, framework, &[]).await;
    let key = key_that_expires_soon(&artifacts, &service, "Nightly build").await;
    let told = service.printed_line("e-mails to administrators").await;
    assert_eq!(told, "e-mails to administrators before a key expires are printed here");
    service.printed_line("mail to admin@org-demo.example").await;
    let subject = service.printed_line("Subject: ").await;
    assert!(subject.starts_with("Subject: API key \"Nightly build\" expires in "), "{subject}");
    let link = service.printed_line("http://").await;
    let page = format!("http://{}/settings/developer#key/{}", service.address, key["id"].as_str().unwrap());
    assert_eq!(link, page);
    assert!(service.stop().await.success());
}

async fn mail_that_the_server_refuses_for_now_is_sent_later(framework: &str) {
    let artifacts = Artifacts::new(&format!("mail-later-{framework}"));
    let server = MailServer::start(&Settings { refuse_first: 2, ..Settings::default() });
    let service = quickstart(&artifacts, framework, &[("SMTP_URL", &server.url())]).await;
    key_that_expires_soon(&artifacts, &service, "CI").await;
    let _ = warned_event(&service).await;
    assert!(service.stop().await.success());
    assert_eq!(server.stop().len(), 1);
    let log = std::fs::read_to_string(artifacts.path("quickstart-stderr.log")).unwrap();
    assert!(log.contains("expiry warning not sent") && log.contains("451 4.3.0 Try again later"), "{log}");
}

on_each_framework![
    mail_is_sent_once_to_the_mail_server_and_recorded_before_the_key_expires,
    mail_is_printed_without_a_mail_server,
    mail_that_the_server_refuses_for_now_is_sent_later,
];
