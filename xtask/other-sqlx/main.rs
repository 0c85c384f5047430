//! A service on sqlx 0.8 whose API keys are in a file of their own, which `apikeys-sqlx-store` opens with
//! sqlx 0.9.

use apikeys_sqlx_store::{
    SqliteStore,
    apikeys_core::{Actor, ApiKeys, Denial, NewKey, OrgId, PlanName, RequestMeta},
};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: other-sqlx FOLDER")?;

    // The service's own database, on sqlx 0.8.
    let own = SqliteConnectOptions::new().filename(format!("{folder}/notes.db")).create_if_missing(true);
    let pool = SqlitePool::connect_with(own).await?;
    sqlx::query("CREATE TABLE notes (org TEXT NOT NULL, text TEXT NOT NULL)").execute(&pool).await?;

    // The file of the keys, on sqlx 0.9.
    let store = SqliteStore::connect(&format!("sqlite:{folder}/keys.db")).await?;
    let (keys, maintenance) = ApiKeys::builder(store.clone()).build().await?;
    tokio::spawn(maintenance.run());

    let org = OrgId::new("org_1")?;
    keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("starter")?).await?;
    let created = keys.manage(&org, Actor::new("ann")?).create(NewKey::new("CI")?).await?;

    // Requests use both databases in turn.
    for number in 0..100_i64 {
        let secret = created.secret.expose().as_bytes();
        let admission = match keys.verify(secret, RequestMeta::new("POST", "/v1/notes")).await {
            Ok(admission) => admission,
            Err(Denial::RateLimited(_)) if number >= 60 => continue,
            Err(denial) => return Err(format!("request {number} was denied: {denial:?}").into()),
        };
        sqlx::query("INSERT INTO notes (org, text) VALUES (?, ?)")
            .bind(org.as_str())
            .bind(format!("note {number}"))
            .execute(&pool)
            .await?;
        admission.finish(201).await.map_err(|denial| format!("{denial:?}"))?;
    }
    keys.flush().await?;

    let notes: i64 = sqlx::query_scalar("SELECT count(*) FROM notes").fetch_one(&pool).await?;
    let counted = keys.manage(&org, Actor::new("ann")?).get(created.key.id()).await?.request_count();
    let foreign: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'apikeys%'")
        .fetch_one(&pool)
        .await?;
    keys.shutdown().await?;
    store.close().await?;
    pool.close().await;
    println!("{notes} notes on sqlx 0.8, {counted} counted requests on sqlx 0.9");
    if (notes, counted, foreign) != (60, 60, 0) {
        return Err(format!("expected 60, 60 and no table of the store in notes.db, not {foreign}").into());
    }
    Ok(())
}
