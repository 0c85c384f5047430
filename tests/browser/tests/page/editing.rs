use apikeys_tests::on_each_framework;
use serde_json::json;

use crate::scene::{choose, scene};

on_each_framework![
    key_is_edited_and_the_focus_returns,
    key_is_deactivated_and_activated_at_once,
    key_is_deleted_only_with_its_name,
    focus_returns_from_each_dialog_to_where_it_was,
    edit_of_a_key_that_another_administrator_has_deleted_is_refused_with_the_reason,
    row_of_a_key_that_another_administrator_has_deleted_goes_with_a_message,
];

async fn key_is_edited_and_the_focus_returns(framework: &'static str) {
    scene(framework, "page-edit", "org_starter", async |page| {
        page.create("Before").await;
        page.browser.find("button", "Edit \u{2068}Before\u{2069}").await.click().await;
        let dialog = page.browser.find("dialog", "Edit API key").await;
        dialog.find("textbox", "Name").await.fill("After").await;
        dialog.find("textbox", "Rate limit (requests per minute)").await.fill("7").await;
        choose(&page.browser.select("dialog [name=expiration]").await, "30").await;
        page.inspect("edit").await;
        page.submit().await;
        page.browser.gone("dialog", "Edit API key").await;
        let edit = page.browser.find("button", "Edit \u{2068}After\u{2069}").await;
        assert!(edit.has_focus().await);
        page.browser.select("#toast.shown").await;
        assert_eq!(page.browser.select("#live").await.text().await, "\u{2068}After\u{2069} is saved.");
        let key = &page.keys().await[0];
        assert_eq!((&key["name"], &key["rate_limit"]), (&json!("After"), &json!(7)));
        assert!(key["expires_at"].is_string());
        // The log says what changed, from what to what.
        page.browser.find("tab", "Audit log").await.click().await;
        let event = page.browser.find_with_text("listitem", "demo edited the key After: ").await.text().await;
        for change in
            ["name from Before to After", "expiration from never to ", "rate limit from the default to 7"]
        {
            assert!(event.contains(change), "{event}");
        }
        // An expiration and a rate limit can be removed.
        page.browser.find("tab", "API keys").await.click().await;
        page.browser.find("button", "Edit \u{2068}After\u{2069}").await.click().await;
        let dialog = page.browser.find("dialog", "Edit API key").await;
        dialog.find("textbox", "Rate limit (requests per minute)").await.fill("").await;
        choose(&page.browser.select("dialog [name=expiration]").await, "none").await;
        page.submit().await;
        page.browser.gone("dialog", "Edit API key").await;
        let key = &page.keys().await[0];
        assert!(key["expires_at"].is_null() && key["rate_limit"].is_null(), "{key}");
        assert_eq!(key["effective_rate_limit"], 60);
    })
    .await;
}

async fn key_is_deactivated_and_activated_at_once(framework: &'static str) {
    scene(framework, "page-deactivate", "org_starter", async |page| {
        let secret = page.create("Paused").await;
        page.browser.find("button", "Deactivate \u{2068}Paused\u{2069}").await.click().await;
        let activate = page.browser.find("button", "Activate \u{2068}Paused\u{2069}").await;
        assert_eq!(page.service.whoami(&secret).await.status, 401);
        assert_eq!(page.browser.select("[data-cell=status]").await.text().await, "Deactivated");
        page.inspect("deactivated").await;
        activate.click().await;
        page.browser.find("button", "Deactivate \u{2068}Paused\u{2069}").await;
        assert_eq!(page.service.whoami(&secret).await.status, 200);
        // The message about each change undoes it.
        for (button, status) in [("Activate", 401), ("Deactivate", 200)] {
            page.browser.select("#undo:not([hidden])").await.click().await;
            page.browser.find("button", &format!("{button} \u{2068}Paused\u{2069}")).await;
            assert_eq!(page.service.whoami(&secret).await.status, status);
        }
        let gap = "const [one, other] = this.querySelectorAll('[data-do=deactivate], [data-do=delete]');
            return other.getBoundingClientRect().left - one.getBoundingClientRect().right";
        let gap = page.browser.select("#keys .actions").await.script(gap).await;
        assert!(gap.as_f64().unwrap() >= 16.0, "Delete is {gap} pixels beside Deactivate");
    })
    .await;
}

async fn key_is_deleted_only_with_its_name(framework: &'static str) {
    scene(framework, "page-delete", "org_starter", async |page| {
        let secret = page.create("Old deploys").await;
        page.browser.find("button", "Delete \u{2068}Old deploys\u{2069}").await.click().await;
        let dialog = page.browser.find("dialog", "Delete API key?").await;
        let confirm = page.browser.select("dialog [name=confirm]").await;
        page.browser.select("dialog [data-do=submit][aria-disabled=true]").await.click().await;
        page.browser.select("dialog [name=confirm][aria-invalid=true]").await;
        assert!(dialog.text().await.contains("Enter the name of the key."));
        confirm.fill("Old deploy").await;
        page.submit().await;
        page.browser.select("dialog [name=confirm][aria-invalid=true]").await;
        assert!(dialog.text().await.contains("This is not the name of the key."));
        assert_eq!(page.service.whoami(&secret).await.status, 200);
        page.inspect("delete").await;
        confirm.fill("Old deploys").await;
        page.browser.select("dialog [data-do=submit]:not([aria-disabled])").await;
        page.submit().await;
        page.browser.gone("dialog", "Delete API key?").await;
        page.browser.select("#empty:not([hidden])").await;
        assert_eq!(page.service.whoami(&secret).await.status, 401);
        assert_eq!(page.keys().await.len(), 0);
        assert!(page.browser.focused().await.is_some(), "the focus has a place after the deletion");
    })
    .await;
}

async fn focus_returns_from_each_dialog_to_where_it_was(framework: &'static str) {
    scene(framework, "page-focus", "org_professional", async |page| {
        let browser = page.browser;
        let org = page.service.org("org_professional");
        let key = org.create(json!({ "name": "Kept" })).await;
        let gone = org.create(json!({ "name": "Gone" })).await;
        for place in ["keys".to_owned(), format!("key/{}", key.id)] {
            page.open(&place).await;
            for (button, dialog) in [
                ("Edit \u{2068}Kept\u{2069}", "Edit API key"),
                ("Delete \u{2068}Kept\u{2069}", "Delete API key?"),
            ] {
                for leave in ["Cancel", "Escape"] {
                    browser.find("button", button).await.click().await;
                    let open = browser.find("dialog", dialog).await;
                    match leave {
                        "Cancel" => open.find("button", "Cancel").await.click().await,
                        key => browser.press_key(key).await,
                    }
                    browser.gone("dialog", dialog).await;
                    let focused = browser.focused().await.map(|element| element.name);
                    assert_eq!(focused.as_deref(), Some(button), "{place}: {leave} in {dialog}");
                }
            }
        }
        // Back in the list, the key has the focus. A key that is deleted on its own page is not in the list, and the list's
        // heading has the focus.
        browser.find("button", "← All API keys").await.click().await;
        page.ready().await;
        assert_eq!(browser.focused().await.unwrap().name, "Kept");
        browser.press_key("Enter").await;
        assert!(browser.find("heading", "Kept").await.has_focus().await, "a new view begins at its heading");
        page.open(&format!("key/{}", gone.id)).await;
        browser.find("button", "Delete \u{2068}Gone\u{2069}").await.click().await;
        browser.select("dialog [name=confirm]").await.fill("Gone").await;
        page.submit().await;
        page.ready().await;
        let heading = browser.select("#keys-view h2").await;
        assert!(heading.has_focus().await, "the focus has a place after the deletion");
        assert_eq!(page.keys().await.len(), 1);
    })
    .await;
}

const GONE: &str = "The key no longer exists. Another administrator may have deleted it.";

async fn edit_of_a_key_that_another_administrator_has_deleted_is_refused_with_the_reason(
    framework: &'static str,
) {
    scene(framework, "page-gone", "org_professional", async |page| {
        let browser = page.browser;
        browser.expect("status of 404");
        // The list learns of the deletions only from the refusals.
        page.ask_for_keys_after(600_000).await;
        page.log_in().await;
        let org = page.service.org("org_professional");
        let key = org.create(json!({ "name": "Edited" })).await;
        browser.session().refresh().await.unwrap();
        page.ready().await;
        let edit = browser.find("button", "Edit \u{2068}Edited\u{2069}").await;
        assert_eq!(org.call("DELETE", &format!("/keys/{}", key.id)).await.status, 204);
        edit.click().await;
        browser.find("dialog", "Edit API key").await.find("textbox", "Name").await.fill("Other").await;
        page.submit().await;
        let error = browser.select("dialog [data-error=form]:not([hidden])").await;
        assert_eq!(error.text().await, GONE);
        browser.select("dialog [data-do=cancel]").await.click().await;
        browser.gone("button", "Edited").await;
        assert!(browser.focused().await.is_some(), "the focus has a place without the button");

        // The page of the key says so, too, and still shows its events.
        page.open(&format!("key/{}", key.id)).await;
        browser.find("heading", "Key not found").await;
        browser.select("#key-page .empty:not([hidden])").await;
        browser.find_with_text("listitem", "demo deleted the key Edited.").await;
        page.inspect("key-missing").await;
    })
    .await;
}

async fn row_of_a_key_that_another_administrator_has_deleted_goes_with_a_message(framework: &'static str) {
    scene(framework, "page-gone-row", "org_professional", async |page| {
        let browser = page.browser;
        browser.expect("status of 404");
        page.ask_for_keys_after(600_000).await;
        page.log_in().await;
        page.create("Switched").await;
        page.create("Deleted").await;
        page.create("Open").await;
        let org = page.service.org("org_professional");
        for key in page.keys().await {
            assert_eq!(
                org.call("DELETE", &format!("/keys/{}", key["id"].as_str().unwrap())).await.status,
                204
            );
        }
        // What the administrator wanted has happened.
        browser.find("button", "Delete \u{2068}Deleted\u{2069}").await.click().await;
        browser.select("dialog [name=confirm]").await.fill("Deleted").await;
        page.submit().await;
        browser.gone("dialog", "Delete API key?").await;
        assert_eq!(browser.select("#live").await.text().await, "\u{2068}Deleted\u{2069} is deleted.");
        browser.find("button", "Deactivate \u{2068}Switched\u{2069}").await.click().await;
        browser.gone("button", "Switched").await;
        assert_eq!(browser.select("#live").await.text().await, GONE);
        browser.select("#toast.shown").await;
        assert!(browser.select("#keys-view h2").await.has_focus().await, "the row with the focus is gone");

        // The log of an open key shows the deletion, and the page of the key follows.
        let watched = org.create(json!({ "name": "Watched" })).await;
        page.open(&format!("key/{}", watched.id)).await;
        let edit = browser.find("button", "Edit \u{2068}Watched\u{2069}").await;
        edit.script("this.focus()").await;
        browser.find_with_text("listitem", "demo created the key Watched.").await;
        assert_eq!(org.call("DELETE", &format!("/keys/{}", watched.id)).await.status, 204);
        let heading = browser.find("heading", "Key not found").await;
        assert!(heading.has_focus().await, "the button with the focus is gone");
        assert!(!edit.script("return this.checkVisibility()").await.as_bool().unwrap());
    })
    .await;
}
