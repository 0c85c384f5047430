//! Plans: how many keys an organization may have, and whether it has API access.

use std::{fmt, sync::Arc};

use crate::{
    rate_limit::RateLimit,
    text::{InvalidValue, text_value},
};

text_value! {
    /// The name of a plan, such as `professional`. A name has 1 to 64 characters of `a-z`, `0-9`, `-` and
    /// `_`.
    ///
    /// The name is stored with each organization on the plan. Cloning is cheap.
    PlanName, read_plan_name
}

fn read_plan_name(text: &str) -> Result<&str, InvalidValue> {
    let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text)
    } else {
        Err(InvalidValue::new("plan name", "expected 1 to 64 characters of a-z, 0-9, - and _"))
    }
}

/// The number of keys that an organization may have, including deactivated and expired keys.
///
/// ```
/// use apikeys_core::Quota;
///
/// assert_eq!(Quota::Limited(10).to_string(), "10");
/// assert_eq!(Quota::Unlimited.to_string(), "unlimited");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed for good: a number or none")]
pub enum Quota {
    /// At most this many keys.
    Limited(u32),
    /// Any number of keys.
    Unlimited,
}

impl Quota {
    /// Returns the highest number of keys. `None` means that the quota is unlimited.
    #[must_use]
    pub const fn limit(self) -> Option<u32> {
        match self {
            Self::Limited(most) => Some(most),
            Self::Unlimited => None,
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limited(most) => write!(f, "{most}"),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

/// A plan sets the number of keys, the API access and the default rate limit of its organizations.
///
/// ```
/// use apikeys_core::{Plan, Quota, RateLimit};
///
/// let team = Plan::new("team", Quota::Limited(5))?.default_rate_limit(RateLimit::per_minute(600)?);
/// let trial = Plan::new("trial", Quota::Limited(0))?.without_api_access();
/// assert!(team.api_access() && !trial.api_access());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    name: PlanName,
    display_name: Arc<str>,
    quota: Quota,
    api_access: bool,
    default_rate_limit: RateLimit,
}

impl Plan {
    /// Creates a plan with API access and the default rate limit [`RateLimit::DEFAULT`].
    ///
    /// # Errors
    ///
    /// Returns an error if `name` is not a valid [`PlanName`].
    pub fn new(name: impl AsRef<str>, quota: Quota) -> Result<Self, InvalidValue> {
        Ok(Self::named(PlanName::new(name)?, quota, true))
    }

    fn named(name: PlanName, quota: Quota, api_access: bool) -> Self {
        let display_name = capitalized(name.as_str()).into();
        Self { name, display_name, quota, api_access, default_rate_limit: RateLimit::DEFAULT }
    }

    /// Sets the name that people read, as in "Upgrade to the Starter plan". The default is the
    /// plan's name with a capital first letter.
    #[must_use]
    pub fn with_display_name(mut self, name: impl AsRef<str>) -> Self {
        self.display_name = name.as_ref().into();
        self
    }

    /// Removes API access from the plan. The keys of organizations on this plan do not work, and no keys can
    /// be created.
    #[must_use]
    pub fn without_api_access(mut self) -> Self {
        self.api_access = false;
        self
    }

    /// Sets the rate limit of keys without a limit of their own. The default is [`RateLimit::DEFAULT`]. The
    /// limit also applies to existing keys.
    #[must_use]
    pub fn default_rate_limit(mut self, limit: RateLimit) -> Self {
        self.default_rate_limit = limit;
        self
    }

    /// Returns the plan's name.
    #[must_use]
    pub fn name(&self) -> &PlanName {
        &self.name
    }

    /// Returns the name that people read.
    #[must_use]
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// Returns how many keys the plan allows.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.quota
    }

    /// Returns whether the plan has API access.
    #[must_use]
    pub fn api_access(&self) -> bool {
        self.api_access
    }

    /// Returns the rate limit of a key. `own` is the key's own limit, and `None` means that the plan's
    /// default applies.
    #[must_use]
    pub fn effective_rate_limit(&self, own: Option<RateLimit>) -> RateLimit {
        own.unwrap_or(self.default_rate_limit)
    }
}

/// The catalogue of your service's plans. An organization is on the first plan until its plan is set.
///
/// An organization is stored with the name of its plan only, so a change to the catalogue applies to all
/// existing keys. Keep a plan in the catalogue for as long as an organization is on it, because requests of
/// organizations on an unknown plan are denied with `VERIFICATION_UNAVAILABLE` (503).
#[derive(Debug, Clone)]
pub struct Plans {
    first: Arc<Plan>,
    rest: Vec<Arc<Plan>>,
}

/// The reason why plans cannot form a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPlans {
    /// The list of plans is empty.
    #[error("a catalogue needs at least one plan")]
    Empty,
    /// Two plans have the same name.
    #[error("two plans are called {0}")]
    Repeated(PlanName),
}

impl Plans {
    /// Creates a catalogue of `plans`. The first plan is the default plan.
    ///
    /// # Errors
    ///
    /// Returns an error if `plans` is empty, or if two plans have the same name.
    pub fn new(plans: impl IntoIterator<Item = Plan>) -> Result<Self, InvalidPlans> {
        let mut plans = plans.into_iter();
        let first = plans.next().ok_or(InvalidPlans::Empty)?;
        let mut catalogue = Self { first: Arc::new(first), rest: Vec::new() };
        for plan in plans {
            if catalogue.get(&plan.name).is_some() {
                return Err(InvalidPlans::Repeated(plan.name));
            }
            catalogue.rest.push(Arc::new(plan));
        }
        Ok(catalogue)
    }

    /// Creates the standard catalogue: `free` (no keys and no API access), `starter` (2 keys),
    /// `professional` (10 keys) and `enterprise` (any number of keys), each with a default rate limit
    /// of 60 requests a minute.
    #[must_use]
    pub fn standard() -> Self {
        let plan =
            |name: &str, quota, api_access| Arc::new(Plan::named(PlanName(name.into()), quota, api_access));
        Self {
            first: plan("free", Quota::Limited(0), false),
            rest: vec![
                plan("starter", Quota::Limited(2), true),
                plan("professional", Quota::Limited(10), true),
                plan("enterprise", Quota::Unlimited, true),
            ],
        }
    }

    /// Returns the plan with this name. `None` means that the plan is not in the catalogue.
    #[must_use]
    pub fn get(&self, name: &PlanName) -> Option<&Arc<Plan>> {
        std::iter::once(&self.first).chain(&self.rest).find(|plan| plan.name == *name)
    }

    /// Returns all plans. The first is the default plan.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        std::iter::once(&self.first).chain(&self.rest).map(Arc::as_ref)
    }

    /// Returns the plan that an organization is on until its plan is set.
    #[must_use]
    pub fn default_plan(&self) -> &Plan {
        &self.first
    }
}

impl Plans {
    /// Returns a sentence that names the plan an organization needs for API access.
    pub(crate) fn upgrade_advice(&self) -> String {
        let mut plans = self.iter().skip_while(|plan| !plan.api_access());
        match (plans.next(), plans.next()) {
            (Some(first), Some(_)) => format!("Upgrade to the {} plan or a higher one.", first.display_name),
            (Some(only), None) => format!("Upgrade to the {} plan.", only.display_name),
            (None, _) => "No plan of this service includes API access.".to_owned(),
        }
    }
}

/// Returns `name` with its first letter in upper case.
fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

impl Default for Plans {
    fn default() -> Self {
        Self::standard()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_plans_have_their_quotas_and_access() {
        let listed: Vec<_> = Plans::standard()
            .iter()
            .map(|plan| (plan.name().to_string(), plan.quota().limit(), plan.api_access()))
            .collect();
        assert_eq!(
            listed,
            [
                ("free".to_owned(), Some(0), false),
                ("starter".to_owned(), Some(2), true),
                ("professional".to_owned(), Some(10), true),
                ("enterprise".to_owned(), None, true),
            ]
        );
        assert!(Plans::standard().iter().all(|plan| plan.effective_rate_limit(None).requests() == 60));
    }

    #[test]
    fn catalogue_refuses_no_plans_and_repeated_names() {
        assert_eq!(Plans::new([]).unwrap_err(), InvalidPlans::Empty);
        let plan = || Plan::new("a", Quota::Unlimited).unwrap();
        assert!(matches!(Plans::new([plan(), plan()]), Err(InvalidPlans::Repeated(_))));
        assert!(Plan::new("A", Quota::Unlimited).is_err());
    }
}
