//! Names of keys that could disturb a header, a sentence or a page.

use apikeys_mail::apikeys_core::warning::Notifier;
use apikeys_test_smtp::{Mail, MailServer, Settings};

use crate::support::{self, notifier, warning_about};

async fn sent(name: &str) -> Mail {
    let server = MailServer::start(&Settings::default());
    notifier(&server).notify(&warning_about(name, &["ann@example.com"])).await.unwrap();
    let mut mails = server.stop();
    assert_eq!(mails.len(), 1);
    mails.pop().unwrap()
}

/// Checks what holds for each name.
fn check(mail: &Mail) {
    assert_eq!(mail.parsed.defects, Vec::<String>::new());
    assert_eq!(mail.parsed.recipients, [(String::new(), "ann@example.com".to_owned())]);
    assert_eq!(mail.parsed.headers.len(), 8, "{:?}", mail.parsed.headers);
    assert!(mail.raw.is_ascii());
    // An encoded word has at most 75 characters and is in a line of its own of at most 76 (RFC 2047, section 2).
    let head = mail.raw.split("\r\n\r\n").next().unwrap();
    let subject = &head[head.find("Subject: ").unwrap()..head.find("\r\nAuto-Submitted").unwrap()];
    for line in subject.split("\r\n") {
        assert!(line.len() <= 78, "{line}");
        let words = line.trim_start_matches("Subject: ").split(' ').filter(|word| word.starts_with("=?"));
        assert!(words.clone().count() <= 1 && words.clone().all(|word| word.len() <= 75), "{line}");
    }
    assert!(mail.header("Subject").chars().count() <= 80, "{}", mail.header("Subject"));
    let harmless = warning_about("CI", &["ann@example.com"]);
    let harmless = support::mail().compose(&harmless, harmless.expires_at).unwrap();
    let tags = |html: &str| html.matches('<').count();
    assert_eq!(tags(mail.html()), tags(&harmless.html), "{}", mail.html());
}

fn unescaped(html: &str) -> String {
    let html = html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    html.replace("&amp;", "&")
}

#[tokio::test]
async fn name_with_markup_stays_text() {
    let name = "\"><script>alert(1)</script>";
    let mail = sent(name).await;
    check(&mail);
    assert_eq!(mail.header("Subject"), format!("API key \"{name}\" expires in 7 days"));
    assert!(mail.text().contains(&format!("API key:       {name}\n")), "{}", mail.text());
    assert!(mail.html().contains("<bdi>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"));
}

#[tokio::test]
async fn name_that_looks_like_an_encoded_word_is_not_decoded() {
    for name in ["=?utf-8?q?Invoice=20overdue?=", "a =?utf-8?b?SW52b2ljZQ==?= b"] {
        let mail = sent(name).await;
        check(&mail);
        assert_eq!(mail.header("Subject"), format!("API key \"{name}\" expires in 7 days"));
        assert!(unescaped(mail.html()).contains(name));
    }
}

#[tokio::test]
async fn name_with_escaped_line_breaks_adds_no_header() {
    let name = "%0d%0aBcc:eve@example.com \\r\\nBcc: eve@example.com";
    let mail = sent(name).await;
    check(&mail);
    assert!(mail.header("Subject").starts_with("API key \"%0d%0aBcc:eve@example.com"));
    assert!(mail.parsed.headers.iter().all(|(header, _)| header != "Bcc"));
}

#[tokio::test]
async fn name_of_a_hundred_emoji_is_whole_in_the_mail_and_cut_in_the_subject() {
    let name = "🦀".repeat(100);
    let mail = sent(&name).await;
    check(&mail);
    let short = format!("\u{2068}{}…\u{2069}", "🦀".repeat(19));
    assert_eq!(mail.header("Subject"), format!("API key \"{short}\" expires in 7 days"));
    assert!(mail.html().contains(&name));
    assert_eq!(mail.text().matches('🦀').count(), 200);
}

#[tokio::test]
async fn long_name_without_spaces_is_whole_in_the_mail_and_cut_in_the_subject() {
    let name = "x".repeat(100);
    let mail = sent(&name).await;
    check(&mail);
    assert_eq!(mail.header("Subject"), format!("API key \"{}…\" expires in 7 days", "x".repeat(39)));
    assert!(mail.html().contains(&name));
    assert!(mail.text().lines().all(|line| line.chars().count() <= 76));
}

#[tokio::test]
async fn name_from_right_to_left_does_not_turn_the_sentence_around() {
    let name = "مفتاح الإنتاج 7";
    let isolated = format!("\u{2068}{name}\u{2069}");
    let mail = sent(name).await;
    check(&mail);
    assert_eq!(mail.header("Subject"), format!("API key \"{isolated}\" expires in 7 days"));
    assert!(mail.text().contains(&format!("API key:       {isolated}\n")), "{}", mail.text());
    assert!(mail.html().contains(&format!("<bdi>{isolated}</bdi>")), "{}", mail.html());
}
