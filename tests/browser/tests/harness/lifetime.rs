use std::{
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use apikeys_test_browser::run;
use apikeys_test_leftovers::Artifacts;
use futures_util::FutureExt;

use crate::site::Site;

/// Returns whether a process has the profile in its command line, as Chromium and its helpers have.
fn is_in_use(profile: &Path) -> bool {
    let list = Command::new("ps").args(["-e", "-o", "args="]).output().expect("`ps` lists the processes");
    String::from_utf8_lossy(&list.stdout).contains(profile.to_str().unwrap())
}

/// Waits until neither processes nor files of a browser are left.
fn assert_gone(profile: &Path) {
    let until = Instant::now() + Duration::from_secs(10);
    while is_in_use(profile) || profile.exists() {
        assert!(Instant::now() < until, "the browser is still there");
    }
}

#[tokio::test]
async fn browser_ends_with_its_test() {
    let artifacts = Artifacts::new("ends");
    let site = Site::start("fine", None).await;
    let mut profile = PathBuf::new();
    run(&artifacts, &site.origin, async |browser| {
        profile = browser.profile();
        browser.open("/").await;
        assert!(is_in_use(&profile) && profile.exists());
    })
    .await;
    assert_gone(&profile);
}

#[tokio::test]
async fn browser_ends_when_its_test_panics() {
    let artifacts = Artifacts::new("ends-after-a-panic");
    let site = Site::start("fine", None).await;
    let mut profile = PathBuf::new();
    let checked = run(&artifacts, &site.origin, async |browser| {
        profile = browser.profile();
        assert!(is_in_use(&profile) && profile.exists());
        panic!("planted");
    });
    let panic = AssertUnwindSafe(checked).catch_unwind().await.expect_err("the panic is passed on");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"planted"));
    assert_gone(&profile);
}
