use super::{DenialRenderer, PlainResponse, Problem, Wording, rate::rate_headers};
use crate::{
    clock::Timestamp,
    denial::{Challenge, Denial},
    plan::Plans,
    rate_limit::RateStatus,
};

/// The values besides the denial that decide the response to a denied request.
pub(super) struct Denied<'a> {
    pub(super) wording: &'a Wording,
    pub(super) plans: &'a Plans,
    pub(super) renderer: Option<&'a dyn DenialRenderer>,
    /// The wall clock's time, for the legacy rate limit headers.
    pub(super) now: Timestamp,
}

impl Denied<'_> {
    pub(super) fn response(&self, denial: &Denial) -> PlainResponse {
        let problem = self.problem(denial);
        let mut response = match self.renderer {
            None => PlainResponse::problem(&problem),
            Some(renderer) => {
                let rendered = renderer.render(denial, &problem);
                PlainResponse::new(problem.status, rendered.content_type, rendered.body)
            }
        };
        let told = denial.told();
        let realm = &self.wording.realm;
        match told.challenge {
            Challenge::None => {}
            Challenge::Plain => {
                response.headers.push(("www-authenticate", format!("Bearer realm=\"{realm}\"")));
            }
            Challenge::InvalidToken => response.headers.push((
                "www-authenticate",
                format!(
                    "Bearer realm=\"{realm}\", error=\"invalid_token\", error_description=\"{}\"",
                    told.title
                ),
            )),
        }
        if let Some(seconds) = told.retry_after {
            response.headers.push(("retry-after", seconds.to_string()));
        }
        if let Denial::RateLimited(limited) = denial {
            let rate = RateStatus::new(limited.limit, 0, limited.retry_after);
            let legacy_at = self.wording.legacy_rate_headers.then_some(self.now);
            rate_headers(&rate, legacy_at, |name, value| {
                response.headers.push((name, String::from_utf8_lossy(value).into_owned()));
            });
        }
        response
    }

    fn problem(&self, denial: &Denial) -> Problem {
        let told = denial.told();
        let types = &self.wording.problem_types;
        let detail = self.wording.with_settings_page(told.detail);
        let mut problem = Problem::of(types, (told.code, told.status, told.title), detail);
        if let Denial::RateLimited(_) = denial {
            problem.kind = "https://iana.org/assignments/http-problem-types#quota-exceeded".to_owned();
            problem.retry_after = told.retry_after;
            problem.violated_policies = &["per-key"];
        }
        if let Denial::PlanWithoutAccess = denial {
            problem.detail = self.wording.upgrade(|| self.plans.upgrade_advice()).into();
        }
        problem
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        DenialCode,
        http::{ManageErrorCode, RenderedBody},
        plan::{Plan, Quota},
        rate_limit::{RateLimit, RateLimited},
    };

    const NOW: Timestamp = Timestamp::from_micros(1_893_456_000_000_000);

    fn all() -> Vec<Denial> {
        vec![
            Denial::Missing,
            Denial::Ambiguous,
            Denial::Invalid,
            Denial::Deactivated,
            Denial::Expired,
            Denial::PlanWithoutAccess,
            Denial::RateLimited(RateLimited::new(RateLimit::DEFAULT, Duration::from_millis(12_001))),
            Denial::VerificationUnavailable,
            Denial::AuditUnavailable { after_handler: false },
            Denial::AuditUnavailable { after_handler: true },
        ]
    }

    fn respond(denial: &Denial, wording: &Wording, plans: &Plans) -> PlainResponse {
        Denied { wording, plans, renderer: None, now: NOW }.response(denial)
    }

    fn default_response(denial: &Denial) -> PlainResponse {
        respond(denial, &Wording::default(), &Plans::standard())
    }

    fn detail(wording: &Wording, plans: &[Plan]) -> String {
        let plans = Plans::new(plans.iter().cloned()).unwrap();
        let response = respond(&Denial::PlanWithoutAccess, wording, &plans);
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        body["detail"].as_str().unwrap().to_owned()
    }

    /// The golden file holds the whole table of responses, byte by byte.
    #[test]
    fn each_denial_has_its_status_headers_and_body() {
        let mut snapshot = String::new();
        for denial in all() {
            let response = default_response(&denial);
            assert_eq!(response.status, denial.status());
            assert_eq!(response.header("cache-control"), Some("no-store"));
            snapshot += &format!("{}\n", response.status);
            for (name, value) in &response.headers {
                snapshot += &format!("{name}: {value}\n");
            }
            snapshot += &format!("{}\n\n", String::from_utf8(response.body).unwrap());
        }
        assert_eq!(snapshot, include_str!("../../tests/golden/answers.txt"));
    }

    #[test]
    fn tests_cover_each_denial_code() {
        let covered: std::collections::BTreeSet<_> = all().iter().map(Denial::code).collect();
        assert_eq!(covered, DenialCode::ALL.iter().cloned().collect());
    }

    #[test]
    fn only_failed_authentication_is_challenged() {
        for denial in all() {
            let response = default_response(&denial);
            assert_eq!(response.header("www-authenticate").is_some(), response.status == 401, "{denial:?}");
        }
    }

    #[test]
    fn plan_without_access_names_the_first_plan_with_access() {
        let plan = |name| Plan::new(name, Quota::Unlimited).unwrap();
        let (none, basic, pro) = (plan("trial").without_api_access(), plan("basic"), plan("pro"));
        let standard = Wording::default();
        assert_eq!(
            detail(&standard, &[none.clone(), basic, pro.clone()]),
            "Upgrade to the Basic plan or a higher one."
        );
        let renamed = pro.with_display_name("Pro 2030");
        assert_eq!(detail(&standard, &[none.clone(), renamed.clone()]), "Upgrade to the Pro 2030 plan.");
        assert_eq!(
            detail(&standard, std::slice::from_ref(&none)),
            "No plan of this service includes API access."
        );
        let own = Wording::default().plan_without_access("Buy the add-on.");
        assert_eq!(detail(&own, &[none, renamed]), "Buy the add-on.");
    }

    #[test]
    fn wording_sets_realm_problem_types_and_legacy_headers() {
        let wording =
            Wording::default().realm("my api").unwrap().problem_types("https://x/").legacy_rate_headers();
        let response = respond(&Denial::Missing, &wording, &Plans::standard());
        assert_eq!(response.header("www-authenticate"), Some("Bearer realm=\"my api\""));
        assert!(String::from_utf8(response.body).unwrap().contains(r#""type":"https://x/missing-api-key""#));
        let limited = RateLimited::new(RateLimit::DEFAULT, Duration::from_millis(1_500));
        let response = respond(&Denial::RateLimited(limited), &wording, &Plans::standard());
        assert_eq!(response.header("x-ratelimit-remaining"), Some("0"));
        assert_eq!(response.header("x-ratelimit-reset"), Some("1893456002"));
        assert_eq!(response.header("retry-after"), Some("2"));
    }

    #[test]
    fn wording_names_the_settings_page_in_every_detail() {
        let detail = |denial: &Denial, wording: &Wording| {
            let body = respond(denial, wording, &Plans::standard()).body;
            serde_json::from_slice::<serde_json::Value>(&body).unwrap()["detail"].as_str().unwrap().to_owned()
        };
        let renamed = Wording::default().settings_page("Account > API keys");
        let mut naming = Vec::new();
        for denial in all() {
            let default = detail(&denial, &Wording::default());
            assert!(!default.contains('{'), "{default}");
            assert_eq!(
                detail(&denial, &renamed),
                default.replace("Developer settings", "Account > API keys"),
                "{denial:?}"
            );
            if default.contains("Developer settings") {
                naming.push(denial.code());
            }
        }
        assert_eq!(naming, [DenialCode::Deactivated, DenialCode::Expired, DenialCode::RateLimited]);
        for code in ManageErrorCode::ALL {
            assert!(!code.detail().contains("Developer settings") && !code.detail().contains('{'), "{code}");
        }
    }

    #[test]
    fn renderer_replaces_the_body_and_its_type_only() {
        let denial = Denial::VerificationUnavailable;
        let plain = default_response(&denial);
        let renderer = |_: &Denial, problem: &Problem| RenderedBody::new("text/plain", problem.code.as_str());
        let (wording, plans) = (Wording::default(), Plans::standard());
        let denied = Denied { wording: &wording, plans: &plans, renderer: Some(&renderer), now: NOW };
        let rendered = denied.response(&denial);
        assert_eq!(rendered.status, plain.status);
        assert_eq!(rendered.body, b"VERIFICATION_UNAVAILABLE");
        assert_eq!(rendered.headers[0], ("content-type", "text/plain".to_owned()));
        assert_eq!(rendered.headers[1..], plain.headers[1..]);
    }
}
