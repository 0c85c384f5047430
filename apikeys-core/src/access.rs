//! The decision whether a key may be used, which depends on the key's state and its organization's plan.

use crate::{Timestamp, denial::Denial, key::Status, plan::Plan, store::KeyRow};

/// Decides whether `key` may be used at `now`. The rate limit is checked later.
///
/// # Errors
///
/// Returns the first denial that applies, in the order [`Denial::Deactivated`], [`Denial::Expired`],
/// [`Denial::PlanWithoutAccess`].
pub(crate) fn admit(key: &KeyRow, plan: &Plan, now: Timestamp) -> Result<(), Denial> {
    match key.status(now) {
        Status::Deactivated => Err(Denial::Deactivated),
        Status::Expired => Err(Denial::Expired),
        Status::Active if !plan.api_access() => Err(Denial::PlanWithoutAccess),
        Status::Active => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{Actor, KeyId, OrgId},
        key::KeyName,
        plan::Quota,
    };

    #[test]
    fn first_reason_in_order_is_given_for_every_combination() {
        let (org, actor) = (OrgId::new("o").unwrap(), Actor::new("a").unwrap());
        let name = KeyName::new("n").unwrap();
        let end = Timestamp::from_micros(100);
        for active in [true, false] {
            for expires in [None, Some(end)] {
                for access in [true, false] {
                    for now in [99, 100, 101] {
                        let mut key = KeyRow::new(
                            KeyId::from_bytes([1; 16]),
                            org.clone(),
                            name.clone(),
                            String::new(),
                            end,
                            actor.clone(),
                        );
                        (key.active, key.expires_at) = (active, expires);
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
                        assert_eq!(admit(&key, &plan, Timestamp::from_micros(now)), wanted);
                    }
                }
            }
        }
    }
}
