use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    path::PathBuf,
};

use apikeys_test_leftovers::Artifacts;
use futures_util::FutureExt;

use crate::Browser;

/// Runs a test with a new browser, which may send requests only to `origin`, such as `http://127.0.0.1:3000`.
///
/// Panics if the browser has seen a fault that the test did not expect, or has not seen one that it expected. A test
/// that panics leaves a picture of the page in the folder `failed` of the screenshots.
pub async fn run(artifacts: &Artifacts, origin: &str, check: impl AsyncFnOnce(&Browser)) {
    let browser = Browser::start(artifacts, origin).await;
    let checked = AssertUnwindSafe(check(&browser)).catch_unwind().await;
    if let Err(panic) = checked {
        eprintln!("the browser has seen: {:#?}", browser.try_faults().await);
        let name = artifacts.folder().file_name().unwrap().to_str().unwrap();
        browser.try_capture(&failed(name)).await;
        drop(browser);
        resume_unwind(panic);
    }
    let faults = browser.unexpected_faults().await;
    browser.quit().await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn failed(name: &str) -> PathBuf {
    crate::screen::folder().join("failed").join(format!("{name}.png"))
}
