//! A key's secrets, and beside them the number of secrets of each scheme.

use apikeys_core::{
    KeyId,
    key::SecretRow,
    store::Committed,
    token::{Locator, Scheme},
};
use sqlx::SqliteConnection;

use crate::error::Failure;

/// Adds secrets; refuses if one of their locators is taken.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    key: KeyId,
    secrets: &[SecretRow],
) -> Result<Option<Committed>, Failure> {
    for secret in secrets {
        if secret.key != key {
            return Err(Failure::Refused("the secret is another key's"));
        }
        let added = sqlx::query(
            "INSERT INTO apikeys_secrets (scheme, locator, key, created_at, ends_at)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (scheme, locator) DO NOTHING",
        )
        .bind(secret.locator.scheme().to_string())
        .bind(secret.locator.as_bytes())
        .bind(key.as_bytes().as_slice())
        .bind(secret.created_at.as_micros())
        .bind(secret.ends_at.map(apikeys_core::Timestamp::as_micros))
        .execute(&mut *connection)
        .await?;
        if added.rows_affected() == 0 {
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
            count_down(connection, locator.scheme()).await?;
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

async fn count_down(connection: &mut SqliteConnection, scheme: &Scheme) -> Result<(), Failure> {
    sqlx::query("UPDATE apikeys_schemes SET secrets = secrets - 1 WHERE scheme = ?1")
        .bind(scheme.to_string())
        .execute(connection)
        .await?;
    Ok(())
}
