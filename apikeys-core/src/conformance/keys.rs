//! Requirements on storing, finding, listing, updating and deleting keys.

use super::{
    AnyHarness,
    fixture::{
        Fixture, NOW, actor, create, delete, first, is_rejected, moved_on, name, org, plan, renamed, update,
    },
    harness::race,
};
use crate::{
    Timestamp,
    id::{KeyId, OrgId},
    rate_limit::RateLimit,
    store::{ChangeKind, CommitOutcome, KeyQuery, KeyRow, KeyStore, Settings},
};

/// Once a creation has returned, the key is found by its secret, with the organization's plan and the latest
/// revision.
pub async fn created_key_is_found_by_its_secret(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, secret) = store.create(&org("o")).await;
    let found = store.found(&secret.locator).await.expect("the key");
    assert_eq!((&found.key, &found.secret, &found.plan), (&row, &secret, &plan("starter")));
    assert_eq!(found.revision, store.revision().await);
}

/// Every field of a key is read as it was stored, after a creation and after an update, by every method that
/// returns keys.
pub async fn key_is_read_with_every_field_as_stored(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let full = |row: KeyRow| KeyRow {
        name: name("CI – ünïcode"),
        display_prefix: "sixteen_letters_AbC9".to_owned(),
        active: false,
        created_at: Timestamp::from_micros(NOW.as_micros() + 1),
        created_by: actor(&"é".repeat(64)),
        expires_at: Some(Timestamp::from_micros(NOW.as_micros() + 2)),
        expiry_set_at: Some(Timestamp::from_micros(NOW.as_micros() + 3)),
        rate_limit: Some(RateLimit::per_minute(123).expect("a limit")),
        settings: Settings::from_json(r#"{"v":2,"scopes":["a"]}"#),
        ..row
    };
    let org = org(&"ö".repeat(64));
    let first = full(store.row(&org));
    let secret = store.secret(first.id);
    store.done(create(&first, std::slice::from_ref(&secret))).await;
    same_however_read(&store, &first, &secret.locator).await;

    let bare = KeyRow { id: first.id, version: 2, ..store.row(&org) };
    store.done(update(&bare)).await;
    same_however_read(&store, &bare, &secret.locator).await;

    let again = KeyRow { version: 3, ..full(bare) };
    store.done(update(&again)).await;
    same_however_read(&store, &again, &secret.locator).await;
}

/// The times of a key and of a secret are stored without loss from the year 0000 to the year 9999.
pub async fn key_times_are_stored_from_the_first_to_the_last_timestamp(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let times = [Timestamp::MIN, Timestamp::MAX, Timestamp::from_micros(0), Timestamp::from_micros(-1)];
    for at in times {
        let row =
            KeyRow { created_at: at, expires_at: Some(at), expiry_set_at: Some(at), ..store.row(&org("o")) };
        let mut secret = store.secret(row.id);
        (secret.created_at, secret.ends_at) = (at, Some(at));
        store.done(create(&row, std::slice::from_ref(&secret))).await;
        same_however_read(&store, &row, &secret.locator).await;
        assert_eq!(store.found(&secret.locator).await.expect("the key").secret, secret);
    }
}

/// A name with any Unicode text is read character for character as it was stored.
pub async fn key_name_with_any_unicode_is_stored_unchanged(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let long = "\u{10ffff}".repeat(100);
    let names = [
        "Straße",
        "日本語の鍵",
        "مفتاح",
        "🔑👩‍👩‍👧‍👦",
        "e\u{301}",
        "\u{e9}",
        "\u{1f}x".trim_start_matches('\u{1f}'),
        "a\u{300}\u{301}\u{302}",
        "'; DROP TABLE keys; --",
        "\"quoted\" \\ %_ `x`",
        "{\"json\":1}",
        "<b>&amp;</b>",
        "null",
        "NULL",
        "0",
        "?1 $1 :a @a",
        &long,
    ];
    for text in names {
        let row = KeyRow { name: name(text), ..store.row(&org("o")) };
        store.done(create(&row, &[])).await;
        assert_eq!(store.view(&row).await.expect("the key").row.name.as_str(), text);
    }
    assert_eq!(store.all_keys(&org("o")).await.len(), names.len());
}

/// The JSON text of a key's [`Settings`] is read byte for byte as it was stored.
pub async fn key_settings_are_stored_byte_for_byte(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let long = format!(r#"{{"v":1,"x":"{}"}}"#, "y".repeat(20_000));
    for text in ["{}", r#"{ "b":1,  "a":2.50, "b":1e3, "u":"\u00fc", "ü":null }"#, &long] {
        let row = KeyRow { settings: Settings::from_json(text), ..store.row(&org("o")) };
        store.done(create(&row, &[])).await;
        assert_eq!(store.view(&row).await.expect("the key").row.settings.as_json(), text);
    }
}

/// A key's rate limit is read as it was stored. This includes the lowest and the highest rate limit, and a key
/// without a rate limit.
pub async fn rate_limits_from_1_to_10_000_are_stored_unchanged(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for limit in [None, Some(1), Some(10_000)] {
        let rate_limit = limit.map(|requests| RateLimit::per_minute(requests).expect("a limit"));
        let row = KeyRow { rate_limit, ..store.row(&org("o")) };
        store.done(create(&row, &[])).await;
        assert_eq!(store.view(&row).await.expect("the key").row.rate_limit, rate_limit);
    }
}

/// Every method treats a key of another organization as a key that does not exist.
pub async fn key_of_another_organization_does_not_exist(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, secret) = store.create(&org("owner")).await;
    let (other, _) = store.create(&org("other")).await;
    let foreign = KeyRow { org: other.org.clone(), ..row.clone() };
    assert_eq!(store.view(&foreign).await, None);

    let revision = store.revision().await;
    for kind in [update(&renamed(&foreign, "taken")), delete(&foreign)] {
        assert_eq!(store.attempt(kind).await, CommitOutcome::NotFound { revision });
    }
    assert_eq!(store.found(&secret.locator).await.expect("the key").key, row);
    assert_eq!(store.all_keys(&other.org).await, [other]);
}

/// Organization ids are compared as bytes, so that ids that differ in case, accents, spaces or wildcards are
/// distinct.
pub async fn organizations_with_similar_ids_are_distinct(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let ids = [
        "acme",
        "Acme",
        "ACME",
        "acme ",
        " acme",
        "acme  ",
        "acm\u{e9}",
        "acme\u{301}",
        "acm%",
        "acm_",
        "straße",
        "strasse",
    ];
    let mut rows = Vec::new();
    for id in ids {
        rows.push(store.create(&org(id)).await.0);
    }
    for row in rows {
        assert_eq!(store.all_keys(&row.org).await, std::slice::from_ref(&row), "{:?}", row.org);
        assert_eq!(store.key_count(&row.org).await, 1, "{:?}", row.org);
        assert_eq!(store.log(&row.org).await.len(), 1, "{:?}", row.org);
    }
}

/// Keys are listed by descending id, for one organization and for all organizations. Ids are compared as
/// unsigned bytes.
pub async fn keys_are_listed_newest_first(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (left, right) = (org("left"), org("right"));
    let ends = [0x00, 0x80, 0xff, 0x01].map(|byte| KeyId::from_bytes([byte; 16]));
    let mut rows = Vec::new();
    for (id, org) in ends.into_iter().zip([&left, &right, &left, &right]) {
        let row = KeyRow { id, ..store.row(org) };
        store.done(create(&row, &[])).await;
        rows.push(row);
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    for org in [&left, &right] {
        let wanted: Vec<_> = rows.iter().filter(|row| row.org == *org).cloned().collect();
        assert_eq!(store.all_keys(org).await, wanted);
    }
    assert_eq!(all_in_pages_of(&store, None, 3).await, rows);
    assert_eq!(store.all_keys(&org("nobody")).await, []);
}

/// If keys are created, updated or deleted while a list of keys is read page by page, the pages repeat no key
/// and skip no key. This is so even if the key at the cursor is deleted.
pub async fn pages_of_keys_repeat_and_skip_no_key_while_keys_change(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let org = org("o");
    let mut rows = Vec::new();
    for _ in 0..6 {
        rows.insert(0, store.create(&org).await.0);
    }
    let query = KeyQuery::new(Some(org.clone()), 2);
    let first = store.keys(&query).await.expect("keys");
    store.create(&org).await;
    store.done(delete(&rows[1])).await;
    store.done(update(&renamed(&rows[2], "edited"))).await;
    let second = store.keys(&query.clone().after(first.next)).await.expect("keys");
    store.create(&org).await;
    let third = store.keys(&query.after(second.next)).await.expect("keys");
    let ids: Vec<_> =
        [&first, &second, &third].iter().flat_map(|page| &page.items).map(|view| view.row.id).collect();
    assert_eq!(ids, rows.iter().map(|row| row.id).collect::<Vec<_>>());
    assert_eq!((first.next.is_some(), second.next.is_some(), third.next), (true, true, None));
}

/// Once an update has returned, the key is found with the new row and the new revision, and other keys are
/// unchanged.
pub async fn update_is_visible_once_it_has_returned(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, secret) = store.create(&org("o")).await;
    let (bystander, _) = store.create(&org("o")).await;
    let revision = store.done(update(&KeyRow { active: false, ..renamed(&row, "edited") })).await;
    let found = store.found(&secret.locator).await.expect("the key");
    assert_eq!((found.key.name.as_str(), found.key.active, found.key.version), ("edited", false, 2));
    assert_eq!(found.revision, revision);
    assert_eq!(store.view(&bystander).await.expect("the key").row, bystander);
}

/// An update that was made from an old version of a key is refused with `VersionConflict`, so that no earlier
/// update is lost.
pub async fn update_from_an_old_version_is_refused(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    let edited = renamed(&row, "first");
    store.done(update(&edited)).await;
    assert_eq!(store.attempt(update(&renamed(&row, "second"))).await, CommitOutcome::VersionConflict);
    assert_eq!(store.view(&row).await.expect("the key").row, edited);
    store.done(update(&renamed(&edited, "third"))).await;
}

/// If many updates from the same version of a key are committed concurrently, exactly one update succeeds.
pub async fn concurrent_updates_from_one_version_succeed_exactly_once(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (mut row, _) = store.create(&org("o")).await;
    for round in 0..20 {
        let updates: Vec<_> = (0..16)
            .map(|number| {
                let edited = renamed(&row, &format!("{round}.{number}"));
                let (change, store) = (store.change(update(&edited)), store.shared());
                async move { (edited, store.commit(&change).await.expect("commit")) }
            })
            .collect();
        let answers = race(harness, updates).await;
        let done: Vec<_> =
            answers.iter().filter(|(_, answer)| matches!(answer, CommitOutcome::Done { .. })).collect();
        let conflicts =
            answers.iter().filter(|(_, answer)| *answer == CommitOutcome::VersionConflict).count();
        assert_eq!((done.len(), conflicts), (1, 15), "round {round}");
        row = done[0].0.clone();
        assert_eq!(store.view(&row).await.expect("the key").row, row);
    }
}

/// Once a deletion has returned, no method finds the key, and a further deletion or update returns
/// `NotFound`.
pub async fn deleted_key_is_not_found(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let row = store.row(&org("o"));
    let secrets = [store.secret(row.id), store.secret(row.id)];
    store.done(create(&row, &secrets)).await;
    let (bystander, secret) = store.create(&row.org).await;
    let revision = store.done(delete(&row)).await;
    for gone in &secrets {
        assert_eq!(store.found(&gone.locator).await, None);
    }
    assert_eq!(store.view(&row).await, None);
    assert_eq!(store.all_keys(&row.org).await, std::slice::from_ref(&bystander));
    assert_eq!(store.found(&secret.locator).await.expect("the other key").key, bystander);
    for kind in [delete(&row), update(&renamed(&row, "back"))] {
        assert_eq!(store.attempt(kind).await, CommitOutcome::NotFound { revision });
    }
}

/// If a key is updated and deleted concurrently, the key does not exist afterwards, whichever change is
/// committed first.
pub async fn update_concurrent_with_a_deletion_does_not_restore_the_key(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for round in 0..20 {
        let (row, secret) = store.create(&org("o")).await;
        let mut edit = update(&renamed(&row, "edited"));
        let added = store.secret(row.id);
        if let ChangeKind::Update { added: secrets, .. } = &mut edit {
            secrets.push(added.clone());
        }
        let changes = [store.change(edit), store.change(delete(&row))].map(|change| {
            let store = store.shared();
            async move { (change.key(), store.commit(&change).await.expect("commit")) }
        });
        for (_, answer) in race(harness, changes).await {
            assert!(
                matches!(answer, CommitOutcome::Done { .. } | CommitOutcome::NotFound { .. }),
                "round {round}: {answer:?}"
            );
        }
        assert_eq!(store.view(&row).await, None, "round {round}");
        for locator in [&secret.locator, &added.locator] {
            assert_eq!(store.found(locator).await, None, "round {round}");
        }
        assert_eq!(store.key_count(&row.org).await, 0);
    }
}

/// A creation is rejected if the key's id is in use, in the same organization or in another one.
pub async fn creation_with_an_id_in_use_is_rejected(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, _) = store.create(&org("o")).await;
    for org in [org("o"), org("other")] {
        let twin = KeyRow { id: row.id, ..store.row(&org) };
        let creation = create(&twin, &[store.secret(row.id)]);
        let creation = if twin.org == row.org { creation } else { first(creation) };
        let change = store.prepared(creation).await;
        assert!(is_rejected(store.commit(&change).await));
    }
    assert_eq!(store.view(&row).await.expect("the key").row, row);
    assert_eq!((store.key_count(&org("o")).await, store.key_count(&org("other")).await), (1, 0));
}

async fn same_however_read(store: &Fixture, row: &KeyRow, locator: &crate::token::Locator) {
    assert_eq!(&store.found(locator).await.expect("the key").key, row);
    assert_eq!(&store.view(row).await.expect("the key").row, row);
    assert!(store.all_keys(&row.org).await.contains(row));
}

async fn all_in_pages_of(store: &Fixture, org: Option<OrgId>, limit: u32) -> Vec<KeyRow> {
    let (mut rows, mut query) = (Vec::new(), KeyQuery::new(org, limit));
    loop {
        let page = store.keys(&query).await.expect("keys");
        assert!(page.items.len() <= limit as usize);
        rows.extend(page.items.into_iter().map(|view| view.row));
        match moved_on(query.after, page.next) {
            None => return rows,
            next => query = query.after(next),
        }
    }
}
