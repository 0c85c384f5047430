use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::{
    Agent, Body,
    http::{Request, Response},
};

use crate::{answer::Problem, arguments::Service, failure::Failure};

/// The time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client of the management API, as an administrator of one organization.
pub(crate) struct Client {
    agent: Agent,
    service: Service,
}

impl Client {
    /// Creates a client that uses no proxy and follows no redirect, so that the token is sent to the
    /// service only.
    pub(crate) fn new(service: Service) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(TIMEOUT));
        Self { agent: config.build().into(), service }
    }

    /// Sends a request and parses the response. An empty response is parsed as `null`, which is `()`.
    pub(crate) fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Failure> {
        let answer = self
            .send(method, path, body)
            .and_then(|mut response| Ok((response.status(), response.body_mut().read_to_vec()?)));
        let (status, body) = answer.map_err(|error| Failure::Unreachable {
            url: self.service.url.clone(),
            error: Box::new(error),
        })?;
        let foreign = || Failure::Foreign { url: self.service.url.clone(), status: status.as_u16() };
        if status.is_success() {
            let body = if body.is_empty() { b"null" } else { &*body };
            return serde_json::from_slice(body).map_err(|_| foreign());
        }
        Err(serde_json::from_slice::<Problem>(&body).map_or_else(|_| foreign(), Failure::Refused))
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Response<Body>, ureq::Error> {
        let Service { url, token, org } = &self.service;
        let request = Request::builder()
            .method(method)
            .uri(format!("{url}{path}"))
            .header("x-demo-admin", token)
            .header("x-demo-org", org);
        match body {
            None => self.agent.run(request.body(())?),
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body.to_string())?)
            }
        }
    }
}

/// Appends the parameters that have a value to a path.
pub(crate) fn with_query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut url = path.to_owned();
    for (name, value) in parameters {
        if let Some(value) = value {
            let separator = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{separator}{name}={}", encoded(value)));
        }
    }
    url
}

/// Percent-encodes a segment of a path or a value of a query.
pub(crate) fn encoded(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_percent_encoded_in_urls() {
        let url =
            with_query("/a", &[("x", Some("2030-01-01T00:00:00+01:00")), ("y", None), ("z", Some("&?é"))]);
        assert_eq!(url, "/a?x=2030%2D01%2D01T00%3A00%3A00%2B01%3A00&z=%26%3F%C3%A9");
        assert_eq!(encoded("../..?#").to_string(), "%2E%2E%2F%2E%2E%3F%23");
    }
}
