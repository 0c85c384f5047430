//! The decision whether a key may be used, which depends on the key's state and its organization's plan.

use crate::{denial::Denial, key::Status, plan::Plan};

/// Decides whether a key whose status at this time is `status` may be used. The rate limit is checked later.
///
/// # Errors
///
/// Returns the first denial that applies, in the order [`Denial::Deactivated`], [`Denial::Expired`],
/// [`Denial::PlanWithoutAccess`].
pub(crate) fn admit(status: Status, plan: &Plan) -> Result<(), Denial> {
    match status {
        Status::Deactivated => Err(Denial::Deactivated),
        Status::Expired => Err(Denial::Expired),
        Status::Active if !plan.api_access() => Err(Denial::PlanWithoutAccess),
        Status::Active => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, plan::Quota};

    #[test]
    fn first_reason_in_order_is_given_for_every_combination() {
        let end = Timestamp::from_micros(100);
        for active in [true, false] {
            for expires in [None, Some(end)] {
                for access in [true, false] {
                    for now in [99, 100, 101] {
                        let plan = Plan::new("p", Quota::Unlimited).unwrap();
                        let plan = if access { plan } else { plan.without_api_access() };
                        let wanted = if !active {
                            Err(Denial::Deactivated)
                        } else if expires.is_some() && now >= 100 {
                            Err(Denial::Expired)
                        } else if !access {
                            Err(Denial::PlanWithoutAccess)
                        } else {
                            Ok(())
                        };
                        let status = Status::at(active, expires, Timestamp::from_micros(now));
                        assert_eq!(admit(status, &plan), wanted);
                    }
                }
            }
        }
    }
}
