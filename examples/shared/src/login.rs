use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use apikeys_admin::{Admin, ManageErrorCode, PlainResponse};
use apikeys_core::{
    Actor, OrgId,
    entropy::{Entropy, EntropyError, OsEntropy},
    http::Headers,
};
use subtle::ConstantTimeEq;

use crate::answer;

/// The page that a login leads to.
const PAGE: &str = "/settings/developer";

/// The name of the cookie that holds a session.
pub const LOGIN_COOKIE: &str = "demo_session";

/// The demo's login, in place of the login of a real service. A client that knows the admin token is
/// an administrator of the organization that it names. Cloning is cheap.
#[derive(Clone)]
pub struct Login {
    token: Arc<str>,
    sessions: Arc<Mutex<HashMap<String, OrgId>>>,
}

impl Login {
    /// Creates a login with this admin token, or with a random one for `None`.
    ///
    /// # Errors
    ///
    /// Returns an error if the system has no randomness.
    pub fn new(token: Option<&str>) -> Result<Self, EntropyError> {
        let token = token.map_or_else(random, |token| Ok(token.to_owned()))?;
        Ok(Self { token: token.into(), sessions: Arc::default() })
    }

    /// Returns the admin token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Returns the administrator who sent a request: a program that sends the token and the
    /// organization in headers, or a browser with the cookie of a session.
    #[must_use]
    pub fn admin(&self, headers: &(impl Headers + ?Sized)) -> Option<Admin> {
        if headers.values("x-demo-admin").next().is_some() {
            return self.program(headers);
        }
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let org = cookies(headers).find_map(|session| sessions.get(session))?.clone();
        Some(Admin::new(org, Actor::new("demo").ok()?))
    }

    /// Returns the administrator that the headers `X-Demo-Admin` and `X-Demo-Org` name.
    pub(crate) fn program(&self, headers: &(impl Headers + ?Sized)) -> Option<Admin> {
        let token = only(headers, "x-demo-admin")?;
        let org = OrgId::new(only(headers, "x-demo-org")?).ok()?;
        self.knows(token).then_some(())?;
        Some(Admin::new(org, Actor::new("demo").ok()?))
    }

    /// Responds to `GET /login?token=…&org=…`: starts a session and redirects to the settings page.
    #[must_use]
    pub fn enter(&self, query: Option<&str>) -> PlainResponse {
        let (mut token, mut org) = (String::new(), String::new());
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "token" => token = value.into_owned(),
                "org" => org = value.into_owned(),
                _ => {}
            }
        }
        let (true, Ok(org)) = (self.knows(&token), OrgId::new(&org)) else {
            let detail = "Use the link that was printed at the start: /login?token=…&org=…";
            return answer::problem(ManageErrorCode::AdminRequired, detail);
        };
        let Ok(session) = random() else {
            return answer::problem(ManageErrorCode::ManagementUnavailable, "Try again in a moment.");
        };
        let cookie = format!("{LOGIN_COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax");
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(session, org);
        answer::empty(303).with_header("location", PAGE).with_header("set-cookie", cookie)
    }

    fn knows(&self, token: &str) -> bool {
        self.token.as_bytes().ct_eq(token.as_bytes()).into()
    }
}

/// Hides the token and the sessions.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

/// Returns 160 random bits in hexadecimal, which needs no escaping in a cookie or a URL.
fn random() -> Result<String, EntropyError> {
    let mut bytes = [0; 20];
    OsEntropy::new().fill(&mut bytes)?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

/// Returns the value of a header, or `None` if it is absent or repeated.
fn only<'a>(headers: &'a (impl Headers + ?Sized), name: &'a str) -> Option<&'a str> {
    let mut lines = headers.values(name);
    let line = lines.next().filter(|_| lines.next().is_none())?;
    std::str::from_utf8(line).ok()
}

/// The sessions that a browser's cookies name.
fn cookies(headers: &(impl Headers + ?Sized)) -> impl Iterator<Item = &str> {
    let pairs = headers.values("cookie").filter_map(|line| std::str::from_utf8(line).ok());
    let pairs = pairs.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == LOGIN_COOKIE).map(|(_, session)| session)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Line<'a> = (&'a str, &'a [u8]);

    fn org(login: &Login, headers: &[Line<'_>]) -> Option<String> {
        login.admin(headers).map(|admin| admin.org.to_string())
    }

    #[test]
    fn program_logs_in_with_token_and_organization_headers() {
        let login = Login::new(Some("open")).unwrap();
        let (token, starter) = (("x-demo-admin", &b"open"[..]), ("x-demo-org", &b"org_starter"[..]));
        assert_eq!(org(&login, &[token, starter]).as_deref(), Some("org_starter"));
        let wrong = ("x-demo-admin", &b"opem"[..]);
        let nobody = ("x-demo-org", &b""[..]);
        for none in
            [&[][..], &[token], &[starter], &[wrong, starter], &[token, nobody], &[token, token, starter]]
        {
            assert_eq!(org(&login, none), None, "{none:?}");
        }
    }

    #[test]
    fn browser_gets_a_session_cookie_of_its_organization() {
        let login = Login::new(None).unwrap();
        let entered = login.enter(Some(&format!("token={}&org=org%5Fstarter", login.token())));
        assert_eq!(entered.status, 303);
        let header = |name| entered.headers.iter().find(|(other, _)| *other == name).unwrap().1.as_str();
        assert_eq!(header("location"), "/settings/developer");
        let (cookie, attributes) = header("set-cookie").split_once("; ").unwrap();
        assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax");
        let cookies = format!("theme=dark; {cookie}");
        assert_eq!(org(&login, &[("cookie", cookies.as_bytes())]).as_deref(), Some("org_starter"));
        let forged = format!("{LOGIN_COOKIE}=org_starter");
        assert_eq!(org(&login, &[("cookie", forged.as_bytes())]), None);
        // Wrong headers are an error even with a valid cookie.
        let both = [("cookie", cookies.as_bytes()), ("x-demo-admin", b"wrong")];
        assert_eq!(org(&login, &both), None);
    }

    #[test]
    fn login_without_token_or_organization_is_refused() {
        let login = Login::new(Some("open")).unwrap();
        for query in [None, Some(""), Some("token=open"), Some("org=a"), Some("token=shut&org=a")] {
            let refused = login.enter(query);
            assert_eq!(refused.status, 401, "{query:?}");
            assert!(refused.headers.iter().all(|(name, _)| *name != "set-cookie"));
        }
    }

    #[test]
    fn random_tokens_differ_and_are_hidden_in_debug_output() {
        let (one, two) = (Login::new(None).unwrap(), Login::new(None).unwrap());
        assert_ne!(one.token(), two.token());
        assert!(!format!("{one:?}").contains(one.token()));
    }
}
