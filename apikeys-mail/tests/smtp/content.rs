//! What a mail says, as another library reads it.

use apikeys_core::warning::Notifier;
use apikeys_mail::{
    ExpiryMail, MailDetails, MailTexts, SmtpNotifier, SmtpServer, TimeLeft,
    apikeys_core::{self, Timestamp},
};
use apikeys_test_smtp::{MailServer, Settings};
use time::OffsetDateTime;

use crate::support::{mail, notifier, warning};

#[tokio::test]
async fn mail_names_key_prefix_time_and_link_in_both_parts() {
    let server = MailServer::start(&Settings::default());
    let warning = warning(&["ann@example.com"]);
    notifier(&server).notify(&warning).await.unwrap();
    let mails = server.stop();
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!(mail.sender, "keys@acme.example");
    assert_eq!(mail.hello_name, "acme.example");
    assert_eq!(mail.parsed.defects, Vec::<String>::new());
    assert_eq!(mail.parsed.content_type, "multipart/alternative");
    let kinds: Vec<_> = mail.parsed.parts.iter().map(|part| part.content_type.as_str()).collect();
    // The last alternative is the preferred one.
    assert_eq!(kinds, ["text/plain", "text/html"]);
    assert!(mail.parsed.parts.iter().all(|part| part.charset.as_deref() == Some("utf-8")));
    let at = OffsetDateTime::from(warning.expires_at);
    let date =
        format!("{} {} {} at {:02}:{:02} UTC", at.day(), at.month(), at.year(), at.hour(), at.minute());
    let unwrapped = mail.text().split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [unwrapped.as_str(), mail.html()] {
        for expected in [
            "CI deploys",
            "acme_live_7KqA",
            "org_1",
            &format!("on {date}, in 7 days."),
            "Acme refuses every request with this key. Programs that use the key stop working.",
            "https://acme.example/org_1/settings/developer",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }
    assert!(mail.text().lines().all(|line| line.chars().count() <= 76), "{}", mail.text());
}

#[tokio::test]
async fn mail_has_the_headers_of_a_mail_that_a_program_has_written() {
    let server = MailServer::start(&Settings::default());
    let warning = warning(&["ann@example.com"]);
    let before = OffsetDateTime::now_utc().unix_timestamp();
    notifier(&server).notify(&warning).await.unwrap();
    let mail = server.next_mail();
    assert_eq!(mail.header("Subject"), "API key \"CI deploys\" expires in 7 days");
    assert_eq!(mail.header("From"), "Acme <keys@acme.example>");
    assert_eq!(mail.header("To"), "ann@example.com");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("Message-ID"), format!("<{}@acme.example>", warning.id()));
    let date = OffsetDateTime::parse(mail.header("Date"), &time::format_description::well_known::Rfc2822);
    let date = date.unwrap().unix_timestamp();
    assert!((before..before + 60).contains(&date), "{}", mail.header("Date"));
    let names: Vec<_> = mail.parsed.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["From", "Date", "Message-ID", "Subject", "Auto-Submitted", "To", "MIME-Version", "Content-Type"]
    );
}

#[tokio::test]
async fn warning_that_is_sent_twice_has_the_same_message_id_and_another_warning_has_another() {
    let server = MailServer::start(&Settings::default());
    let notifier = notifier(&server);
    let first = warning(&["ann@example.com"]);
    let mut moved = first.clone();
    moved.expires_at = Timestamp::from_micros(first.expires_at.as_micros() + 1);
    for warning in [&first, &first, &moved] {
        notifier.notify(warning).await.unwrap();
    }
    let mails = server.stop();
    let ids: Vec<_> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[tokio::test]
async fn answers_go_to_the_address_for_answers() {
    let server = MailServer::start(&Settings::default());
    let mail = ExpiryMail::builder()
        .from("Keys, Inc. <keys@bücher.example>")
        .reply_to("Bücher, Hilfe <hilfe@bücher.example>")
        .service("Bücher")
        .settings_url_with(|warning| format!("https://bücher.example/{}/keys", warning.org))
        .build()
        .unwrap();
    let notifier = SmtpNotifier::new(SmtpServer::from_url(&server.url()).unwrap(), mail).unwrap();
    notifier.notify(&warning(&["ann@bücher.example"])).await.unwrap();
    let mail = server.next_mail();
    assert_eq!(mail.header("From"), "\"Keys, Inc.\" <keys@xn--bcher-kva.example>");
    assert_eq!(mail.header("Reply-To"), "\"Bücher, Hilfe\" <hilfe@xn--bcher-kva.example>");
    assert_eq!(mail.accepted_recipients, ["ann@xn--bcher-kva.example"]);
    assert!(mail.header("Message-ID").ends_with("@xn--bcher-kva.example>"));
    assert!(mail.text().contains("\nhttps://xn--bcher-kva.example/org_1/keys\n"), "{}", mail.text());
    assert!(mail.raw.is_ascii());
}

/// The texts of the mail in German.
fn german(details: &MailDetails) -> MailTexts {
    const MONTHS: [&str; 12] = [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ];
    let at = OffsetDateTime::from(details.expires_at);
    let month = MONTHS[usize::from(u8::from(at.month())) - 1];
    let date = format!("{}. {month} {} um {:02}:{:02} UTC", at.day(), at.year(), at.hour(), at.minute());
    let left = match details.time_left {
        Some(TimeLeft::Days(days)) => format!("in {days} Tagen"),
        other => panic!("{other:?}"),
    };
    let MailDetails { service, org, key_name, short_key_name, .. } = details;
    let mut texts = MailTexts::english(details);
    texts.language = "de".to_owned();
    texts.subject = format!("API-Schlüssel „{short_key_name}“ läuft {left} ab");
    texts.heading = format!("Ein API-Schlüssel läuft {left} ab");
    texts.summary = format!("Der API-Schlüssel „{key_name}“ für {service} läuft am {date} ab, {left}.");
    texts.key_label = "API-Schlüssel".to_owned();
    texts.prefix_label = "Beginnt mit".to_owned();
    texts.org_label = "Organisation".to_owned();
    texts.expires_label = "Läuft ab".to_owned();
    texts.expires = date;
    texts.effect = format!("Danach lehnt {service} alle Anfragen mit diesem Schlüssel ab.");
    texts.advice = "In den Einstellungen lässt sich das Ablaufdatum verschieben.".to_owned();
    texts.link = "Schlüssel verlängern".to_owned();
    texts.reason = format!("Diese Mail geht an alle, die bei {service} die Organisation {org} verwalten.");
    texts
}

#[tokio::test]
async fn subject_and_texts_can_be_in_another_language() {
    let server = MailServer::start(&Settings::default());
    let mail = ExpiryMail::builder()
        .from("Acme <keys@acme.example>")
        .service("Acme")
        .settings_url("https://acme.example/{org}/einstellungen")
        .texts(german)
        .build()
        .unwrap();
    let notifier = SmtpNotifier::new(SmtpServer::from_url(&server.url()).unwrap(), mail).unwrap();
    notifier.notify(&warning(&["ann@example.com"])).await.unwrap();
    let mail = server.next_mail();
    assert_eq!(mail.header("Subject"), "API-Schlüssel „CI deploys“ läuft in 7 Tagen ab");
    assert!(mail.raw.is_ascii());
    assert!(mail.html().contains("<html lang=\"de\" dir=\"ltr\">"), "{}", mail.html());
    for text in [mail.text(), mail.html()] {
        assert!(text.contains("API-Schlüssel") && text.contains("Schlüssel verlängern"), "{text}");
        for english in ["expire", "Begins", "Organization", "After", "administrator", "mail because"] {
            assert!(!text.contains(english), "{english}: {text}");
        }
    }
    let labels = mail.text().lines().filter(|line| line.starts_with("  "));
    // The umlauts do not shift the column of the values.
    let columns: Vec<_> = labels.map(|line| line.chars().position(|c| c == ':').unwrap()).collect();
    assert_eq!(columns, [15, 13, 14, 10]);
}

#[tokio::test]
async fn texts_cannot_add_headers_or_break_the_dialogue() {
    let server = MailServer::start(&Settings::default());
    let mail = ExpiryMail::builder()
        .from("Acme <keys@acme.example>")
        .service("Acme")
        .settings_url("https://acme.example/")
        .texts(|details| {
            let mut texts = MailTexts::english(details);
            texts.subject = "one\r\nBcc: eve@example.com\r\n\r\nbody".to_owned();
            texts.summary = "first\r\n.\r\nMAIL FROM:<eve@example.com>\r\n..second".to_owned();
            texts.language = "\"><script>".to_owned();
            texts
        })
        .build()
        .unwrap();
    let notifier = SmtpNotifier::new(SmtpServer::from_url(&server.url()).unwrap(), mail).unwrap();
    notifier.notify(&warning(&["ann@example.com"])).await.unwrap();
    let mails = server.stop();
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!(mail.header("Subject"), "one  Bcc: eve@example.com    body");
    assert!(mail.parsed.headers.iter().all(|(name, _)| name != "Bcc"));
    assert_eq!(mail.accepted_recipients, ["ann@example.com"]);
    assert!(mail.text().starts_with("first . MAIL FROM:<eve@example.com> ..second\n"), "{}", mail.text());
    assert!(!mail.html().contains("<script"), "{}", mail.html());
}

#[test]
fn composed_mail_can_be_shown_without_a_server() {
    let warning = warning(&["ann@example.com"]);
    let composed = mail().compose(&warning, warning.expires_at).unwrap();
    assert_eq!(composed.subject, "API key \"CI deploys\" has expired");
}
