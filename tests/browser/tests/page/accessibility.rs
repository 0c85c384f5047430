use crate::scene::scene;

/// Returns the position of the first line that begins with `start`.
fn position(outline: &[String], start: &str) -> usize {
    let found = outline.iter().position(|line| line.starts_with(start));
    found.unwrap_or_else(|| panic!("no line begins with {start}: {outline:#?}"))
}

/// Fails unless the outline has these lines in this order, each exactly once.
fn assert_has(outline: &[String], lines: &[&str]) {
    let positions: Vec<_> = lines.iter().map(|line| position(outline, line)).collect();
    assert!(positions.is_sorted(), "{lines:?} in {outline:#?}");
    for line in lines {
        assert_eq!(outline.iter().filter(|other| other == line).count(), 1, "{line} in {outline:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn screen_reader_is_told_the_list_and_each_result() {
    scene("axum", "page-screen-reader-list", "org_starter", async |page| {
        let browser = page.browser;
        page.create("Deploys").await;
        let outline = browser.outline().await;
        assert_has(
            &outline,
            &[
                "tablist \"Developer settings\"",
                "tab \"API keys\" selected",
                "tab \"Audit log\"",
                "tabpanel \"API keys\"",
                "heading \"API keys\"",
                "button \"Create API key\"",
                "table \"API keys\"",
                "columnheader \"Key\"",
                "columnheader \"Status\"",
                "columnheader \"Last used\"",
                "columnheader \"Requests\"",
                "columnheader \"Expires\"",
                "columnheader \"Rate limit\"",
                "columnheader \"Actions\"",
                "button \"Deploys\"",
                "cell \"Active\"",
                "image \"Last 24 hours: 0 requests admitted, 0 denied\"",
                "cell \"60 per minute (default)\"",
                "button \"Edit \u{2068}Deploys\u{2069}\"",
                "button \"Deactivate \u{2068}Deploys\u{2069}\"",
                "button \"Delete \u{2068}Deploys\u{2069}\"",
                "status live=polite",
            ]
            .map(|line| line.replace('\u{2068}', "\\u{2068}").replace('\u{2069}', "\\u{2069}"))
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
        );
        assert!(!outline.iter().any(|line| line.starts_with("dialog")), "{outline:#?}");

        for (button, result) in [
            ("Deactivate", "Deploys\u{2069} is deactivated. Requests with this key are refused."),
            ("Activate", "Deploys\u{2069} is active."),
        ] {
            browser.find("button", &format!("{button} \u{2068}Deploys\u{2069}")).await.click().await;
            browser.find_with_text("status", result).await;
        }
        page.begin("Second").await;
        page.submit().await;
        page.secret().await;
        page.stored().await;
        browser.find("button", "Delete \u{2068}Second\u{2069}").await.click().await;
        browser.select("dialog [name=confirm]").await.fill("Second").await;
        page.submit().await;
        browser.find_with_text("status", "Second\u{2069} is deleted.").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn screen_reader_is_told_what_each_dialog_is_about() {
    scene("axum", "page-screen-reader-dialogs", "org_starter", async |page| {
        let browser = page.browser;
        page.begin(" ").await;
        let create = [
            "dialog \"Create API key\" modal",
            "heading \"Create API key\"",
            "textbox \"Name\" required (For example the program that uses the key, such as “CI deploys”.)",
            "combobox \"Expiration\"",
            "textbox \"Rate limit (requests per minute)\" (From 1 to 10,000. Leave empty for the default, which is 60.)",
            "button \"Cancel\"",
            "button \"Create key\"",
        ];
        let outline = browser.outline().await;
        assert_has(&outline, &create);
        assert!(!outline.iter().any(|line| line.starts_with("tab")), "the rest of the page is inert: {outline:#?}");

        page.submit().await;
        browser.select("dialog [name=name][aria-invalid=true]").await;
        let wrong = "textbox \"Name\" invalid required (Enter a name. For example the program that uses the key, such as “CI deploys”.)";
        assert_has(&browser.outline().await, &[wrong]);
        browser.select("dialog [name=name]").await.fill("Spoken").await;
        page.submit().await;
        page.secret().await;
        let outline = browser.outline().await;
        let about = "(The key Spoken works now. Store it in a safe place, such as a password manager. The key is shown only this once.)";
        assert_has(
            &outline,
            &[
                &format!("dialog \"Your new API key\" modal {about}"),
                "group \"API key\"",
                "button \"Copy key\"",
                "group \"Command that uses the key\"",
                "button \"Copy command\"",
                "button \"I have stored it\"",
                "status live=polite",
            ],
        );
        page.stored().await;
        browser.find("button", "Delete \u{2068}Spoken\u{2069}").await.click().await;
        browser.select("dialog [name=confirm]").await;
        let outline = browser.outline().await;
        let dialog = &outline[position(&outline, "dialog \"Delete API key?\" modal")];
        assert!(dialog.contains("Every program that uses the key Spoken (demo_live_"), "{dialog}");
        assert!(dialog.contains("The key has never been used."), "{dialog}");
        assert_has(&outline, &["textbox \"To confirm, enter the name of the key: Spoken\"", "button \"Delete key\" disabled"]);
    })
    .await;
}
