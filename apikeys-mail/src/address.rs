//! Checked e-mail addresses, in ASCII.

use lettre::{Address, message::Mailbox};
use url::Host;

/// Parses an address such as `ann@example.com`. A domain with other characters than ASCII is converted into its
/// ASCII form. The part before the `@` must be ASCII, because many mail servers accept nothing else.
pub(crate) fn address(text: &str) -> Option<Address> {
    in_ascii(&text.trim().parse().ok()?)
}

/// Parses an address with or without a name, such as `Acme <keys@acme.example>`. The name may be in quotes and
/// need not be, even if it contains a comma.
pub(crate) fn mailbox(text: &str) -> Option<Mailbox> {
    let text = text.trim();
    let Some(inner) = text.strip_suffix('>') else {
        return Some(Mailbox::new(None, address(text)?));
    };
    let (name, inner) = inner.rsplit_once('<')?;
    let name = name.trim();
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    if name.chars().any(char::is_control) {
        return None;
    }
    let name = Some(name.to_owned()).filter(|name| !name.is_empty());
    Some(Mailbox::new(name, address(inner)?))
}

fn in_ascii(address: &Address) -> Option<Address> {
    let (user, domain) = (address.user(), address.domain());
    if !user.is_ascii() || address.to_string().chars().any(char::is_control) {
        return None;
    }
    if domain.is_ascii() {
        return Some(address.clone());
    }
    match Host::parse(domain) {
        Ok(Host::Domain(domain)) => Address::new(user, domain).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_with_line_break_or_without_domain_is_refused() {
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@example.com\r\nBcc: eve@example.com",
            "ann\r\n@example.com",
            "\"ann\r\nBcc: eve\"@example.com",
            "ann@example.com, eve@example.com",
            "ann@example.com> SIZE=1",
            "Ann <ann@example.com>",
            "änn@example.com",
            "ann@exa mple.com",
        ] {
            assert_eq!(address(bad), None, "{bad:?}");
        }
        assert_eq!(address(" ann@example.com ").unwrap().to_string(), "ann@example.com");
    }

    #[test]
    fn domain_with_umlaut_is_converted_to_ascii() {
        assert_eq!(address("ann@bücher.example").unwrap().to_string(), "ann@xn--bcher-kva.example");
        let from = mailbox("Bücher <keys@bücher.example>").unwrap();
        assert_eq!(from.email.to_string(), "keys@xn--bcher-kva.example");
        assert_eq!(from.name.as_deref(), Some("Bücher"));
    }

    #[test]
    fn mailbox_with_line_break_in_its_name_is_refused() {
        for bad in ["Acme\r\nBcc: eve@example.com <keys@acme.example>", "\"A\r\nB: c\" <keys@acme.example>"] {
            assert_eq!(mailbox(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn mailbox_has_a_name_or_none() {
        for (text, name) in [
            ("keys@acme.example", None),
            ("<keys@acme.example>", None),
            (" Acme <keys@acme.example> ", Some("Acme")),
            ("Acme, Inc. <keys@acme.example>", Some("Acme, Inc.")),
            ("\"Acme, Inc.\" <keys@acme.example>", Some("Acme, Inc.")),
            ("Acme <3 <keys@acme.example>", Some("Acme <3")),
        ] {
            let mailbox = mailbox(text).unwrap();
            assert_eq!(
                (mailbox.name.as_deref(), mailbox.email.to_string().as_str()),
                (name, "keys@acme.example")
            );
        }
        for bad in ["Acme", "Acme keys@acme.example", "Acme <keys>", "Acme keys@acme.example>", "<>", ">"] {
            assert_eq!(mailbox(bad), None, "{bad}");
        }
    }
}
