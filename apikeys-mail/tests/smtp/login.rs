use apikeys_mail::{SmtpServer, apikeys_core::warning::Notifier};
use apikeys_test_leftovers::{Artifacts, note_secret};
use apikeys_test_smtp::{Encryption, MailServer, Settings};

use crate::{
    certificates::Certificates,
    support::{failure, notifier_with, warning},
};

/// The search for leaked secrets looks for this password in the files of the tests.
const PASSWORD: &str = "smtp_0123Qw8Zr4TnV6Ym2Kd9Bs7Hx3Lf5JcPg";

fn server(change: impl FnOnce(Settings) -> Settings) -> MailServer {
    note_secret("smtp_0123", PASSWORD);
    let settings = Settings {
        login: Some(("keys@acme.example".to_owned(), PASSWORD.to_owned())),
        ..Settings::default()
    };
    MailServer::start(&change(settings))
}

fn logging_in(server: SmtpServer) -> SmtpServer {
    server.credentials("keys@acme.example", PASSWORD)
}

#[tokio::test]
async fn mail_is_sent_after_a_login_with_either_method() {
    for excluded in ["PLAIN", "LOGIN"] {
        let server = server(|settings| Settings { excluded_logins: vec![excluded.to_owned()], ..settings });
        let notifier = notifier_with(&server.url(), logging_in);
        notifier.check_connection().await.unwrap();
        notifier.notify(&warning(&["ann@example.com"])).await.unwrap();
        assert_eq!(server.next_mail().user.as_deref(), Some("keys@acme.example"));
    }
}

#[tokio::test]
async fn user_and_password_can_be_part_of_the_url() {
    let artifacts = Artifacts::new("login-in-url");
    let certificates = Certificates::issue(&artifacts, "localhost");
    let server =
        server(|settings| Settings { login: settings.login, ..certificates.server(Encryption::StartTls) });
    let url = format!("smtp://keys%40acme.example:{PASSWORD}@localhost:{}?tls=required", server.port);
    let notifier =
        notifier_with(&url, |server| server.add_root_certificate(&certificates.authority).unwrap());
    notifier.notify(&warning(&["ann@example.com"])).await.unwrap();
    let mail = server.next_mail();
    assert!(mail.encrypted);
    assert_eq!(mail.user.as_deref(), Some("keys@acme.example"));
}

#[tokio::test]
async fn wrong_password_is_a_temporary_error_that_names_the_login() {
    let artifacts = Artifacts::new("wrong-password");
    let server = server(|settings| settings);
    let notifier = notifier_with(&server.url(), |server| server.credentials("keys@acme.example", "wrong"));
    let (temporary, text) = failure(&artifacts, &notifier, &warning(&["ann@example.com"])).await;
    assert!(temporary, "{text}");
    assert!(text.contains("refused the login: check user name and password"), "{text}");
    assert!(text.contains("535 5.7.8 Authentication credentials invalid"), "{text}");
    let checked = notifier.check_connection().await.unwrap_err();
    assert!(checked.to_string().contains("refused the login"), "{checked}");
    assert_eq!(server.stop(), []);
}

#[tokio::test]
async fn missing_login_is_a_temporary_error_that_names_the_login() {
    let artifacts = Artifacts::new("missing-login");
    let server = server(|settings| settings);
    let notifier = notifier_with(&server.url(), |server| server);
    let (temporary, text) = failure(&artifacts, &notifier, &warning(&["ann@example.com"])).await;
    assert!(temporary, "{text}");
    assert!(text.contains("whether the server needs a login") && text.contains("530 5.7.0"), "{text}");
    assert_eq!(server.stop(), []);
}

#[tokio::test]
async fn server_without_a_login_is_a_temporary_error_that_says_so() {
    let artifacts = Artifacts::new("no-login-offered");
    let both = ["PLAIN", "LOGIN"].map(str::to_owned);
    let server = server(|settings| Settings { excluded_logins: both.to_vec(), ..settings });
    let notifier = notifier_with(&server.url(), logging_in);
    let (temporary, text) = failure(&artifacts, &notifier, &warning(&["ann@example.com"])).await;
    assert!(temporary, "{text}");
    assert!(text.contains("offers no login"), "{text}");
}

#[tokio::test]
async fn password_is_in_no_error_even_if_the_server_repeats_it() {
    let artifacts = Artifacts::new("repeated-password");
    let echo = "535 5.7.8 cannot understand AUTH {command}";
    let server = server(|settings| settings.reply("AUTH", echo));
    let notifier = notifier_with(&server.url(), logging_in);
    let (_, text) = failure(&artifacts, &notifier, &warning(&["ann@example.com"])).await;
    assert!(text.contains("535 the response is not shown because it contains the password"), "{text}");
    for shown in
        [format!("{notifier:?}"), format!("{:?}", logging_in(SmtpServer::from_url("smtp://h").unwrap()))]
    {
        artifacts.leave("debug.txt", &shown);
        assert!(!shown.contains(PASSWORD) && shown.contains("has_credentials: true"), "{shown}");
    }
}
