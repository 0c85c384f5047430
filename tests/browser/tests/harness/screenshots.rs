use std::fs;

use apikeys_test_browser::run;
use apikeys_test_leftovers::{Artifacts, target};

use crate::site::Site;

/// The width and height in the header of a PNG file.
fn size(file: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[tokio::test]
async fn screenshots_show_the_page_on_both_devices_in_both_schemes() {
    let artifacts = Artifacts::new("screenshots");
    let body = "<meta name=viewport content='width=device-width'><style>
        :root { color-scheme: light dark } body { margin: 0 } main { height: 1000px }</style>tall";
    let site = Site::start(body, None).await;
    let folder = target().join("screenshots");
    let file = |ending: &str| folder.join(format!("harness-{ending}.png"));
    let endings = ["desktop-light", "desktop-dark", "phone-light", "phone-dark"];
    for ending in endings {
        let _ = fs::remove_file(file(ending));
    }
    run(&artifacts, &site.origin, async |browser| {
        browser.open("/").await;
        browser.screenshots("harness").await;
    })
    .await;
    let files = endings.map(|ending| fs::read(file(ending)).unwrap());
    assert_eq!(
        files.each_ref().map(|file| size(file)),
        [(1280, 1000), (1280, 1000), (720, 2000), (720, 2000)]
    );
    assert!(files[0] != files[1] && files[2] != files[3], "the schemes look alike");
}
