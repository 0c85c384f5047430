use std::{
    io::{self, Write},
    net::SocketAddr,
    time::SystemTime,
};

use apikeys_core::{
    OrgId,
    warning::{Contacts, ContactsError, ExpiryWarning, ExpiryWarnings, Notifier, NotifyError},
};
use apikeys_mail::{ExpiryMail, SmtpNotifier};
use async_trait::async_trait;

use crate::Config;

/// Returns the settings of the mails that are sent or printed before a key expires. The mails link to the settings
/// page at `address`.
pub(crate) fn expiry_warnings(
    config: &Config,
    address: SocketAddr,
) -> Result<ExpiryWarnings, Box<dyn std::error::Error>> {
    let mail = ExpiryMail::builder()
        .from("Demo <keys@demo.example>")
        .service("Demo")
        .settings_url(format!("http://{address}/settings/developer#key/{{key}}"))
        .build()?;
    let warnings = match &config.smtp_url {
        Some(url) => ExpiryWarnings::new(SmtpNotifier::new(url.server()?, mail)?, DemoContacts),
        None => ExpiryWarnings::new(Printer { mail }, DemoContacts),
    };
    Ok(warnings.periods(config.expiry_warning.clone()))
}

/// Returns made-up addresses. A real service looks up the accounts of its users here.
struct DemoContacts;

#[async_trait]
impl Contacts for DemoContacts {
    async fn admins(&self, org: &OrgId) -> Result<Vec<String>, ContactsError> {
        Ok(vec![format!("admin@{}.example", domain(org.as_str()))])
    }
}

/// Makes a part of a host name from an organization's id: `org_demo` becomes `org-demo`.
fn domain(org: &str) -> String {
    let domain: String =
        org.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let domain: String = domain.trim_matches('-').chars().take(63).collect();
    let domain = domain.trim_end_matches('-');
    if domain.is_empty() { "org".to_owned() } else { domain.to_owned() }
}

/// Prints mails instead of sending them.
struct Printer {
    mail: ExpiryMail,
}

#[async_trait]
impl Notifier for Printer {
    async fn notify(&self, warning: &ExpiryWarning) -> Result<(), NotifyError> {
        let mail = self.mail.compose(warning, SystemTime::now().into()).map_err(NotifyError::permanent)?;
        let recipients = warning.recipients.join(", ");
        let printed = format!("\nmail to {recipients}\nSubject: {}\n\n{}\n", mail.subject, mail.text);
        let mut stdout = io::stdout().lock();
        let done = stdout.write_all(printed.as_bytes()).and_then(|()| stdout.flush());
        done.map_err(NotifyError::temporary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_organization_has_an_administrator_with_a_valid_address() {
        assert_eq!(domain("org_demo"), "org-demo");
        assert_eq!(domain("ACME / 42"), "acme---42");
        assert_eq!(domain("é"), "org");
        assert_eq!(domain(&"x".repeat(128)), "x".repeat(63));
    }
}
