use apikeys_mail::{SmtpServer, apikeys_core::warning::Notifier};
use apikeys_test_leftovers::Artifacts;
use apikeys_test_smtp::{Encryption, MailServer, Settings};

use crate::{
    certificates::Certificates,
    support::{failure, notifier_with, warning},
};

fn trusting(certificates: &Certificates) -> impl FnOnce(SmtpServer) -> SmtpServer {
    |server| server.add_root_certificate(&certificates.authority).unwrap()
}

fn starttls(server: &MailServer, host: &str) -> String {
    format!("smtp://{host}:{}?tls=required", server.port)
}

fn implicit(server: &MailServer, host: &str) -> String {
    format!("smtps://{host}:{}", server.port)
}

#[tokio::test]
async fn mail_is_sent_over_starttls_to_a_server_with_a_trusted_certificate() {
    let artifacts = Artifacts::new("starttls");
    for host in ["localhost", "127.0.0.1"] {
        let certificates = Certificates::issue(&artifacts, host);
        let server = MailServer::start(&certificates.server(Encryption::StartTls));
        let notifier = notifier_with(&starttls(&server, host), trusting(&certificates));
        notifier.notify(&warning(&["ann@example.com"])).await.unwrap();
        assert!(server.next_mail().encrypted, "{host}");
    }
}

#[tokio::test]
async fn mail_is_sent_over_tls_to_a_server_with_a_trusted_certificate() {
    let artifacts = Artifacts::new("implicit-tls");
    let certificates = Certificates::issue(&artifacts, "localhost");
    let server = MailServer::start(&certificates.server(Encryption::Implicit));
    let notifier = notifier_with(&implicit(&server, "localhost"), trusting(&certificates));
    notifier.check_connection().await.unwrap();
    notifier.notify(&warning(&["ann@example.com"])).await.unwrap();
    assert!(server.next_mail().encrypted);
}

/// Checks that nothing is sent, and that the error is temporary and says why.
async fn refuses(
    artifacts: &Artifacts,
    server: MailServer,
    notifier: &apikeys_mail::SmtpNotifier,
    says: &[&str],
) {
    let (temporary, text) = failure(artifacts, notifier, &warning(&["ann@example.com"])).await;
    assert!(temporary, "{text}");
    for part in says {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(server.stop(), []);
}

#[tokio::test]
async fn certificate_of_an_unknown_authority_is_a_temporary_error() {
    let artifacts = Artifacts::new("unknown-authority");
    let certificates = Certificates::issue(&artifacts, "localhost");
    for tls in [Encryption::StartTls, Encryption::Implicit] {
        let server = MailServer::start(&certificates.server(tls));
        let url = if tls == Encryption::Implicit {
            implicit(&server, "localhost")
        } else {
            starttls(&server, "localhost")
        };
        let notifier = notifier_with(&url, |server| server);
        refuses(
            &artifacts,
            server,
            &notifier,
            &["check certificate, host and port", "invalid peer certificate: UnknownIssuer"],
        )
        .await;
    }
}

#[tokio::test]
async fn certificate_of_another_host_is_a_temporary_error() {
    let artifacts = Artifacts::new("other-host");
    let certificates = Certificates::issue(&artifacts, "mail.example.com");
    let server = MailServer::start(&certificates.server(Encryption::StartTls));
    let notifier = notifier_with(&starttls(&server, "localhost"), trusting(&certificates));
    refuses(&artifacts, server, &notifier, &["check certificate, host and port", "not valid for name"]).await;
}

#[tokio::test]
async fn expired_certificate_is_a_temporary_error() {
    let artifacts = Artifacts::new("expired-certificate");
    let certificates = Certificates::issue_with(&artifacts, "localhost", |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let server = MailServer::start(&certificates.server(Encryption::StartTls));
    let notifier = notifier_with(&starttls(&server, "localhost"), trusting(&certificates));
    refuses(&artifacts, server, &notifier, &["no TLS connection to the mail server localhost:", "expired"])
        .await;
}

#[tokio::test]
async fn server_without_starttls_receives_nothing_if_starttls_is_required() {
    let artifacts = Artifacts::new("no-starttls");
    let server = MailServer::start(&Settings::default());
    let notifier = notifier_with(&starttls(&server, "localhost"), |server| server);
    refuses(&artifacts, server, &notifier, &["does not offer STARTTLS", "?tls=none"]).await;
}

#[tokio::test]
async fn tls_to_a_port_that_does_not_expect_it_is_a_temporary_error() {
    let artifacts = Artifacts::new("tls-to-plain-port");
    let server = MailServer::start(&Settings::default());
    let notifier = notifier_with(&implicit(&server, "localhost"), |server| server);
    refuses(&artifacts, server, &notifier, &["smtps:// usually has port 465, STARTTLS port 587"]).await;
}

#[tokio::test]
async fn server_that_requires_starttls_refuses_a_plain_connection_for_now() {
    let artifacts = Artifacts::new("plain-to-starttls");
    let certificates = Certificates::issue(&artifacts, "localhost");
    let server = MailServer::start(&certificates.server(Encryption::StartTls));
    let notifier = notifier_with(&server.url(), |server| server);
    refuses(&artifacts, server, &notifier, &["530 Must issue a STARTTLS command first"]).await;
}

#[test]
fn certificate_that_cannot_be_read_is_an_error_of_the_settings() {
    let server = || SmtpServer::from_url("smtps://localhost").unwrap();
    let broken = b"-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n";
    for bad in [&b""[..], b"DER", broken] {
        let error = server().add_root_certificate(bad).unwrap_err();
        assert_eq!(error.setting(), "add_root_certificate", "{error}");
    }
}
