//! Administrators who create and rename keys while the database server is killed.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use apikeys_core::{KeyId, audit::Action, store::AuditQuery};
use apikeys_tests::{Connection, Quickstart, Request, contract::Created};
use serde_json::json;
use tokio::{task::JoinHandle, time::sleep};

use crate::scene::Scene;

const ORG: &str = "org_enterprise";
const KEYS: &str = "/settings/developer/api/keys";
/// The number of administrators who make changes at the same time.
const ADMINS: usize = 4;
/// The pause between two changes of an administrator, which limits their number.
const PAUSE: Duration = Duration::from_millis(5);

/// The changes of all rounds, by the name under which each key was created.
#[derive(Default)]
pub(crate) struct Changes(BTreeMap<String, Answers>);

/// The responses to the changes of one key.
struct Answers {
    /// The key, or `None` if the response to the creation was 503.
    created: Option<Created>,
    /// Whether the key was renamed. If not, the response was 503.
    is_renamed: bool,
}

/// Administrators who change keys until [`stop`](Self::stop) is called.
pub(crate) struct Changing {
    tasks: Vec<JoinHandle<BTreeMap<String, Answers>>>,
    stop: Arc<AtomicBool>,
}

impl Changing {
    /// Starts to create keys through a service, and to rename each. The names of the keys begin with `name`.
    pub(crate) fn start(to: SocketAddr, name: &str) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let change = |number| change(to, format!("{name} admin {number}"), Arc::clone(&stop));
        let tasks = (0..ADMINS).map(|number| tokio::spawn(change(number))).collect();
        Self { tasks, stop }
    }

    /// Waits for the current changes. Returns all changes.
    pub(crate) async fn stop(self) -> Changes {
        self.stop.store(true, Ordering::SeqCst);
        let mut changes = Changes::default();
        for task in self.tasks {
            changes.0.extend(task.await.unwrap());
        }
        changes
    }
}

impl Changes {
    pub(crate) fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) async fn assert_acknowledged_keys_work(&self, service: &Quickstart) {
        for created in self.0.values().filter_map(|answers| answers.created.as_ref()) {
            let whoami = Request::get("/v1/whoami").bearer(&created.secret);
            assert_eq!(service.send(&whoami).await.status, 200);
        }
    }

    /// Panics unless each acknowledged change is stored with one event, and each other change is stored with one event
    /// or not at all. Returns the numbers of changes.
    pub(crate) async fn assert_applied_once(&self, scene: &Scene) -> String {
        let stored = names(scene).await;
        let created = events(scene, Action::KeyCreated).await;
        let updated = events(scene, Action::KeyUpdated).await;
        assert_eq!(created.len(), stored.len(), "each key has the event of its creation");
        assert!(created.values().all(|events| *events == 1), "a creation was recorded twice");
        let (mut unclear, mut applied) = (0, 0);
        for (name, Answers { created, is_renamed }) in &self.0 {
            let new_name = renamed_from(name);
            let of_name: Vec<_> =
                stored.iter().filter(|(_, stored)| *stored == name || **stored == new_name).collect();
            let Some(created) = created else {
                unclear += 1;
                applied += of_name.len();
                assert!(of_name.len() <= 1, "{name} was created twice");
                continue;
            };
            let [(id, stored)] = of_name[..] else { panic!("{} keys are called {name}", of_name.len()) };
            assert_eq!(id.to_string(), created.id, "{name}");
            let has_new_name = *stored == new_name;
            assert_eq!(updated.get(id).copied().unwrap_or(0), usize::from(has_new_name), "{name}");
            if *is_renamed {
                assert!(has_new_name, "the new name of {name} is lost");
            } else {
                unclear += 1;
                applied += usize::from(has_new_name);
            }
        }
        let quota = scene.admin.manage(ORG).quota().await.unwrap();
        assert_eq!(usize::try_from(quota.used).unwrap(), stored.len(), "the counted keys");
        format!("{} keys; {unclear} changes without an answer, {applied} of them were applied", self.0.len())
    }
}

async fn change(to: SocketAddr, name: String, stop: Arc<AtomicBool>) -> BTreeMap<String, Answers> {
    let mut changes = BTreeMap::new();
    let mut connection = Connection::open(to).await.unwrap();
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let name = format!("{name} change {number}");
        let request = Request::post(KEYS, "").admin(ORG).json(&json!({ "name": name }));
        let response = connection.send(&request).await.unwrap();
        let mut answers = Answers { created: None, is_renamed: false };
        if is_acknowledged(response.status, 201) {
            let created = Created::read(&response);
            let request = Request::new("PATCH", format!("{KEYS}/{}", created.id)).admin(ORG);
            let request = request.json(&json!({ "name": renamed_from(&name) }));
            let response = connection.send(&request).await.unwrap();
            answers.is_renamed = is_acknowledged(response.status, 200);
            answers.created = Some(created);
        }
        changes.insert(name, answers);
        sleep(PAUSE).await;
    }
    changes
}

fn is_acknowledged(status: u16, success: u16) -> bool {
    assert!([success, 503].contains(&status), "{status}");
    status == success
}

fn renamed_from(name: &str) -> String {
    format!("{name} renamed")
}

/// Returns the names of all keys.
async fn names(scene: &Scene) -> HashMap<KeyId, String> {
    let manage = scene.admin.manage(ORG);
    let (mut names, mut after) = (HashMap::new(), None);
    loop {
        let page = manage.list(100, after).await.unwrap();
        names.extend(page.items.iter().map(|key| (key.id(), key.name().to_string())));
        after = page.next;
        if after.is_none() {
            return names;
        }
    }
}

/// Returns the number of events of an action for each key.
async fn events(scene: &Scene, action: Action) -> HashMap<KeyId, usize> {
    let manage = scene.admin.manage(ORG);
    let mut events = HashMap::new();
    let mut query = AuditQuery::new(apikeys_core::OrgId::new(ORG).unwrap(), 1_000).action(action);
    loop {
        let page = manage.audit(query.clone()).await.unwrap();
        for entry in page.items {
            *events.entry(entry.event.key.unwrap()).or_default() += 1;
        }
        if page.next.is_none() {
            return events;
        }
        query = query.after(page.next);
    }
}
