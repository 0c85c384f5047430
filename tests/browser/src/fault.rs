use std::fmt;

use serde_json::Value;
use thirtyfour::BrowserLogEntry;

/// Something that no page may do. It fails the test unless the test expects it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A warning or an error in the console. The text begins with the source of the message, which is `javascript` for an
    /// exception or a rejected promise that no code handled, and `security` for a violation of the content security
    /// policy.
    Console(String),
    /// A request to this URL, which belongs to another origin.
    OtherOrigin(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Console(text) => write!(f, "a message in the console: {text}"),
            Self::OtherOrigin(url) => write!(f, "a request to another origin: {url}"),
        }
    }
}

/// Returns the fault that an entry of chromedriver's log `browser` reports.
pub(crate) fn of_console(entry: &BrowserLogEntry) -> Option<Fault> {
    let is_fault = matches!(entry.level.as_str(), "WARNING" | "SEVERE");
    let source = entry.source.as_deref().unwrap_or("unknown");
    is_fault.then(|| Fault::Console(format!("{source}: {}", entry.message)))
}

/// Returns the fault that an event of chromedriver's log `performance` reports.
pub(crate) fn of_event(event: &Value, own: &[String]) -> Option<Fault> {
    let url = requested(event)?;
    let is_own = own.iter().any(|origin| has_origin(url, origin));
    (!is_own && !stays_inside(url)).then(|| Fault::OtherOrigin(url.to_owned()))
}

/// Returns the URL of the request that an event announces.
pub(crate) fn requested(event: &Value) -> Option<&str> {
    match event["method"].as_str()? {
        "Network.requestWillBeSent" => event["params"]["request"]["url"].as_str(),
        "Network.webSocketCreated" | "Network.webTransportCreated" => event["params"]["url"].as_str(),
        _ => None,
    }
}

fn has_origin(url: &str, origin: &str) -> bool {
    url.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// Returns whether the browser itself answers the URL.
fn stays_inside(url: &str) -> bool {
    ["about:", "blob:", "data:"].iter().any(|scheme| url.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn url_belongs_to_an_origin_only_with_the_same_scheme_host_and_port() {
        let own = ["http://127.0.0.1:80".to_owned()];
        let fault = |url: &str| {
            let request = json!({ "url": url });
            of_event(
                &json!({ "method": "Network.requestWillBeSent", "params": { "request": request } }),
                &own,
            )
        };
        for fine in [
            "http://127.0.0.1:80",
            "http://127.0.0.1:80/a",
            "http://127.0.0.1:80?b",
            "data:,x",
            "about:blank",
        ] {
            assert_eq!(fault(fine), None, "{fine}");
        }
        for other in [
            "http://127.0.0.1:8080/",
            "https://127.0.0.1:80/",
            "http://127.0.0.1:80.example/",
            "file:///etc/hosts",
        ] {
            assert_eq!(fault(other), Some(Fault::OtherOrigin(other.to_owned())));
        }
        let socket =
            json!({ "method": "Network.webSocketCreated", "params": { "url": "ws://example.com/" } });
        assert!(of_event(&socket, &own).is_some());
    }
}
