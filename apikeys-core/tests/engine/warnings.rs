use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use apikeys_core::{
    ApiKeys, BuildError, Clock, KeyStore, ManualClock, MemoryStore, OrgId,
    audit::{Action, AuditEvent},
    conformance::faults::{Fault, InterceptedStore, Interceptor, Method},
    engine::{Builder, CreatedKey},
    key::KeyPatch,
    store::AuditQuery,
    warning::{
        Contacts, ContactsError, ExpiryWarning, ExpiryWarnings, Notifier, NotifyError, WarningPeriods,
    },
};
use async_trait::async_trait;

use crate::support::{Bench, actor, id, new_key, org};

const FLUSH_INTERVAL: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// What the mail server does with the next warning.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Accept,
    AcceptAfter(Duration),
    RefuseNow,
    RefuseForGood,
    Hang,
}

/// A mail server and an address book in one. Clones share their state.
#[derive(Clone)]
struct Post(Arc<State>);

struct State {
    clock: ManualClock,
    accepted: Mutex<Vec<ExpiryWarning>>,
    attempts: AtomicUsize,
    sending: AtomicUsize,
    most_at_once: AtomicUsize,
    answers: Mutex<VecDeque<Answer>>,
    standing: Mutex<Answer>,
    recipients: Mutex<VecDeque<Option<Vec<String>>>>,
}

impl Post {
    fn new(clock: &ManualClock) -> Self {
        Self(Arc::new(State {
            clock: clock.clone(),
            accepted: Mutex::default(),
            attempts: AtomicUsize::new(0),
            sending: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            answers: Mutex::default(),
            standing: Mutex::new(Answer::Accept),
            recipients: Mutex::default(),
        }))
    }

    fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.0.answers.lock().unwrap().extend(answers);
    }

    fn always(&self, answer: Answer) {
        *self.0.standing.lock().unwrap() = answer;
    }

    fn attempts(&self) -> usize {
        self.0.attempts.load(Ordering::SeqCst)
    }

    fn accepted(&self) -> Vec<ExpiryWarning> {
        self.0.accepted.lock().unwrap().clone()
    }

    fn count(&self) -> usize {
        self.accepted().len()
    }
}

struct Sending<'a>(&'a AtomicUsize);

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Notifier for Post {
    async fn notify(&self, warning: &ExpiryWarning) -> Result<(), NotifyError> {
        self.0.attempts.fetch_add(1, Ordering::SeqCst);
        let sending = self.0.sending.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most_at_once.fetch_max(sending, Ordering::SeqCst);
        let _sending = Sending(&self.0.sending);
        let standing = *self.0.standing.lock().unwrap();
        let answer = self.0.answers.lock().unwrap().pop_front().unwrap_or(standing);
        match answer {
            Answer::Accept => {}
            Answer::AcceptAfter(time) => self.0.clock.sleep(time).await,
            Answer::RefuseNow => return Err(NotifyError::temporary("try later")),
            Answer::RefuseForGood => return Err(NotifyError::permanent("no such mailbox")),
            Answer::Hang => std::future::pending().await,
        }
        self.0.accepted.lock().unwrap().push(warning.clone());
        Ok(())
    }
}

#[async_trait]
impl Contacts for Post {
    async fn admins(&self, org: &OrgId) -> Result<Vec<String>, ContactsError> {
        match self.0.recipients.lock().unwrap().pop_front() {
            Some(Some(recipients)) => Ok(recipients),
            Some(None) => Err("the accounts cannot be read".into()),
            None => Ok(vec![format!("admin@{org}.example")]),
        }
    }
}

/// A bench whose maintenance sends warnings.
struct Warned {
    bench: Bench,
    post: Post,
    running: tokio::task::JoinHandle<()>,
}

impl Warned {
    async fn new() -> Self {
        Self::with(|warnings| warnings).await
    }

    async fn with(adjust: impl FnOnce(ExpiryWarnings) -> ExpiryWarnings) -> Self {
        let clock = ManualClock::default();
        let post = Post::new(&clock);
        let warnings = adjust(ExpiryWarnings::new(post.clone(), post.clone()));
        // The other loops of the maintenance wake rarely, so that the tests spend little time on them.
        let mut bench = Bench::on(clock, |builder| {
            builder.expiry_warnings(warnings).flush_interval(FLUSH_INTERVAL).without_cache()
        })
        .await;
        let running = bench.maintain().await;
        Self { bench, post, running }
    }

    async fn key(&self, name: &str, expires_in: Duration) -> CreatedKey {
        let expires_at = self.bench.clock.wall().saturating_add(expires_in);
        self.bench.create(new_key(name).expires_at(expires_at)).await
    }

    async fn pass(&self, time: Duration) {
        // In steps, because the flush of the audit log wakes again and again.
        let step = Duration::from_secs(30);
        let mut left = time;
        while left > Duration::ZERO {
            self.bench.clock.advance(left.min(step)).await;
            left = left.saturating_sub(step);
        }
    }

    /// Returns the events of sent warnings, newest first.
    async fn events(&self) -> Vec<AuditEvent> {
        events(&self.bench.store).await
    }
}

async fn events(store: &MemoryStore) -> Vec<AuditEvent> {
    let query = AuditQuery::new(org("org"), 10_000).action(Action::KeyExpiryWarned);
    store.audit(&query).await.unwrap().items.into_iter().map(|entry| entry.event).collect()
}

fn quick(warnings: ExpiryWarnings) -> ExpiryWarnings {
    warnings.periods(WarningPeriods::new([HOUR]).unwrap())
}

#[tokio::test]
async fn warning_is_sent_once_when_its_period_begins_and_recorded() {
    let warned = Warned::with(quick).await;
    let created = warned.key("CI \u{1f511}", 2 * HOUR).await;
    let expires_at = created.key.expires_at().unwrap();
    warned.pass(HOUR - Duration::from_secs(61)).await;
    assert_eq!(warned.post.count(), 0);
    warned.pass(Duration::from_secs(121)).await;
    let sent = warned.post.accepted();
    assert_eq!(sent.len(), 1);
    let warning = &sent[0];
    assert_eq!((warning.org.as_str(), warning.key), ("org", id(&created)));
    assert_eq!(warning.name.as_str(), "CI \u{1f511}");
    assert_eq!(warning.display_prefix, created.secret.display_prefix());
    assert_eq!((warning.expires_at, warning.period), (expires_at, HOUR));
    assert_eq!(warning.recipients, ["admin@org.example"]);
    warned.pass(2 * HOUR).await;
    assert_eq!(warned.post.count(), 1);
    let events = warned.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].key, events[0].request()), (Some(id(&created)), None));
    assert_eq!(events[0].actor.as_ref().unwrap().as_str(), "system");
}

#[tokio::test]
async fn warning_is_sent_seven_days_before_the_expiration_by_default() {
    let warned = Warned::new().await;
    warned.key("CI", 7 * DAY + HOUR).await;
    warned.pass(HOUR - Duration::from_secs(61)).await;
    assert_eq!(warned.post.count(), 0);
    warned.pass(Duration::from_secs(121)).await;
    assert_eq!(warned.post.count(), 1);
}

#[tokio::test]
async fn changed_expiration_is_warned_of_again_and_other_changes_are_not() {
    let warned = Warned::with(quick).await;
    let created = warned.key("CI", 2 * HOUR).await;
    warned.pass(HOUR + Duration::from_secs(60)).await;
    assert_eq!(warned.post.count(), 1);
    let manage = warned.bench.manage();
    manage.deactivate(id(&created)).await.unwrap();
    manage.activate(id(&created)).await.unwrap();
    warned.pass(Duration::from_secs(300)).await;
    assert_eq!(warned.post.count(), 1);
    let later = warned.bench.clock.wall().saturating_add(3 * HOUR);
    manage.update(id(&created), KeyPatch::new().expires_at(later)).await.unwrap();
    warned.pass(2 * HOUR + Duration::from_secs(60)).await;
    let sent = warned.post.accepted();
    assert_eq!((sent.len(), sent[1].expires_at), (2, later));
    assert_ne!(sent[0].id(), sent[1].id());
}

#[tokio::test]
async fn deactivated_deleted_and_short_lived_keys_are_not_warned_of() {
    let warned = Warned::with(quick).await;
    let (off, gone) = (warned.key("off", 2 * HOUR).await, warned.key("gone", 2 * HOUR).await);
    warned.key("short", HOUR - Duration::from_secs(1)).await;
    let manage = warned.bench.manage();
    manage.deactivate(id(&off)).await.unwrap();
    manage.delete(id(&gone)).await.unwrap();
    warned.pass(3 * HOUR).await;
    assert_eq!((warned.post.attempts(), warned.events().await.len()), (0, 0));
}

#[tokio::test]
async fn temporary_errors_and_timeouts_are_tried_again_until_the_warning_is_sent() {
    let warned = Warned::with(|warnings| quick(warnings).claim_timeout(Duration::from_secs(60))).await;
    warned.post.answer([Answer::RefuseNow, Answer::Hang, Answer::RefuseNow]);
    warned.post.0.recipients.lock().unwrap().push_back(None);
    warned.key("CI", 2 * HOUR).await;
    warned.pass(HOUR + Duration::from_secs(600)).await;
    assert_eq!((warned.post.attempts(), warned.post.count()), (4, 1));
    assert_eq!(warned.events().await.len(), 1);
}

#[tokio::test]
async fn warning_that_can_never_be_sent_is_not_tried_again_and_not_recorded() {
    let warned = Warned::with(quick).await;
    warned.post.answer([Answer::RefuseForGood]);
    warned.key("refused", 2 * HOUR).await;
    warned.pass(HOUR + Duration::from_secs(600)).await;
    assert_eq!(warned.post.attempts(), 1);
    warned.post.0.recipients.lock().unwrap().push_back(Some(Vec::new()));
    warned.key("without administrators", 2 * HOUR).await;
    warned.pass(HOUR + Duration::from_secs(600)).await;
    assert_eq!((warned.post.attempts(), warned.events().await.len()), (1, 0));
}

#[tokio::test]
async fn warning_is_not_tried_after_the_expiration() {
    let warned = Warned::with(quick).await;
    warned.post.always(Answer::RefuseNow);
    warned.key("CI", 2 * HOUR).await;
    warned.pass(2 * HOUR).await;
    let attempts = warned.post.attempts();
    assert!(attempts > 20, "{attempts} attempts within the hour");
    warned.pass(HOUR).await;
    assert_eq!(warned.post.attempts(), attempts);
}

/// Every fault of every method, for one call each. One warning is sent and recorded, however the store fails.
#[tokio::test]
async fn warning_is_sent_once_with_any_fault_of_the_store() {
    let seconds = Duration::from_secs;
    let faults =
        [Fault::Error, Fault::Delay(seconds(1)), Fault::Delay(seconds(10)), Fault::Hang, Fault::AfterCommit];
    for method in [Method::Claim, Method::Finish, Method::Postpone] {
        for fault in faults {
            let warned = Warned::with(quick).await;
            warned.post.answer([Answer::RefuseNow]);
            warned.key("CI", 2 * HOUR).await;
            warned.pass(HOUR - Duration::from_secs(90)).await;
            warned.bench.faults.times(2, method, fault);
            warned.pass(HOUR - Duration::from_secs(60)).await;
            let seen = (warned.post.attempts(), warned.post.count(), warned.events().await.len());
            assert_eq!(seen, (2, 1, 1), "{method}: {fault:?}");
        }
    }
}

/// While the store cannot record a warning that was sent, the instance keeps trying, so that the warning is not
/// sent again.
#[tokio::test]
async fn warning_sent_while_the_store_is_away_is_recorded_later_and_not_sent_again() {
    let warned = Warned::with(quick).await;
    warned.key("CI", 2 * HOUR).await;
    warned.bench.faults.set(Method::Finish, Fault::Error);
    warned.pass(HOUR + Duration::from_secs(900)).await;
    assert_eq!((warned.post.count(), warned.events().await.len()), (1, 0));
    warned.bench.faults.clear();
    warned.pass(Duration::from_secs(900)).await;
    assert_eq!((warned.post.count(), warned.events().await.len()), (1, 1));
}

#[tokio::test]
async fn warning_whose_event_is_rejected_is_not_sent_again() {
    for rejections in [1, 2] {
        let warned = Warned::with(quick).await;
        warned.key("CI", 2 * HOUR).await;
        warned.bench.faults.times(rejections, Method::Finish, Fault::Rejected);
        warned.pass(3 * HOUR).await;
        assert_eq!((warned.post.count(), warned.events().await.len()), (1, 0));
    }
}

/// An instance crashes after the mail server has accepted the warning and before the store has recorded that.
#[tokio::test]
async fn warning_of_a_crashed_instance_is_sent_again_with_the_same_id() {
    let warned = Warned::with(quick).await;
    warned.key("CI", 2 * HOUR).await;
    warned.bench.faults.set(Method::Finish, Fault::Hang);
    warned.pass(HOUR + Duration::from_secs(60)).await;
    assert_eq!(warned.post.count(), 1);
    warned.running.abort();
    warned.bench.faults.clear();
    let (_other, maintenance) = instance(&warned.bench.store, &warned.post, quick).await;
    let running = tokio::spawn(maintenance.run());
    warned.pass(Duration::from_secs(180)).await;
    assert_eq!(warned.post.count(), 1, "the claim of the crashed instance lasts five minutes");
    warned.pass(Duration::from_secs(240)).await;
    let sent = warned.post.accepted();
    assert_eq!((sent.len(), sent[0].id() == sent[1].id()), (2, true));
    assert_eq!(warned.events().await.len(), 1);
    running.abort();
}

/// The claim of the crashed instance ends long before the key expires, although the period is shorter than the
/// claim timeout.
#[tokio::test]
async fn warning_of_a_crashed_instance_is_sent_before_the_expiration_even_for_a_short_period() {
    let short =
        |warnings: ExpiryWarnings| warnings.periods(WarningPeriods::new([Duration::from_secs(10)]).unwrap());
    let warned = Warned::with(short).await;
    warned.post.answer([Answer::Hang]);
    warned.key("CI", Duration::from_secs(30)).await;
    while warned.post.attempts() == 0 {
        warned.bench.clock.advance(Duration::from_millis(250)).await;
    }
    warned.running.abort();
    let (_other, maintenance) = instance(&warned.bench.store, &warned.post, short).await;
    let running = tokio::spawn(maintenance.run());
    warned.pass(Duration::from_secs(7)).await;
    assert_eq!((warned.post.count(), warned.events().await.len()), (1, 1));
    running.abort();
}

async fn instance(
    store: &MemoryStore,
    post: &Post,
    adjust: fn(ExpiryWarnings) -> ExpiryWarnings,
) -> (ApiKeys, apikeys_core::Maintenance) {
    let warnings = adjust(ExpiryWarnings::new(post.clone(), post.clone()));
    let builder: Builder = ApiKeys::builder(store.clone()).clock(post.0.clock.clone()).prefix("test_key");
    builder.expiry_warnings(warnings).build().await.unwrap()
}

#[tokio::test]
async fn several_instances_send_each_warning_once() {
    let warned = Warned::with(quick).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        let (keys, maintenance) = instance(&warned.bench.store, &warned.post, quick).await;
        others.push((keys, tokio::spawn(maintenance.run())));
    }
    warned.post.always(Answer::AcceptAfter(Duration::from_millis(300)));
    for number in 0..200 {
        warned.key(&format!("key {number}"), 2 * HOUR + Duration::from_secs(number)).await;
    }
    warned.pass(2 * HOUR).await;
    let mut counts: HashMap<String, usize> = HashMap::new();
    for warning in warned.post.accepted() {
        *counts.entry(warning.id()).or_default() += 1;
    }
    assert_eq!((counts.len(), counts.values().all(|count| *count == 1)), (200, true));
    assert_eq!(warned.events().await.len(), 200);
    for (_, running) in others {
        running.abort();
    }
}

/// The mail server answers after the claim has ended. Without the end of the attempt, both instances would send
/// the warning.
#[tokio::test]
async fn attempt_ends_before_another_instance_can_claim_the_warning() {
    let slow = |warnings| quick(warnings).claim_timeout(Duration::from_secs(60));
    let warned = Warned::with(slow).await;
    let (_other, maintenance) = instance(&warned.bench.store, &warned.post, slow).await;
    let running = tokio::spawn(maintenance.run());
    warned.post.answer([Answer::AcceptAfter(Duration::from_secs(90))]);
    warned.key("CI", 2 * HOUR).await;
    warned.pass(HOUR + Duration::from_secs(600)).await;
    assert_eq!((warned.post.attempts(), warned.post.count()), (2, 1));
    running.abort();
}

#[tokio::test]
async fn at_most_sixteen_warnings_are_sent_at_the_same_time() {
    let warned = Warned::with(quick).await;
    warned.post.always(Answer::AcceptAfter(Duration::from_secs(1)));
    for number in 0..50 {
        warned.key(&format!("key {number}"), 2 * HOUR).await;
    }
    warned.pass(HOUR + Duration::from_secs(120)).await;
    assert_eq!(warned.post.count(), 50);
    assert_eq!(warned.post.0.most_at_once.load(Ordering::SeqCst), 16);
}

#[tokio::test]
async fn warning_that_hangs_does_not_delay_other_warnings() {
    let warned = Warned::with(quick).await;
    warned.post.answer([Answer::Hang, Answer::Hang]);
    for number in 0..60 {
        warned.key(&format!("key {number}"), 2 * HOUR).await;
    }
    warned.pass(HOUR + Duration::from_secs(60)).await;
    assert_eq!((warned.post.count(), warned.events().await.len()), (58, 58));
    warned.pass(Duration::from_secs(300)).await;
    assert_eq!(warned.post.count(), 60);
}

#[tokio::test]
async fn mail_server_that_hangs_delays_neither_requests_nor_the_audit_log() {
    let warned = Warned::with(quick).await;
    warned.post.always(Answer::Hang);
    warned.key("CI", 2 * HOUR).await;
    let caller = warned.bench.create(new_key("caller")).await;
    warned.pass(HOUR + Duration::from_secs(60)).await;
    assert_eq!((warned.post.attempts(), warned.post.count()), (1, 0));
    warned.bench.call(&caller.secret).await.unwrap();
    warned.bench.clock.advance(FLUSH_INTERVAL).await;
    assert_eq!(warned.bench.keys.health().buffered_events, 0);
}

#[tokio::test]
async fn shutdown_waits_until_a_warning_that_is_being_sent_is_recorded() {
    let warned = Warned::with(quick).await;
    warned.post.always(Answer::AcceptAfter(Duration::from_secs(4)));
    warned.key("CI", 2 * HOUR).await;
    warned.pass(HOUR).await;
    while warned.post.attempts() == 0 {
        warned.bench.clock.advance(Duration::from_secs(1)).await;
    }
    assert_eq!(warned.post.count(), 0);
    warned.bench.pass_time_until(warned.bench.keys.shutdown()).await.unwrap();
    assert_eq!((warned.post.count(), warned.events().await.len()), (1, 1));
}

#[tokio::test]
async fn shutdown_during_a_warning_that_hangs_returns_an_error_in_time_and_sends_no_other() {
    let warned = Warned::with(quick).await;
    warned.post.always(Answer::Hang);
    warned.key("hangs", 2 * HOUR).await;
    warned.key("due later", 2 * HOUR + Duration::from_secs(62)).await;
    warned.pass(HOUR + Duration::from_secs(60)).await;
    let begin = warned.bench.clock.wall();
    let error = warned.bench.pass_time_until(warned.bench.keys.shutdown()).await.unwrap_err();
    assert_eq!((error.running_requests, error.running_warnings, error.unwritten_events), (0, 1, 0));
    assert!(warned.bench.clock.wall() <= begin.saturating_add(Duration::from_secs(11)));
    warned.pass(Duration::from_secs(600)).await;
    assert_eq!(warned.post.attempts(), 1);
}

/// A store of a third party without warnings.
#[derive(Debug)]
struct WithoutWarnings(MemoryStore);

#[async_trait]
impl Interceptor for WithoutWarnings {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.0
    }

    fn supports_warnings(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn warnings_on_a_store_without_warnings_are_an_error_at_the_start() {
    let store = || InterceptedStore::new(WithoutWarnings(MemoryStore::new()));
    let post = Post::new(&ManualClock::default());
    let builder = ApiKeys::builder(store()).expiry_warnings(ExpiryWarnings::new(post.clone(), post));
    let error = builder.build().await.unwrap_err();
    assert!(matches!(error, BuildError::WarningsUnsupported), "{error:?}");
    let (keys, maintenance) = ApiKeys::builder(store()).build().await.unwrap();
    drop(maintenance);
    keys.operator(actor()).set_plan(org("org"), crate::support::plan("starter")).await.unwrap();
}

#[test]
fn id_of_a_warning_depends_on_the_key_the_expiration_and_the_period() {
    let clock = ManualClock::default();
    let key = apikeys_core::KeyId::from_bytes([0; 16]);
    let shown = (key, apikeys_core::KeyName::new("CI").unwrap(), "key_0123".to_owned());
    let warning =
        ExpiryWarning::new(org("org"), shown, clock.wall(), 7 * DAY, vec!["a@b.example".to_owned()]);
    let micros = clock.wall().as_micros();
    assert_eq!(warning.id(), format!("{}.{micros}.604800000000", "a".repeat(26)));
    let mut other = warning.clone();
    other.period = DAY;
    assert_ne!(warning.id(), other.id());
}
