//! The program `manage` against a running quickstart: what administrators can do, over HTTP.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::time::Duration;

use apikeys_tests::{Admin, Artifacts, Quickstart, Request, Service, command};
use axum::{Router, http::StatusCode};
use tokio::time::timeout;

const TOKEN: &str = "open-sesame";

/// A quickstart, and the program as its administrators run it. What it prints is left to be
/// searched, but for the one secret of each creation.
struct Terminal {
    artifacts: Artifacts,
    service: Quickstart,
    database: String,
}

/// What a run of the program came to.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

struct Created {
    id: String,
    at: String,
    secret: String,
}

impl Terminal {
    async fn start(test: &str) -> Self {
        let artifacts = Artifacts::new(test);
        let database = artifacts.sqlite_url("keys");
        let environment = [("DATABASE_URL", &*database), ("RUST_LOG", "trace"), ("ADMIN_TOKEN", TOKEN)];
        let service = Quickstart::start_with(&artifacts, "axum", "quickstart", &environment).await;
        Self { artifacts, service, database }
    }

    async fn run(&self, org: &str, arguments: &[&str]) -> Ran {
        let url = format!("http://{}", self.service.address);
        let environment = [("APIKEYS_URL", &*url), ("ADMIN_TOKEN", TOKEN), ("APIKEYS_ORG", org)];
        let ran = run(&environment, arguments).await;
        if arguments[0] != "create" {
            self.leave(&ran);
        }
        ran
    }

    /// Runs it, and expects it to succeed.
    async fn ok(&self, org: &str, arguments: &[&str]) -> String {
        let ran = self.run(org, arguments).await;
        assert_eq!((ran.code, &*ran.err), (0, ""), "{arguments:?}");
        ran.out
    }

    /// Runs it, and expects it to fail with nothing on stdout.
    async fn fails(&self, org: &str, arguments: &[&str]) -> String {
        let ran = self.run(org, arguments).await;
        self.leave(&ran);
        assert_eq!((ran.code, &*ran.out), (1, ""), "{arguments:?}");
        ran.err
    }

    /// Creates a key. The secret is taken out before what was printed is left with the rest.
    async fn create(&self, org: &str, arguments: &[&str]) -> Created {
        let out = self.ok(org, &[&["create"], arguments].concat()).await;
        let secret = out.lines().rev().nth(2).unwrap().to_owned();
        let prefix = member(&out, "prefix");
        assert!(secret.starts_with(&prefix) && secret.len() > prefix.len() + 20);
        self.artifacts.note_secret(&prefix, &secret);
        let rest = out.replacen(&secret, "", 1);
        self.artifacts.leave("printed.txt", &rest);
        assert!(rest.ends_with("\n\n\n\nThis is the secret. It is not shown again.\n"), "{rest}");
        let at = member(&out, "created").strip_suffix(" by demo").unwrap().to_owned();
        Created { id: member(&out, "id"), at, secret }
    }

    fn leave(&self, ran: &Ran) {
        self.artifacts.leave("printed.txt", &format!("{}{}", ran.out, ran.err));
    }

    /// The status and code of a call made with a secret.
    async fn whoami(&self, secret: &str) -> (u16, serde_json::Value) {
        let response = self.service.send(&Request::get("/v1/whoami").bearer(secret)).await;
        (response.status, response.json()["code"].take())
    }

    /// Waits until the requests made so far are on record: until `shows` likes what is printed.
    async fn recorded(&self, arguments: &[&str], shows: impl Fn(&str) -> bool) -> String {
        for _ in 0..500 {
            let out = self.ok("org_demo", arguments).await;
            if shows(&out) {
                return out;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it never shows on {arguments:?}");
    }
}

/// Runs the program, and expects its token on neither stream.
async fn run(environment: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let running = command("manage", environment).args(arguments).output();
    let output = timeout(Duration::from_secs(60), running).await.unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let ran = Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!ran.out.contains(TOKEN) && !ran.err.contains(TOKEN), "{arguments:?} prints the token");
    ran
}

/// What stands beside `name`.
fn member(out: &str, name: &str) -> String {
    let line = out.lines().find(|line| line.starts_with(&format!("{name:<10}  ")));
    line.unwrap_or_else(|| panic!("no {name}"))["rate limit  ".len()..].to_owned()
}

/// The cells of a table's rows, cut where its header's columns begin.
fn cells(out: &str) -> Vec<Vec<String>> {
    let mut lines = out.lines().take_while(|line| !line.is_empty());
    let header = lines.next().unwrap();
    let begins = |at: &usize| *at == 0 || (&header[at - 2..*at] == "  " && &header[*at..=*at] != " ");
    let columns: Vec<usize> = (0..header.len()).filter(|at| *at != 1).filter(begins).collect();
    let row = |line: &str| {
        let ends = columns.iter().skip(1).copied().chain([usize::MAX]);
        let cut = columns.iter().zip(ends).map(|(begin, end)| {
            let cell: String = line.chars().skip(*begin).take(end - begin).collect();
            assert!(end == usize::MAX || cell.len() < end - begin || cell.ends_with("  "), "{line}");
            cell.trim_end().to_owned()
        });
        cut.collect()
    };
    lines.map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_newest_first_in_a_table_whose_columns_are_aligned() {
    let terminal = Terminal::start("manage-list").await;
    let empty = "ID  NAME  PREFIX  STATUS  CREATED  EXPIRES  RATE LIMIT  LAST USED  REQUESTS\n\n";
    assert_eq!(terminal.ok("org_starter", &["list"]).await, format!("{empty}0 in use, 2 allowed\n"));
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
        "2 in use, 2 allowed\n".to_owned(),
    ];
    assert_eq!(terminal.ok("org_starter", &["list"]).await, expected.join("\n"));
    let demo = terminal.ok("org_demo", &["list"]).await;
    assert!(demo.ends_with("\n\n1 in use, any number allowed\n"), "{demo}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_followed_from_page_to_page_to_their_end() {
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
async fn a_key_works_from_its_creation_to_its_deletion_but_while_it_is_deactivated() {
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
async fn an_edit_changes_what_it_names_and_nothing_else() {
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

/// B10: who, when, and what changed from what to what; and every request with all that is known.
#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_says_who_did_what_and_when_and_what_requests_came_to() {
    let terminal = Terminal::start("manage-audit").await;
    let key = terminal.create("org_demo", &["Before"]).await;
    let whoami = Request::get("/v1/whoami?x=y").bearer(&key.secret);
    let asked = whoami.clone().line("X-Request-Id", "req-1").line("User-Agent", "curl/8\t\u{202e}x");
    assert_eq!(terminal.service.send(&asked).await.status, 200);
    let edit = ["edit", &key.id, "--name", "Say \"hi\"", "--rate-limit", "90"];
    terminal.ok("org_demo", &edit).await;
    terminal.ok("org_demo", &["deactivate", &key.id]).await;
    assert_eq!(terminal.whoami(&key.secret).await.0, 401);
    terminal.ok("org_demo", &["activate", &key.id]).await;
    terminal.ok("org_demo", &["delete", &key.id]).await;

    let of_key = ["audit", "--key", &key.id];
    let rows = cells(&terminal.recorded(&of_key, |out| out.lines().count() == 8).await);
    let times: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
    assert!(times.iter().all(|at| at.ends_with('Z') && **at >= key.at[.."2030-01-01".len()]), "{times:?}");
    // By the microsecond; trailing zeros are not written.
    let of_day = |at: &str| format!("{:0<27}", at.trim_end_matches('Z'));
    assert!(times.is_sorted_by(|newer, older| of_day(newer) >= of_day(older)), "{times:?}");
    let told = |row: &Vec<String>| {
        assert_eq!((&*row[3], &*row[4]), (&*key.id, "Say \"hi\""));
        (row[1].clone(), row[2].clone(), row[5].clone())
    };
    let told: Vec<_> = rows.iter().map(told).collect();
    let is = |at: usize, action: &str, who: &str, what: &str| {
        assert_eq!((&*told[at].0, &*told[at].1, &*told[at].2), (action, who, what));
    };
    is(0, "key.deleted", "demo", "");
    is(1, "key.activated", "demo", "active: false -> true");
    is(3, "key.deactivated", "demo", "active: true -> false");
    is(4, "key.updated", "demo", "name: \"Before\" -> \"Say \\\"hi\\\"\", rate_limit: null -> 90");
    is(6, "key.created", "demo", "name: null -> \"Before\"");
    for (at, begins, ends) in [
        (2, "GET /v1/whoami denied 401 API_KEY_DEACTIVATED in ", ""),
        (5, "GET /v1/whoami answered 200 in ", " ms from 127.0.0.1 id req-1 agent curl/8\\u{9}\\u{202e}x"),
    ] {
        let (action, who, what) = &told[at];
        assert_eq!((&**action, &**who), ("request", "-"));
        assert!(what.starts_with(begins) && what.ends_with(ends), "{what}");
    }

    // Filters are joined, and a time with an offset arrives as it is.
    let only = |rows: Vec<Vec<String>>| rows.into_iter().map(|row| row[1].clone()).collect::<Vec<_>>();
    let updated = [&of_key[..], &["--action", "key.updated"]].concat();
    assert_eq!(only(cells(&terminal.ok("org_demo", &updated).await)), ["key.updated"]);
    let since = [&of_key[..], &["--since", times[1]]].concat();
    assert_eq!(only(cells(&terminal.ok("org_demo", &since).await)), ["key.deleted", "key.activated"]);
    let until = times[5].replace('Z', "+00:00");
    let until = [&of_key[..], &["--until", &until]].concat();
    assert_eq!(only(cells(&terminal.ok("org_demo", &until).await)), ["key.created"]);
    assert_eq!(cells(&terminal.ok("org_starter", &of_key).await), Vec::<Vec<String>>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_counts_requests_and_denials_by_hour_and_by_day() {
    let terminal = Terminal::start("manage-usage").await;
    let key = terminal.create("org_demo", &["Busy", "--rate-limit", "3"]).await;
    assert_eq!(terminal.ok("org_demo", &["usage", &key.id]).await, "AT  REQUESTS  DENIED\n");
    for status in [200, 200, 200, 429, 429] {
        assert_eq!(terminal.whoami(&key.secret).await.0, status);
    }
    // The hour may end meanwhile: what counts is the sum.
    let sums = |out: &str| {
        let sum = |column: usize| cells(out).iter().map(|row| row[column].parse::<u64>().unwrap()).sum();
        (sum(1), sum(2))
    };
    let hours = terminal.recorded(&["usage", &key.id], |out| sums(out) == (3, 2)).await;
    assert!(cells(&hours).iter().all(|row| row[0].ends_with(":00:00Z")), "{hours}");
    let days = terminal.ok("org_demo", &["usage", &key.id, "--step", "day"]).await;
    assert_eq!(sums(&days), (3, 2));
    assert!(cells(&days).iter().all(|row| row[0].ends_with("T00:00:00Z")), "{days}");
    let before = ["usage", &key.id, "--since", "2020-01-01T00:00:00Z", "--until", "2020-01-02T00:00:00Z"];
    assert_eq!(sums(&terminal.ok("org_demo", &before).await), (0, 0));
    let shown = terminal.ok("org_demo", &["show", &key.id]).await;
    assert_eq!(member(&shown, "requests"), "3");
    assert!(member(&shown, "last used").ends_with('Z'), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_plan_forbids_is_said_and_what_a_better_plan_allows_is_done() {
    let terminal = Terminal::start("manage-plans").await;
    let not_on_free = "API_ACCESS_NOT_AVAILABLE: API access is not available. \
                       Upgrade to the Starter plan or a higher one.\n";
    assert_eq!(terminal.fails("org_free", &["create", "Early"]).await, not_on_free);
    let moved = terminal.ok("org_free", &["plan", "starter"]).await;
    assert_eq!(moved, "org_free is on the plan starter\n");
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
    assert!(terminal.ok("org_free", &["list"]).await.ends_with("\n\n3 in use, 10 allowed\n"));
    let unknown = terminal.fails("org_free", &["plan", "platinum"]).await;
    assert!(unknown.starts_with("VALIDATION_FAILED: ") && unknown.contains("\n  /plan: "), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_member_is_told_on_a_line_of_its_own() {
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
        assert_eq!(lines[1], "  /name: a name is required");
        assert_eq!(lines[2], "  /rate_limit: must be a whole number from 1 to 10000");
        assert_eq!(lines.len(), 3);
    }
    let out = terminal.ok("org_demo", &["show", &key.id]).await;
    assert_eq!([member(&out, "name"), member(&out, "expires")], ["Right", "never"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_administrator_and_what_is_no_key_is_refused() {
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
    assert_eq!(query, "INVALID_QUERY: Invalid query. action must be an action such as key.created.\n");
}

/// R19: from the service that there is, and from one that lets everything through.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_service_sends_acts_on_the_terminal() {
    let terminal = Terminal::start("manage-escapes").await;
    for name in ["red\u{1b}[31m", "back\u{8}", "two\nlines", "txt.\u{202e}exe"] {
        let err = terminal.fails("org_demo", &["create", name]).await;
        assert!(err.ends_with("\n  /name: a name has no control characters\n"), "{err}");
    }

    let key = r#"{"id": "i\u001b[2J", "name": "n\u001b[31m\u202e\r\n", "prefix": "p\u0007", "status": "s\u007f",
        "active": true, "created_at": "c\u009b", "created_by": "b\u0000", "expires_at": "e\u0008",
        "rate_limit": null, "effective_rate_limit": 60, "last_used_at": "l\t", "request_count": 0}"#;
    let keys = format!(r#"{{"keys": [{key}], "next_cursor": null, "quota": {{"used": 1, "limit": 1}}}}"#);
    let created = format!(r#"{{"key": {key}, "secret": "s\u001b]0;title\u0007"}}"#);
    let event = r#"{"events": [{"id": "x", "at": "a\u001b", "action": "b\u001b", "actor": "c\u001b",
        "key": {"id": "d\u001b", "name": "e\u001b", "prefix": null},
        "changes": {"f\u001b": {"from": "g\u001b\u009b", "to": {"h\u001b": "\u202e"}}},
        "request": {"method": "i\u001b", "path": "j\u001b", "status": null, "outcome": "k\u001b",
            "latency_ms": 1.5, "ip": "l\u001b", "user_agent": "m\u001b\n", "request_id": "n\u001b",
            "trace_id": "o\u001b", "denial": "p\u001b", "count": 2}}], "next_cursor": null}"#;
    let usage = r#"{"points": [{"at": "a\u001b", "requests": 1, "denied": 2}]}"#;
    let problem = r#"{"code": "C\u001b", "title": "T\u001b", "detail": "D\u001b\n",
        "errors": [{"pointer": "/p\u001b", "detail": "d\u001b\r"}]}"#;
    let answer = move |status: StatusCode, body: &str| {
        let body = body.to_owned();
        axum::routing::any(move || std::future::ready((status, body.clone())))
    };
    let hostile = Router::new()
        .route("/list/settings/developer/api/keys", answer(StatusCode::OK, &keys))
        .route("/create/settings/developer/api/keys", answer(StatusCode::CREATED, &created))
        .route("/show/settings/developer/api/keys/x", answer(StatusCode::OK, key))
        .route("/audit/settings/developer/api/audit", answer(StatusCode::OK, event))
        .route("/usage/settings/developer/api/keys/x/usage", answer(StatusCode::OK, usage))
        .route("/delete/settings/developer/api/keys/x", answer(StatusCode::CONFLICT, problem));
    let hostile = Service::start(hostile).await;
    for (arguments, shows) in [
        (&["list"][..], r"n\u{1b}[31m\u{202e}\u{d}\u{a}"),
        (&["create", "x"], r"s\u{1b}]0;title\u{7}"),
        (&["show", "x"], r"c\u{9b} by b\u{0}"),
        (&["audit"], r"agent m\u{1b}\u{a}"),
        (&["usage", "x"], r"a\u{1b}  1"),
        (&["delete", "x"], "C\\u{1b}: T\\u{1b}. D\\u{1b}\\u{a}\n  /p\\u{1b}: d\\u{1b}\\u{d}\n"),
    ] {
        let url = format!("http://{}/{}", hostile.address, arguments[0]);
        let ran = run(&[("APIKEYS_URL", &url), ("ADMIN_TOKEN", TOKEN)], arguments).await;
        let printed = format!("{}{}", ran.out, ran.err);
        assert!(printed.contains(shows), "{printed}");
        let acts = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!printed.contains(acts), "{printed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_or_another_one_is_an_error_that_names_it() {
    let artifacts = Artifacts::new("manage-away");
    let elsewhere = Router::new()
        .route("/page/settings/developer/api/keys", axum::routing::get(async || "<html>"))
        .route(
            "/moved/settings/developer/api/keys",
            axum::routing::get(async || {
                (StatusCode::TEMPORARY_REDIRECT, [("location", "/page/settings/developer/api/keys")])
            }),
        );
    let elsewhere = Service::start(elsewhere).await;
    let nobody = Service::start(Router::new()).await.address;
    for (url, says) in [
        (format!("http://{}/page", elsewhere.address), " answered 200, but not as the management API does\n"),
        // The token is not carried to another place.
        (
            format!("http://{}/moved", elsewhere.address),
            " answered 307, but not as the management API does\n",
        ),
        (format!("http://{nobody}"), " cannot be reached: "),
    ] {
        let ran = run(&[("APIKEYS_URL", &url), ("ADMIN_TOKEN", TOKEN)], &["list"]).await;
        artifacts.leave("printed.txt", &ran.err);
        assert_eq!((ran.code, &*ran.out), (1, ""), "{url}");
        assert!(ran.err.starts_with(&format!("error: {url}{says}")), "{}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_exits_with_2_and_says_how_it_is_meant() {
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
