//! An engine on a store of one's own.
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use apikeys_core::{Actor, ApiKeys, NewKey, OrgId, PlanName, RequestMeta};
use apikeys_example_custom_store::MapStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (keys, maintenance) = ApiKeys::builder(MapStore::new()).build().await?;
    tokio::spawn(maintenance.run());

    let org = OrgId::new("org_1")?;
    keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("starter")?).await?;
    let manage = keys.manage(&org, Actor::new("ann")?);
    let created = manage.create(NewKey::new("CI deploys")?).await?;
    for path in ["/v1/builds", "/v1/deploys"] {
        let request = RequestMeta::new("GET", path);
        let served = match keys.verify(created.secret.expose().as_bytes(), request).await {
            Ok(admission) => admission.finish(200).await,
            Err(denial) => Err(denial),
        };
        served.map_err(|denial| format!("{path} was denied: {:?}", denial.code()))?;
    }

    // The requests are in the store when the engine has ended.
    keys.shutdown().await?;
    let key = manage.get(created.key.id()).await?;
    println!("{} was used for {} requests", key.name(), key.request_count());
    Ok(())
}
