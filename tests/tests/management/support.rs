use apikeys_core::{Actor, ApiKeys, ManualClock, MemoryStore, OrgId, PlanName};
use apikeys_example_shared::{Demo, Login};
use apikeys_tests::{InProcess, Request};

const TOKEN: &str = "let-me-in";

/// A quickstart in this process with a manual clock.
pub(crate) struct Service {
    pub(crate) clock: ManualClock,
    pub(crate) server: InProcess,
}

impl Service {
    /// Starts a framework's quickstart. `page` is an origin that the management API allows.
    pub(crate) async fn start(framework: &str, page: &str) -> Self {
        let clock = ManualClock::default();
        let builder = ApiKeys::builder(MemoryStore::new()).clock(clock.clone()).prefix("test_key");
        let (keys, _) = builder.build().await.unwrap();
        let operator = keys.operator(Actor::new("billing").unwrap());
        let plan = PlanName::new("enterprise").unwrap();
        operator.set_plan(&OrgId::new("org").unwrap(), &plan).await.unwrap();
        let mut demo = Demo::new(keys, Login::new(Some(TOKEN)).unwrap());
        demo.api = demo.api.allow_origin(page).unwrap();
        Self { clock, server: InProcess::quickstart(framework, &demo).await }
    }
}

/// Returns an administrator's request to the management API. `path` is the path below `/api`.
pub(crate) fn request(method: &'static str, path: &str) -> Request {
    let request = Request::new(method, format!("/settings/developer/api{path}"));
    request.line("X-Demo-Admin", TOKEN).line("X-Demo-Org", "org")
}
