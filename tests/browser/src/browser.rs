use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use apikeys_test_leftovers::Artifacts;
use serde_json::{Value, json};
use thirtyfour::{
    ChromeCapabilities, ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver,
    error::WebDriverResult,
};

use crate::{
    Device, Fault, Scheme,
    driver::{Driver, is_root, program},
    fault,
    screen::{self, ONE_SHOT},
    wait,
};

/// A browser with one tab and an empty profile. Dropping the value kills the browser.
#[derive(Debug)]
pub struct Browser {
    /// `None` only while the value is dropped.
    session: Option<WebDriver>,
    driver: Driver,
    origin: String,
    own_origins: Mutex<Vec<String>>,
    seen: Mutex<Seen>,
    expected: Mutex<Vec<String>>,
}

/// What the logs of chromedriver contained. Chromedriver returns each entry once.
#[derive(Debug, Default)]
struct Seen {
    faults: Vec<Fault>,
    events: Vec<Value>,
}

impl Browser {
    /// Starts a browser, which may send requests only to `origin`.
    pub(crate) async fn start(artifacts: &Artifacts, origin: &str) -> Self {
        let driver = Driver::start(&artifacts.path("chromedriver.log"));
        let profile = driver.folder().join("profile");
        let session = WebDriver::new(driver.url(), capabilities(&profile)).await;
        let browser = Self {
            session: Some(session.expect("chromedriver starts Chromium; its log says why not")),
            driver,
            origin: origin.to_owned(),
            own_origins: Mutex::new(vec![origin.to_owned()]),
            seen: Mutex::default(),
            expected: Mutex::default(),
        };
        // The new tab shows a page of Chromium, which is not a page of the test.
        browser.session().goto("about:blank").await.unwrap();
        browser.read_logs().await;
        *browser.seen() = Seen::default();
        // Elements in a window that has never been in front receive no events about the focus.
        browser.devtools("Page.bringToFront", json!({})).await;
        browser.show(Device::Desktop, Scheme::Light).await;
        browser
    }

    /// The session of the WebDriver client.
    #[must_use]
    pub fn session(&self) -> &WebDriver {
        self.session.as_ref().unwrap()
    }

    /// The folder of Chromium's profile, which is removed after the test.
    #[must_use]
    pub fn profile(&self) -> PathBuf {
        self.driver.folder().join("profile")
    }

    /// Opens a path of the origin, and waits until the page is loaded.
    pub async fn open(&self, path: &str) {
        self.session().goto(format!("{}{path}", self.origin)).await.unwrap();
    }

    /// Opens a URL of any origin, which may then receive requests, and waits until the page is loaded.
    pub async fn open_elsewhere(&self, url: &str) {
        let origin: Vec<&str> = url.split('/').take(3).collect();
        self.own_origins.lock().unwrap().push(origin.join("/"));
        self.session().goto(url).await.unwrap();
    }

    /// Runs the body of a function in the page and returns its result. The body reads `arguments`, and a promise is
    /// awaited.
    pub async fn script(&self, body: &str, arguments: Vec<Value>) -> Value {
        self.session().execute(body, arguments).await.unwrap().json().clone()
    }

    /// Waits until an expression in the page is true.
    pub async fn until(&self, expression: &str) {
        let body = format!("return Boolean({expression})");
        let holds = async || (self.script(&body, Vec::new()).await == true).then_some(());
        wait::until(holds, async || {
            format!("{expression} stays false; the page says: {}", self.text().await)
        })
        .await;
    }

    /// Returns the text that the page shows, without that of shadow roots.
    pub async fn text(&self) -> String {
        self.script("return document.body.innerText", Vec::new())
            .await
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Sends a command of the Chrome DevTools Protocol.
    pub async fn devtools(&self, method: &str, parameters: Value) -> Value {
        self.session().cdp().send_raw(method, parameters).await.unwrap()
    }

    /// Expects a message in the console that contains `text`. The test fails if the message does not appear.
    pub fn expect(&self, text: &str) {
        self.expected.lock().unwrap().push(text.to_owned());
    }

    /// Returns the events of chromedriver's log `performance` since the start, oldest first.
    pub async fn events(&self) -> Vec<Value> {
        self.read_logs().await;
        self.seen().events.clone()
    }

    /// Returns the faults since the start, with those that the test expects.
    pub async fn faults(&self) -> Vec<Fault> {
        self.read_logs().await;
        self.seen().faults.clone()
    }

    /// Returns a description of each fault that the test did not expect, and of each expected message that did not
    /// appear.
    pub(crate) async fn unexpected_faults(&self) -> Vec<String> {
        let faults = self.faults().await;
        let expected = self.expected.lock().unwrap().clone();
        judge(&faults, &expected)
    }

    /// Returns the faults, or nothing if the browser no longer responds.
    pub(crate) async fn try_faults(&self) -> Vec<Fault> {
        let _ = self.try_read_logs().await;
        self.seen().faults.clone()
    }

    /// Writes a picture of the page, if the browser still responds.
    pub(crate) async fn try_capture(&self, file: &Path) {
        if let Ok(image) = self.session().cdp().send_raw("Page.captureScreenshot", ONE_SHOT.clone()).await {
            screen::write(file, &image);
        }
    }

    /// Ends the browser in an orderly way.
    pub(crate) async fn quit(mut self) {
        self.session.take().unwrap().quit().await.unwrap();
    }

    async fn read_logs(&self) {
        self.try_read_logs().await.unwrap();
    }

    async fn try_read_logs(&self) -> WebDriverResult<()> {
        let console = self.session().get_log("browser").await?;
        let performance = self.session().get_log("performance").await?;
        let own = self.own_origins.lock().unwrap().clone();
        let mut seen = self.seen();
        seen.faults.extend(console.iter().filter_map(fault::of_console));
        for entry in performance {
            let mut event: Value = serde_json::from_str(&entry.message)?;
            let event = event["message"].take();
            seen.faults.extend(fault::of_event(&event, &own));
            seen.events.push(event);
        }
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser. Without this call, the session would ask chromedriver to do so.
        if let Some(session) = self.session.take() {
            let _ = session.leak();
        }
    }
}

fn judge(faults: &[Fault], expected: &[String]) -> Vec<String> {
    let is_expected =
        |fault: &Fault, text: &String| matches!(fault, Fault::Console(seen) if seen.contains(text));
    let unexpected = faults.iter().filter(|fault| !expected.iter().any(|text| is_expected(fault, text)));
    let unexpected = unexpected.map(|fault| format!("the browser has seen {fault}"));
    let missing = expected.iter().filter(|text| !faults.iter().any(|fault| is_expected(fault, text)));
    unexpected.chain(missing.map(|text| format!("the console has no message with {text:?}"))).collect()
}

/// A headless Chromium that sends no requests of its own, resolves no names, and logs everything.
///
/// Only the name `plain.example` has an address, which is that of this machine. Its pages have no HTTPS, and browsers do not
/// trust it as they trust 127.0.0.1.
fn capabilities(profile: &Path) -> ChromeCapabilities {
    let mut capabilities = DesiredCapabilities::chrome();
    capabilities.set_binary(program("chromium").to_str().unwrap()).unwrap();
    capabilities.add_arg(&format!("--user-data-dir={}", profile.display())).unwrap();
    let sandbox = if is_root() { &["--no-sandbox"][..] } else { &[] };
    for argument in [
        "--headless=new",
        "--hide-scrollbars",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
        "--disable-sync",
        "--host-resolver-rules=MAP plain.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--lang=en-US",
        "--no-first-run",
    ]
    .iter()
    .chain(sandbox)
    {
        capabilities.add_arg(argument).unwrap();
    }
    for log in ["browser", "performance"] {
        capabilities.set_logging_prefs(log, LoggingPrefsLogLevel::All).unwrap();
    }
    capabilities
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_message_is_no_fault_and_must_appear() {
        let seen = [Fault::Console("network: status of 422".to_owned())];
        assert!(judge(&seen, &["of 422".to_owned()]).is_empty());
        assert_eq!(judge(&seen, &[]).len(), 1);
        assert_eq!(judge(&[], &["of 422".to_owned()]), ["the console has no message with \"of 422\""]);
        let elsewhere = [Fault::OtherOrigin("http://a/of 422".to_owned())];
        assert_eq!(judge(&elsewhere, &["of 422".to_owned()]).len(), 2);
    }
}
