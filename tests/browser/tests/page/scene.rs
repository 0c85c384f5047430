use std::sync::Arc;

use apikeys_test_browser::{Browser, Device, Element, Scheme, run};
use apikeys_test_leftovers::{Artifacts, note_secret};
use apikeys_tests::{
    Database, TOKEN,
    contract::{MOUNT, Service, Subject},
};
use serde_json::{Value, json};

use crate::{front::Front, layout::assert_fits};

/// A quickstart, and a browser that is logged in as an administrator of one organization.
pub(crate) struct Scene<'s> {
    pub(crate) framework: &'s str,
    pub(crate) service: &'s Service,
    pub(crate) front: &'s Front,
    pub(crate) browser: &'s Browser,
    pub(crate) org: &'static str,
}

/// The log of a test. The `WebDriver` client would write all responses of the browser into the log, and they contain
/// the secrets that the page shows.
pub(crate) const LOG: &str = "trace,thirtyfour=off";

/// Starts a quickstart, opens its page as an administrator of `org`, and waits until the page shows the keys.
pub(crate) async fn scene(
    framework: &'static str,
    case: &str,
    org: &'static str,
    check: impl AsyncFnOnce(Scene<'_>),
) {
    let artifacts = Artifacts::with_log(&format!("{case}-{framework}"), LOG);
    scene_with(artifacts, framework, org, "trace", check).await;
}

/// Does the same with the database in the folder of `artifacts`, for tests that measure: the service logs little.
pub(crate) async fn scene_in(
    artifacts: Artifacts,
    framework: &'static str,
    org: &'static str,
    check: impl AsyncFnOnce(Scene<'_>),
) {
    scene_with(artifacts, framework, org, "warn", check).await;
}

async fn scene_with(
    artifacts: Artifacts,
    framework: &'static str,
    org: &'static str,
    log: &str,
    check: impl AsyncFnOnce(Scene<'_>),
) {
    let subject = Subject::new(framework, Database::Sqlite);
    let database = Arc::new(subject.database().create(&artifacts).await);
    let service = Service::start_on(database, artifacts.clone(), subject, ("quickstart", log)).await;
    let front = Front::of(service.address()).await;
    run(&artifacts, &front.origin, async |browser| {
        let scene = Scene { framework, service: &service, front: &front, browser, org };
        scene.log_in().await;
        check(scene).await;
    })
    .await;
    drop(front);
    service.stop().await;
}

impl Scene<'_> {
    /// Opens the link that the quickstart prints, for the organization.
    pub(crate) async fn log_in(&self) {
        self.browser.open(&format!("/login?token={TOKEN}&org={}", self.org)).await;
        self.ready().await;
    }

    /// Waits until the page shows the keys.
    pub(crate) async fn ready(&self) {
        self.browser.select("#keys-view:not([aria-busy])").await;
        self.browser.select("#app:not([hidden])").await;
    }

    /// Lets each page that is opened from now on ask for keys, which it does every five seconds, after this number of
    /// milliseconds.
    pub(crate) async fn ask_for_keys_after(&self, milliseconds: u32) {
        let source = format!(
            "const real = setTimeout;
            globalThis.setTimeout = (act, pause) => real(act, pause === 5000 ? {milliseconds} : pause);"
        );
        self.browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await;
        // The next page is a new document, even if its URL differs only in the fragment.
        self.browser.open_elsewhere("about:blank").await;
    }

    /// Opens the page of a key.
    pub(crate) async fn open(&self, fragment: &str) {
        self.browser.open(&format!("{MOUNT}#{fragment}")).await;
    }

    /// Returns the keys of the organization, as the API lists them.
    pub(crate) async fn keys(&self) -> Vec<Value> {
        self.service.org(self.org).get("/keys").await["keys"].as_array().unwrap().clone()
    }

    /// Checks the accessibility of what the page shows, in both schemes and on both devices, and that it fits on a phone.
    /// The tests on axum also leave pictures.
    pub(crate) async fn inspect(&self, name: &str) {
        if self.framework == "axum" {
            self.browser.screenshots(name).await;
        }
        self.browser.assert_accessible().await;
        self.browser.show(Device::Phone, Scheme::Dark).await;
        self.browser.assert_accessible().await;
        assert_fits(self.browser).await;
        self.browser.show(Device::Desktop, Scheme::Light).await;
    }

    /// Opens the dialog for a new key and fills in the name.
    pub(crate) async fn begin(&self, name: &str) -> Element<'_> {
        self.browser.select("#create").await.click().await;
        let dialog = self.browser.find("dialog", "Create API key").await;
        dialog.find("textbox", "Name").await.fill(name).await;
        dialog
    }

    /// Sends the form of the open dialog.
    pub(crate) async fn submit(&self) {
        self.browser.select("dialog [data-do=submit]").await.click().await;
    }

    /// Waits until the secret is shown, registers it, and returns it.
    pub(crate) async fn secret(&self) -> String {
        let secret = self.browser.select("#secret").await.text().await;
        note_secret(&secret[.."demo_live_0123".len()], &secret);
        secret
    }

    /// Closes the dialog with the secret.
    pub(crate) async fn stored(&self) {
        self.browser.find("button", "I have stored it").await.click().await;
        self.browser.gone("dialog", "Your new API key").await;
    }

    /// Creates a key with a name through the page.
    pub(crate) async fn create(&self, name: &str) -> String {
        self.begin(name).await;
        self.submit().await;
        let secret = self.secret().await;
        self.stored().await;
        secret
    }
}

/// Chooses an option of a select element.
pub(crate) async fn choose(select: &Element<'_>, value: &str) {
    let choose = format!(
        "this.value = {value:?}; this.dispatchEvent(new Event('change', {{ bubbles: true }})); return this.value"
    );
    assert_eq!(select.script(&choose).await, value, "the option exists");
}
