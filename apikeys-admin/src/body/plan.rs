use apikeys_core::{ManageError, Plan as CatalogPlan, PlanName, Plans, Quota, RateLimit, http::Wording};
use schemars::JsonSchema;
use serde::Serialize;

use super::schema;

/// The plan of the organization. `GET api/keys` returns the quota.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Plan {
    /// The name of the plan for programs.
    #[schemars(with = "String")]
    name: PlanName,
    /// The name of the plan that people read.
    display_name: String,
    /// Whether the plan has API access. Without API access, no key works and no key can be created.
    api_access: bool,
    /// The rate limit of keys without a limit of their own, in requests per minute.
    #[schemars(with = "schema::Limit")]
    default_rate_limit: RateLimit,
    /// The name, for people, of the first plan of the catalogue that has API access and allows more keys. If
    /// the organization's plan has no API access, the first plan with API access. Null if there is no such
    /// plan.
    upgrade_to: Option<String>,
    /// What the service advises organizations without API access to do. Null if the plan has API access, or
    /// if the service has not set such a text.
    advice: Option<String>,
}

impl Plan {
    pub(crate) fn new(plan: &CatalogPlan, plans: &Plans, wording: &Wording) -> Self {
        let offers_more = |other: &&CatalogPlan| {
            other.api_access() && (!plan.api_access() || allows_more(other.quota(), plan.quota()))
        };
        Self {
            name: plan.name().clone(),
            display_name: plan.display_name().to_owned(),
            api_access: plan.api_access(),
            default_rate_limit: plan.effective_rate_limit(None),
            upgrade_to: plans.iter().find(offers_more).map(|other| other.display_name().to_owned()),
            advice: if plan.api_access() { None } else { advice(wording) },
        }
    }
}

fn allows_more(one: Quota, other: Quota) -> bool {
    match (one, other) {
        (_, Quota::Unlimited) => false,
        (Quota::Unlimited, Quota::Limited(_)) => true,
        (Quota::Limited(one), Quota::Limited(other)) => one > other,
    }
}

/// Returns the text that the service has set in place of the default advice.
fn advice(wording: &Wording) -> Option<String> {
    let without_default = ManageError::ApiAccessNotAvailable { upgrade: String::new() };
    let detail = without_default.to_problem(wording).detail;
    (!detail.is_empty()).then(|| detail.into_owned())
}
