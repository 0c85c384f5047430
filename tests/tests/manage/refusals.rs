use apikeys_tests::Artifacts;

use crate::terminal::{Ran, TOKEN, Terminal, member, run};

#[tokio::test(flavor = "multi_thread")]
async fn create_is_refused_beyond_the_plan_and_succeeds_after_an_upgrade() {
    let terminal = Terminal::start("manage-plans").await;
    let not_on_free = "API_ACCESS_NOT_AVAILABLE: API access is not available. \
                       Upgrade to the Starter plan or a higher one.\n";
    assert_eq!(terminal.fails("org_free", &["create", "Early"]).await, not_on_free);
    let moved = terminal.ok("org_free", &["plan", "starter"]).await;
    assert_eq!(moved, "org_free is on plan starter\n");
    for name in ["First", "Second"] {
        terminal.create("org_free", &[name]).await;
    }
    let full = "KEY_LIMIT_REACHED: Key limit reached. \
                Delete a key that is no longer needed, or upgrade to a higher plan.\n";
    for name in ["Third", "Fourth"] {
        assert_eq!(terminal.fails("org_free", &["create", name]).await, full);
    }
    terminal.ok("org_free", &["plan", "professional"]).await;
    terminal.create("org_free", &["Third"]).await;
    assert!(terminal.ok("org_free", &["list"]).await.ends_with("\n\nkeys in use: 3, allowed: 10\n"));
    let unknown = terminal.fails("org_free", &["plan", "platinum"]).await;
    assert!(unknown.starts_with("VALIDATION_FAILED: ") && unknown.contains("\n  /plan: "), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_members_are_printed_one_per_line() {
    let terminal = Terminal::start("manage-wrong").await;
    let wrong = ["--rate-limit", "0", "--expires", "2020-01-01T00:00:00Z"];
    let created = terminal.fails("org_demo", &[&["create", ""], &wrong[..]].concat()).await;
    let key = terminal.create("org_demo", &["Right"]).await;
    let edited = terminal.fails("org_demo", &[&["edit", &*key.id, "--name", ""], &wrong[..]].concat()).await;
    for err in [created, edited] {
        let mut lines: Vec<_> = err.lines().collect();
        let first = "VALIDATION_FAILED: Validation failed. Correct the members listed in errors.";
        assert_eq!(lines.remove(0), first);
        lines.sort_unstable();
        assert_eq!(lines[0], "  /expires_at: must be in the future");
        assert_eq!(lines[1], "  /name: expected at least 1 character");
        assert_eq!(lines[2], "  /rate_limit: must be a whole number from 1 to 10000");
        assert_eq!(lines.len(), 3);
    }
    let out = terminal.ok("org_demo", &["show", &key.id]).await;
    assert_eq!([member(&out, "name"), member(&out, "expires")], ["Right", "never"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_token_and_unknown_keys_are_errors() {
    let terminal = Terminal::start("manage-refused").await;
    let url = format!("http://{}", terminal.service.address);
    let wrong = run(&[("APIKEYS_URL", &url), ("ADMIN_TOKEN", "wrong")], &["list"]).await;
    terminal.leave(&wrong);
    let err = "ADMIN_REQUIRED: Administrator login required. \
               Log in as an administrator. API keys cannot manage API keys.\n";
    assert_eq!(wrong, Ran { code: 1, out: String::new(), err: err.to_owned() });

    let key = terminal.create("org_demo", &["Demo's"]).await;
    let not_found = "KEY_NOT_FOUND: Key not found. \
                     The organization has no key with this id. It may have been deleted.\n";
    for id in [&*key.id, "aaaaaaaaaaaaaaaaaaaaaaaaaa", "x", "..", "../audit", "a?b#c", "\u{1b}"] {
        for call in ["show", "activate", "deactivate", "delete", "usage"] {
            assert_eq!(terminal.fails("org_starter", &[call, id]).await, not_found, "{call} {id:?}");
        }
        let edit = terminal.fails("org_starter", &["edit", id, "--name", "Mine"]).await;
        assert_eq!(edit, not_found, "{id:?}");
    }
    assert_eq!(terminal.whoami(&key.secret).await.0, 200);
    let query = terminal.fails("org_demo", &["audit", "--action", "key.exploded"]).await;
    let invalid = "INVALID_QUERY: Invalid query. action must be one of key.created, key.updated, ";
    assert!(query.starts_with(invalid) && query.ends_with(", audit.gap.\n"), "{query}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_exits_with_2_and_prints_the_usage() {
    let _artifacts = Artifacts::new("manage-usage-errors");
    let token = [("ADMIN_TOKEN", TOKEN)];
    let limits = ["edit", "x", "--rate-limit", "5", "--default-rate-limit"];
    for (environment, arguments) in [
        (&token[..], &[][..]),
        (&token, &["lisst"]),
        (&token, &["create"]),
        (&token, &["create", "x", "--rate-limit", "many"]),
        (&token, &["edit", "x"]),
        (&token, &limits),
        (&token, &["edit", "x", "--expires", "y", "--no-expires"]),
        (&token, &["audit", "--limit", "0"]),
        (&token, &["usage", "x", "--step", "week"]),
        (&token, &["--url", "https://localhost", "list"]),
        (&[], &["list"]),
        (&[("ADMIN_TOKEN", "")], &["list"]),
    ] {
        let ran = run(environment, arguments).await;
        assert_eq!((ran.code, &*ran.out), (2, ""), "{arguments:?}");
        assert!(ran.err.contains("--help") || ran.err.contains("Usage: "), "{}", ran.err);
    }
    let help = run(&token, &["--help"]).await;
    assert_eq!((help.code, &*help.err), (0, ""));
    for word in
        ["list", "create", "show", "edit", "activate", "deactivate", "delete", "audit", "usage", "plan"]
    {
        assert!(help.out.contains(&format!("\n  {word} ")), "{word}: {}", help.out);
    }
    for variable in ["APIKEYS_URL", "ADMIN_TOKEN", "APIKEYS_ORG"] {
        assert!(help.out.contains(variable), "{variable}: {}", help.out);
    }
}
