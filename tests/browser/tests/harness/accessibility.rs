use apikeys_test_browser::{Browser, Device, Scheme, run};
use apikeys_test_leftovers::Artifacts;

use crate::site::Site;

async fn with_page(test: &str, body: &str, check: impl AsyncFnOnce(&Browser)) {
    let artifacts = Artifacts::new(test);
    let site = Site::start(body, None).await;
    run(&artifacts, &site.origin, async |browser| {
        browser.open("/").await;
        check(browser).await;
    })
    .await;
}

#[tokio::test]
async fn serious_violations_are_found_with_their_rule() {
    for (rule, body) in [
        ("image-alt", "<h1>Images</h1><img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"),
        ("button-name", "<h1>Buttons</h1><button></button>"),
        ("color-contrast", "<h1>Colors</h1><p style='color: #aaa; background: #fff'>Pale text"),
        (
            "target-size",
            "<h1>Sizes</h1><button style='all: unset; font-size: 4px'>A</button><button style='all: unset; font-size: 4px'>B</button>",
        ),
    ] {
        with_page(&format!("axe-{rule}"), body, async |browser| {
            let found = browser.accessibility_violations().await;
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(&format!("{rule:?}")), "{found:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn violation_inside_a_shadow_root_is_found() {
    let body = "<h1>Elements</h1><x-planted></x-planted><script>
        customElements.define('x-planted', class extends HTMLElement {
            connectedCallback() { this.attachShadow({ mode: 'open' }).innerHTML = '<button></button>' }
        })</script>";
    with_page("axe-shadow", body, async |browser| {
        assert_eq!(browser.accessibility_violations().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn violation_in_one_color_scheme_is_found_when_that_scheme_is_shown() {
    let body = "<h1>Schemes</h1><style>
        :root { color-scheme: light dark; background: light-dark(white, black) }
        p { color: #333 }</style><p>Text";
    with_page("axe-schemes", body, async |browser| {
        assert_eq!(browser.accessibility_violations().await, [""; 0]);
        browser.show(Device::Phone, Scheme::Dark).await;
        let found = browser.accessibility_violations().await;
        assert!(found.len() == 1 && found[0].contains("color-contrast"), "{found:?}");
    })
    .await;
}

#[tokio::test]
#[should_panic(expected = "axe-core has found:\ncritical \"button-name\"")]
async fn serious_violation_fails_the_test() {
    with_page("axe-fails", "<h1>Buttons</h1><button></button>", async |browser| {
        browser.assert_accessible().await;
    })
    .await;
}
