use apikeys_test_browser::{Browser, run};
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

const FORM: &str = "<x-form></x-form><script>
    customElements.define('x-form', class extends HTMLElement {
        connectedCallback() {
            const root = this.attachShadow({ mode: 'open' });
            root.innerHTML = `<form><label>Name<input></label><button>Save</button><button hidden>Save</button></form><p role=status></p>`;
            root.querySelector('form').onsubmit = (event) => {
                event.preventDefault();
                setTimeout(() => root.querySelector('p').textContent = 'saved ' + root.querySelector('input').value, 50);
            };
        }
    })</script>";

#[tokio::test]
async fn elements_in_a_shadow_root_are_found_filled_and_clicked() {
    with_page("elements-shadow", FORM, async |browser| {
        let field = browser.find("textbox", "Name").await;
        field.fill("first").await;
        field.fill("CI \u{5d0}\"><b>").await;
        assert_eq!(field.value().await, "CI \u{5d0}\"><b>");
        assert!(field.has_focus().await);
        let save = browser.find("button", "Save").await;
        save.click().await;
        assert!(save.has_focus().await && !field.has_focus().await);
        let status = browser.find("status", "").await;
        let said = async || status.text().await == "saved CI \u{5d0}\"><b>";
        while !said().await {}
        assert_eq!(browser.all("button").await.len(), 1, "a hidden button is not in the accessibility tree");
    })
    .await;
}

#[tokio::test]
async fn elements_are_found_inside_another_element() {
    let body = "<table><tr><th scope=row>one<td><button>Edit</button><tr><th scope=row>two<td><button>Edit</button></table><p hidden>gone</p>";
    with_page("elements-inside", body, async |browser| {
        assert_eq!(browser.all("button").await.len(), 2);
        let row = browser.find_with_text("row", "two").await;
        let edit = row.find("button", "Edit").await;
        assert_eq!(edit.script("return this.closest('tr').rowIndex").await, 1);
        assert_eq!(browser.select("p").await.text().await, "", "a hidden text is not shown");
    })
    .await;
}

#[tokio::test]
#[should_panic(
    expected = "the page does not have exactly one button with \"Edit\"; it has [\"Edit\", \"Edit\"]"
)]
async fn ambiguous_name_fails_the_test() {
    let body = "<button>Edit</button><button>Edit</button>";
    with_page("elements-ambiguous", body, async |browser| {
        browser.find("button", "Edit").await;
    })
    .await;
}
