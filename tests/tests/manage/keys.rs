use apikeys_tests::Admin;

use crate::terminal::{Terminal, cells, member};

#[tokio::test(flavor = "multi_thread")]
async fn list_prints_keys_newest_first_in_aligned_columns() {
    let terminal = Terminal::start("manage-list").await;
    let empty = "ID  NAME  PREFIX  STATUS  CREATED  EXPIRES  RATE LIMIT  LAST USED  REQUESTS\n\n";
    assert_eq!(terminal.ok("org_starter", &["list"]).await, format!("{empty}keys in use: 0, allowed: 2\n"));
    let expires = ["--expires", "2031-01-31T01:00:00+01:00", "--rate-limit", "600"];
    let old = terminal.create("org_starter", &[&["Billing"][..], &expires].concat()).await;
    let new = terminal.create("org_starter", &["CI"]).await;
    terminal.ok("org_starter", &["deactivate", &old.id]).await;

    let width = old.at.len().max(new.at.len());
    let (old_prefix, new_prefix) = (&old.secret[..14], &new.secret[..14]);
    let expected = [
        format!(
            "ID{:24}  NAME     PREFIX{:8}  STATUS       {:<width$}  EXPIRES               \
             RATE LIMIT    LAST USED  REQUESTS",
            "", "", "CREATED"
        ),
        format!(
            "{}  CI       {new_prefix}  active       {:<width$}  never                 \
             60 (default)  never      0",
            new.id, new.at
        ),
        format!(
            "{}  Billing  {old_prefix}  deactivated  {:<width$}  2031-01-31T00:00:00Z  \
             600           never      0",
            old.id, old.at
        ),
        String::new(),
        "keys in use: 2, allowed: 2\n".to_owned(),
    ];
    assert_eq!(terminal.ok("org_starter", &["list"]).await, expected.join("\n"));
    let demo = terminal.ok("org_demo", &["list"]).await;
    assert!(demo.ends_with("\n\nkeys in use: 1, allowed: unlimited\n"), "{demo}");
}

#[tokio::test(flavor = "multi_thread")]
async fn list_and_audit_follow_all_pages() {
    let terminal = Terminal::start("manage-pages").await;
    let admin = Admin::on_sqlite(&terminal.database).await;
    for number in 0..205 {
        admin.issue("org_enterprise", &format!("key {number}"), |key| key).await;
    }
    let names = |out: &str, column: usize| -> Vec<String> {
        cells(out).into_iter().map(|mut row| row.swap_remove(column)).collect()
    };
    let expected: Vec<String> = (0..205).rev().map(|number| format!("key {number}")).collect();
    assert_eq!(names(&terminal.ok("org_enterprise", &["list"]).await, 1), expected);

    let created = ["audit", "--action", "key.created", "--limit"];
    for (limit, shown, more) in [("1", 1, true), ("101", 101, true), ("205", 205, false), ("300", 205, false)]
    {
        let out = terminal.ok("org_enterprise", &[&created[..], &[limit]].concat()).await;
        assert_eq!(names(&out, 4), expected[..shown], "{limit}");
        assert_eq!(out.ends_with("\n\nThere are more events; see --limit.\n"), more, "{limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_works_until_it_is_deleted_except_while_deactivated() {
    let terminal = Terminal::start("manage-life").await;
    let key = terminal.create("org_demo", &["Life", "--rate-limit", "600"]).await;
    let works = (200, serde_json::Value::Null);
    let refused = |code: &str| (401, code.into());
    assert_eq!(terminal.whoami(&key.secret).await, works);
    let status = |out: String| member(&out, "status");

    let out = terminal.ok("org_demo", &["deactivate", &key.id]).await;
    assert_eq!(status(out), "deactivated");
    assert_eq!(terminal.whoami(&key.secret).await, refused("API_KEY_DEACTIVATED"));
    assert_eq!(status(terminal.ok("org_demo", &["activate", &key.id]).await), "active");
    assert_eq!(terminal.whoami(&key.secret).await, works);

    let out = terminal.ok("org_demo", &["delete", &key.id]).await;
    assert_eq!(out, format!("deleted {}\n", key.id));
    assert_eq!(terminal.whoami(&key.secret).await, refused("INVALID_API_KEY"));
    assert!(!terminal.ok("org_demo", &["list"]).await.contains(&key.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn edit_changes_the_given_settings_only() {
    let terminal = Terminal::start("manage-edit").await;
    let key = terminal.create("org_demo", &["Before", "--expires", "2031-01-31T00:00:00Z"]).await;
    let shown = |out: &str| ["name", "expires", "rate limit"].map(|name| member(out, name));
    for (edit, expected) in [
        (&["--name", "After"][..], ["After", "2031-01-31T00:00:00Z", "60 (default)"]),
        (&["--rate-limit", "120"], ["After", "2031-01-31T00:00:00Z", "120"]),
        (&["--expires", "2032-01-01T00:00:00Z"], ["After", "2032-01-01T00:00:00Z", "120"]),
        (&["--no-expires", "--default-rate-limit"], ["After", "never", "60 (default)"]),
        (&["--name=-1", "--rate-limit", "7"], ["-1", "never", "7"]),
    ] {
        let out = terminal.ok("org_demo", &[&["edit", &*key.id], edit].concat()).await;
        assert_eq!(shown(&out), expected, "{edit:?}");
        assert_eq!(terminal.ok("org_demo", &["show", &key.id]).await, out, "{edit:?}");
    }
}
