use apikeys_tests::Request;

use crate::terminal::{Terminal, cells, member};

#[tokio::test(flavor = "multi_thread")]
async fn audit_prints_changes_with_actors_and_requests_with_outcomes() {
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
    // Times have microseconds without trailing zeros.
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

    // Several filters apply together, and a time may have an offset.
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
async fn usage_prints_requests_and_denials_by_hour_and_day() {
    let terminal = Terminal::start("manage-usage").await;
    let key = terminal.create("org_demo", &["Busy", "--rate-limit", "3"]).await;
    assert_eq!(terminal.ok("org_demo", &["usage", &key.id]).await, "AT  REQUESTS  DENIED\n");
    for status in [200, 200, 200, 429, 429] {
        assert_eq!(terminal.whoami(&key.secret).await.0, status);
    }
    // The hour may change during the test, so the points are added up.
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
