//! The secrets of keys, and the number of secrets of each scheme.

use apikeys_core::{KeyId, key::SecretRow, store::Committed, token::Locator};
use sqlx::SqliteConnection;

use crate::error::Failure;

/// Adds secrets, or answers that one of their locators is taken.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    key: KeyId,
    secrets: &[SecretRow],
) -> Result<Option<Committed>, Failure> {
    for secret in secrets {
        if secret.key != key {
            return Err(Failure::Refused("the secret is another key's"));
        }
        let is_added = insert(connection, secret).await?
            || drop_forgotten(connection, &secret.locator).await? && insert(connection, secret).await?;
        if !is_added {
            return Ok(Some(Committed::DuplicateLocator));
        }
        sqlx::query(
            "INSERT INTO apikeys_schemes (scheme, secrets) VALUES (?1, 1)
             ON CONFLICT (scheme) DO UPDATE SET secrets = secrets + 1",
        )
        .bind(secret.locator.scheme().to_string())
        .execute(&mut *connection)
        .await?;
    }
    Ok(None)
}

/// Inserts a secret. Returns false if the locator is taken.
async fn insert(connection: &mut SqliteConnection, secret: &SecretRow) -> Result<bool, Failure> {
    let added = sqlx::query(
        "INSERT INTO apikeys_secrets (scheme, locator, key, created_at, ends_at)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (scheme, locator) DO NOTHING",
    )
    .bind(secret.locator.scheme().to_string())
    .bind(secret.locator.as_bytes())
    .bind(secret.key.as_bytes().as_slice())
    .bind(secret.created_at.as_micros())
    .bind(secret.ends_at.map(apikeys_core::Timestamp::as_micros))
    .execute(connection)
    .await?;
    Ok(added.rows_affected() > 0)
}

/// Removes the secret with this locator if it belongs to a forgotten organization: its locator is
/// free although the secret is not purged yet.
async fn drop_forgotten(connection: &mut SqliteConnection, locator: &Locator) -> Result<bool, Failure> {
    let dropped = sqlx::query(
        "DELETE FROM apikeys_secrets WHERE scheme = ?1 AND locator = ?2 AND EXISTS (
            SELECT 1 FROM apikeys_keys k JOIN apikeys_forgotten f ON f.num = k.org
            WHERE k.id = apikeys_secrets.key)",
    )
    .bind(locator.scheme().to_string())
    .bind(locator.as_bytes())
    .execute(&mut *connection)
    .await?;
    if dropped.rows_affected() == 0 {
        return Ok(false);
    }
    count_down(connection, &locator.scheme().to_string(), 1).await?;
    Ok(true)
}

/// Removes those of `locators` that are the key's.
pub(super) async fn drop(
    connection: &mut SqliteConnection,
    key: KeyId,
    locators: &[Locator],
) -> Result<(), Failure> {
    for locator in locators {
        let dropped =
            sqlx::query("DELETE FROM apikeys_secrets WHERE scheme = ?1 AND locator = ?2 AND key = ?3")
                .bind(locator.scheme().to_string())
                .bind(locator.as_bytes())
                .bind(key.as_bytes().as_slice())
                .execute(&mut *connection)
                .await?;
        if dropped.rows_affected() > 0 {
            count_down(connection, &locator.scheme().to_string(), 1).await?;
        }
    }
    Ok(())
}

/// Removes all of the key's secrets.
pub(super) async fn drop_all(connection: &mut SqliteConnection, key: KeyId) -> Result<(), Failure> {
    for statement in [
        "UPDATE apikeys_schemes SET secrets = secrets - (
            SELECT count(*) FROM apikeys_secrets s WHERE s.key = ?1 AND s.scheme = apikeys_schemes.scheme)",
        "DELETE FROM apikeys_secrets WHERE key = ?1",
    ] {
        sqlx::query(statement).bind(key.as_bytes().as_slice()).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn count_down(
    connection: &mut SqliteConnection,
    scheme: &str,
    secrets: i64,
) -> Result<(), Failure> {
    sqlx::query("UPDATE apikeys_schemes SET secrets = secrets - ?2 WHERE scheme = ?1")
        .bind(scheme)
        .bind(secrets)
        .execute(connection)
        .await?;
    Ok(())
}
