//! Adds and deletes the secrets of keys, and maintains the number of secrets of each scheme.

use apikeys_core::{
    KeyId,
    store::{CommitOutcome, SecretRow},
    token::Locator,
};
use sqlx::SqliteConnection;

use super::statements::WriteStatement;
use crate::error::Failure;

/// Adds secrets. Returns `DuplicateLocator` if one of the locators is in use.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    key: KeyId,
    secrets: &[SecretRow],
) -> Result<Option<CommitOutcome>, Failure> {
    for secret in secrets {
        if secret.key != key {
            return Err(Failure::Refused("the secret belongs to another key"));
        }
        let is_added = insert(connection, secret).await?
            || delete_forgotten(connection, &secret.locator).await? && insert(connection, secret).await?;
        if !is_added {
            return Ok(Some(CommitOutcome::DuplicateLocator));
        }
        WriteStatement::AddToScheme
            .query()
            .bind(secret.locator.scheme().to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(None)
}

/// Inserts a secret. Returns `false` if the locator is in use.
async fn insert(connection: &mut SqliteConnection, secret: &SecretRow) -> Result<bool, Failure> {
    let added = WriteStatement::AddSecret
        .query()
        .bind(secret.locator.scheme().to_string())
        .bind(secret.locator.as_bytes())
        .bind(secret.key.as_bytes().as_slice())
        .bind(secret.created_at.as_micros())
        .bind(secret.ends_at.map(apikeys_core::Timestamp::as_micros))
        .execute(connection)
        .await?;
    Ok(added.rows_affected() > 0)
}

/// Deletes the secret with this locator if the secret belongs to a forgotten organization. Such a locator is
/// not in use, although the purge has not deleted the secret.
async fn delete_forgotten(connection: &mut SqliteConnection, locator: &Locator) -> Result<bool, Failure> {
    let deleted = WriteStatement::DeleteForgottenSecret
        .query()
        .bind(locator.scheme().to_string())
        .bind(locator.as_bytes())
        .execute(&mut *connection)
        .await?;
    if deleted.rows_affected() == 0 {
        return Ok(false);
    }
    remove_from_scheme(connection, &locator.scheme().to_string(), 1).await?;
    Ok(true)
}

/// Deletes the secrets with `locators`. Secrets of other keys are not deleted.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    key: KeyId,
    locators: &[Locator],
) -> Result<(), Failure> {
    for locator in locators {
        let deleted = WriteStatement::DeleteSecret
            .query()
            .bind(locator.scheme().to_string())
            .bind(locator.as_bytes())
            .bind(key.as_bytes().as_slice())
            .execute(&mut *connection)
            .await?;
        if deleted.rows_affected() > 0 {
            remove_from_scheme(connection, &locator.scheme().to_string(), 1).await?;
        }
    }
    Ok(())
}

/// Deletes all secrets of the key.
pub(super) async fn delete_all(connection: &mut SqliteConnection, key: KeyId) -> Result<(), Failure> {
    for statement in [WriteStatement::RemoveKeyFromSchemes, WriteStatement::DeleteSecretsOfKey] {
        statement.query().bind(key.as_bytes().as_slice()).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Subtracts deleted secrets from the number of secrets of a scheme.
pub(super) async fn remove_from_scheme(
    connection: &mut SqliteConnection,
    scheme: &str,
    secrets: i64,
) -> Result<(), Failure> {
    WriteStatement::RemoveFromScheme.query().bind(scheme).bind(secrets).execute(connection).await?;
    Ok(())
}
