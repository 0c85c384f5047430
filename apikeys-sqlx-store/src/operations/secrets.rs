//! Adds and deletes the secrets of keys, and maintains the number of secrets of each scheme.

use apikeys_core::{
    KeyId,
    store::{CommitOutcome, SecretRow},
    token::Locator,
};

use crate::{argument::arguments, error::Failure, session::Session, statements::WriteStatement};

/// Adds secrets. Returns `DuplicateLocator` if one of the locators is in use.
pub(crate) async fn add(
    session: &mut impl Session,
    key: KeyId,
    secrets: &[SecretRow],
) -> Result<Option<CommitOutcome>, Failure> {
    for secret in secrets {
        if secret.key != key {
            return Err(Failure::Refused("the secret belongs to another key"));
        }
        let is_added = insert(session, secret).await?
            || delete_forgotten(session, &secret.locator).await? && insert(session, secret).await?;
        if !is_added {
            return Ok(Some(CommitOutcome::DuplicateLocator));
        }
        session.execute(WriteStatement::AddToScheme, arguments![secret.locator.scheme().to_string()]).await?;
    }
    Ok(None)
}

/// Inserts a secret. Returns `false` if the locator is in use.
async fn insert(session: &mut impl Session, secret: &SecretRow) -> Result<bool, Failure> {
    let added = session
        .execute(
            WriteStatement::AddSecret,
            arguments![
                secret.locator.scheme().to_string(),
                secret.locator.as_bytes(),
                &secret.key,
                secret.created_at,
                secret.ends_at
            ],
        )
        .await?;
    Ok(added > 0)
}

/// Deletes the secret with this locator if the secret belongs to a forgotten organization. Such a locator is
/// not in use, although the purge has not deleted the secret.
async fn delete_forgotten(session: &mut impl Session, locator: &Locator) -> Result<bool, Failure> {
    let deleted = session
        .execute(
            WriteStatement::DeleteForgottenSecret,
            arguments![locator.scheme().to_string(), locator.as_bytes()],
        )
        .await?;
    if deleted == 0 {
        return Ok(false);
    }
    remove_from_scheme(session, &locator.scheme().to_string(), 1).await?;
    Ok(true)
}

/// Deletes the secrets with `locators`. Secrets of other keys are not deleted.
pub(crate) async fn delete(
    session: &mut impl Session,
    key: KeyId,
    locators: &[Locator],
) -> Result<(), Failure> {
    for locator in locators {
        let deleted = session
            .execute(
                WriteStatement::DeleteSecret,
                arguments![locator.scheme().to_string(), locator.as_bytes(), &key],
            )
            .await?;
        if deleted > 0 {
            remove_from_scheme(session, &locator.scheme().to_string(), 1).await?;
        }
    }
    Ok(())
}

/// Deletes all secrets of the key.
pub(crate) async fn delete_all(session: &mut impl Session, key: KeyId) -> Result<(), Failure> {
    for statement in [WriteStatement::RemoveKeyFromSchemes, WriteStatement::DeleteSecretsOfKey] {
        session.execute(statement, arguments![&key]).await?;
    }
    Ok(())
}

/// Subtracts deleted secrets from the number of secrets of a scheme.
pub(crate) async fn remove_from_scheme(
    session: &mut impl Session,
    scheme: &str,
    secrets: i64,
) -> Result<(), Failure> {
    session.execute(WriteStatement::RemoveFromScheme, arguments![scheme, secrets]).await?;
    Ok(())
}
