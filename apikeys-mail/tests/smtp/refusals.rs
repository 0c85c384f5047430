use std::collections::BTreeSet;

use apikeys_mail::apikeys_core::warning::Notifier;
use apikeys_test_leftovers::Artifacts;
use apikeys_test_smtp::{MailServer, Settings};

use crate::support::{failure, notifier, warning};

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const EVE: &str = "eve@example.com";

#[tokio::test]
async fn all_administrators_receive_one_mail() {
    let server = MailServer::start(&Settings::default());
    notifier(&server).notify(&warning(&[ANN, BOB, EVE, ANN])).await.unwrap();
    let mails = server.stop();
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!(mail.accepted_recipients, [ANN, BOB, EVE]);
    assert_eq!(mail.header("To"), format!("{ANN}, {BOB}, {EVE}"));
}

#[tokio::test]
async fn refused_recipient_does_not_keep_the_others_from_the_mail() {
    for reply in ["550 5.1.1 No such user", "452 4.2.2 Mailbox full"] {
        for refused in [ANN, BOB, EVE] {
            let server = MailServer::start(&Settings::default().reply(refused, reply));
            // The warning counts as sent, so the engine does not send it again.
            notifier(&server).notify(&warning(&[ANN, BOB, EVE])).await.unwrap();
            let mails = server.stop();
            let [mail] = &mails[..] else { panic!("{mails:?}") };
            let accepted: BTreeSet<_> = mail.accepted_recipients.iter().map(String::as_str).collect();
            let mut expected = BTreeSet::from([ANN, BOB, EVE]);
            expected.remove(refused);
            assert_eq!(accepted, expected);
        }
    }
}

#[tokio::test]
async fn invalid_address_does_not_keep_the_others_from_the_mail() {
    let server = MailServer::start(&Settings::default());
    let recipients = ["bob", "bob@example.com\r\nRCPT TO:<eve@example.com>", ANN, "<bob@example.com>"];
    notifier(&server).notify(&warning(&recipients)).await.unwrap();
    let mail = server.next_mail();
    assert_eq!(mail.accepted_recipients, [ANN]);
    assert_eq!(mail.header("To"), ANN);
}

/// Sends a warning to Ann and Bob, which must fail, and returns the error.
async fn refused(test: &str, settings: Settings) -> (bool, String) {
    let artifacts = Artifacts::new(test);
    let server = MailServer::start(&settings);
    let failed = failure(&artifacts, &notifier(&server), &warning(&[ANN, BOB])).await;
    assert_eq!(server.stop(), []);
    failed
}

#[tokio::test]
async fn refusal_of_all_recipients_is_permanent_unless_one_may_be_accepted_later() {
    let (never, later) = ("550 5.1.1 No such user", "451 4.7.1 Greylisted, try again");
    for (ann, bob, temporary, says) in [
        (never, never, false, never),
        (later, later, true, later),
        (never, later, true, later),
        (later, never, true, later),
    ] {
        let settings = Settings::default().reply(ANN, ann).reply(BOB, bob);
        let (is_temporary, text) = refused("all-refused", settings).await;
        assert_eq!(is_temporary, temporary, "{ann}, {bob}: {text}");
        assert!(text.contains("refused all recipients") && text.contains(says), "{text}");
    }
}

#[tokio::test]
async fn refused_content_is_permanent_with_5xx_and_temporary_with_4xx() {
    for place in ["DATA", "content"] {
        for (reply, temporary) in [("554 5.7.1 Looks like spam", false), ("451 4.3.0 Try again", true)] {
            let (is_temporary, text) = refused("content", Settings::default().reply(place, reply)).await;
            assert_eq!(is_temporary, temporary, "{text}");
            assert!(text.contains("refused the mail") && text.contains(reply), "{text}");
        }
    }
}

#[tokio::test]
async fn refused_sender_or_connection_is_temporary_because_the_settings_can_be_corrected() {
    for (place, says) in [("MAIL", "refused the sender"), ("EHLO", "refused the connection")] {
        for reply in ["550 5.7.1 Not allowed", "451 4.3.0 Try again", "421 4.3.2 Shutting down"] {
            let (temporary, text) = refused("sender", Settings::default().reply(place, reply)).await;
            assert!(temporary, "{text}");
            assert!(text.contains(says) && text.contains(reply), "{text}");
        }
    }
}

#[tokio::test]
async fn warning_without_a_valid_address_is_a_permanent_error() {
    let artifacts = Artifacts::new("no-valid-address");
    let server = MailServer::start(&Settings::default());
    for recipients in [&[][..], &["bob"], &["bob", "@example.com"]] {
        let (temporary, text) = failure(&artifacts, &notifier(&server), &warning(recipients)).await;
        assert!(!temporary, "{text}");
        assert!(text.contains("none of the recipients is a valid e-mail address"), "{text}");
    }
    assert_eq!(server.stop(), []);
}

#[tokio::test]
async fn response_with_control_characters_is_shown_without_them() {
    let reply = "550 5.1.1 \u{1b}[31mred\u{7} text";
    let settings = Settings::default().reply(ANN, reply).reply(BOB, reply);
    let (_, text) = refused("control-characters", settings).await;
    assert!(text.contains("550 5.1.1  [31mred  text"), "{text:?}");
}
