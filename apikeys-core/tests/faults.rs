//! Every method of `FaultStore` fails with the faults that a test sets.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use apikeys_core::{
    Clock, ManualClock, MemoryStore, OrgId, PlanName, Timestamp,
    audit::{Action, AuditEvent},
    conformance::faults::{Fault, FaultStore, Method},
    id::{ChangeId, ClaimId, EventId, InstanceId, KeyId, WriterId},
    store::{
        AuditQuery, Batch, Change, ChangeKind, Coherence, FinishedWarning, KeyQuery, KeyStore, Revision,
        SentWarning, StoreError, StoreErrorKind, UsageQuery, UsageStep, WarningClaim,
    },
    token::{Locator, Scheme},
    warning::WarningPeriods,
};

/// An empty store and its clock.
struct Case {
    store: FaultStore<MemoryStore>,
    clock: ManualClock,
}

const WRITER: WriterId = WriterId::from_bytes([1; 16]);
const CLAIM: ClaimId = ClaimId::from_bytes([1; 16]);
const PLAN_CHANGE: ChangeId = ChangeId::from_bytes([1; 16]);

impl Case {
    fn new() -> Self {
        let clock = ManualClock::default();
        Self { store: FaultStore::new(MemoryStore::new(), Arc::new(clock.clone())), clock }
    }

    /// Opens the writer that `record` needs in the wrapped store.
    async fn open_writer(&self) {
        self.store.inner().open_writer(WRITER).await.unwrap();
    }

    /// Calls `method` and returns the result as text.
    async fn call(&self, method: Method) -> Result<String, StoreError> {
        let (store, key) = (&self.store, KeyId::from_bytes([1; 16]));
        Ok(match method {
            Method::Find => {
                format!("{:?}", store.find(&[Locator::new(Scheme::Sha256, [0; 32])]).await?)
            }
            Method::Schemes => format!("{:?}", store.schemes().await?),
            Method::Org => format!("{:?}", store.org(&org()).await?),
            Method::Key => format!("{:?}", store.key(&org(), key).await?),
            Method::Keys => format!("{:?}", store.keys(&KeyQuery::new(None, 1)).await?),
            Method::Commit => {
                let plan = PlanName::new("free").unwrap();
                let kind = ChangeKind::SetPlan { org: org(), plan, expected: None };
                format!("{:?}", store.commit(&Change::new(PLAN_CHANGE, kind, vec![])).await?)
            }
            Method::OpenWriter => format!("{:?}", store.open_writer(WRITER).await?),
            Method::Record => format!("{:?}", store.record(&batch()).await?),
            Method::Audit => format!("{:?}", store.audit(&AuditQuery::new(org(), 1)).await?),
            Method::Usage => {
                let query = UsageQuery::new(org(), key, Timestamp::MIN, Timestamp::MAX, UsageStep::Day);
                format!("{:?}", store.usage(&query).await?)
            }
            Method::Purge => format!("{:?}", store.purge(1).await?),
            Method::Claim => {
                let (now, periods) = (Timestamp::MIN, WarningPeriods::default());
                let claim = WarningClaim::new(CLAIM, now, now, periods, 1);
                format!("{:?}", store.warnings().unwrap().claim(&claim).await?)
            }
            Method::Finish => {
                let sent = SentWarning::new(Timestamp::MAX, Duration::from_secs(60));
                let warning = FinishedWarning::new(CLAIM, org(), key, sent, None);
                format!("{:?}", store.warnings().unwrap().finish(&warning).await?)
            }
            Method::Postpone => {
                format!("{:?}", store.warnings().unwrap().postpone(CLAIM, key, Timestamp::MAX).await?)
            }
            Method::Register => format!("{:?}", coherence(store).register(INSTANCE, LEASE).await?),
            Method::Poll => format!("{:?}", coherence(store).poll(INSTANCE, Revision(0)).await?),
            Method::Acknowledge => {
                format!("{:?}", coherence(store).acknowledge(INSTANCE, Revision(0)).await?)
            }
            Method::Behind => format!("{:?}", coherence(store).behind(Revision(1)).await?),
            Method::Fence => format!("{:?}", coherence(store).fence(&[INSTANCE], Revision(1)).await?),
            Method::Leave => format!("{:?}", coherence(store).leave(INSTANCE).await?),
            Method::Revision => format!("{:?}", coherence(store).revision().await?),
            Method::Hint => {
                // Without a change, the hint would wait.
                let (org, plan) = (OrgId::new("org_2").unwrap(), PlanName::new("free").unwrap());
                let kind = ChangeKind::SetPlan { org, plan, expected: None };
                let change = Change::new(ChangeId::from_bytes([2; 16]), kind, vec![]);
                store.inner().commit(&change).await.unwrap();
                format!("{:?}", coherence(store).hint(Revision(0)).await?)
            }
        })
    }

    /// Returns whether a call of a writing method has taken effect, or `None` for a reading method.
    async fn took_effect(&self, method: Method) -> Option<bool> {
        let inner = self.store.inner();
        match method {
            Method::Commit => Some(inner.org(&org()).await.unwrap().is_some()),
            // A batch of a writer that is not open returns `UnknownWriter`.
            Method::OpenWriter => {
                let again = Batch::new(WRITER, 1, vec![]);
                Some(format!("{:?}", inner.record(&again).await.unwrap()) != "UnknownWriter")
            }
            Method::Record => Some(!inner.audit(&AuditQuery::new(org(), 1)).await.unwrap().items.is_empty()),
            Method::Register => Some(is_registered(inner).await),
            // The instance was registered before.
            Method::Fence | Method::Leave => Some(!is_registered(inner).await),
            Method::Find
            | Method::Schemes
            | Method::Org
            | Method::Key
            | Method::Keys
            | Method::Audit
            | Method::Usage
            // There is nothing to purge and no key to warn of, so these methods have no visible effect.
            | Method::Purge
            | Method::Claim
            | Method::Finish
            | Method::Postpone
            | Method::Poll
            | Method::Acknowledge
            | Method::Behind
            | Method::Revision
            | Method::Hint => None,
        }
    }
}

const INSTANCE: InstanceId = InstanceId::from_bytes([5; 16]);
const LEASE: Duration = Duration::from_secs(2);

fn coherence(store: &impl KeyStore) -> &dyn Coherence {
    store.coherence().unwrap()
}

async fn is_registered(store: &MemoryStore) -> bool {
    store.poll(INSTANCE, Revision(0)).await.unwrap().registered
}

fn org() -> OrgId {
    OrgId::new("org_1").unwrap()
}

fn batch() -> Batch {
    let id = EventId::from_bytes([1; 16]);
    Batch::new(WRITER, 1, vec![AuditEvent::new(id, Timestamp::MIN, org(), Action::AuditGap)])
}

/// Runs `test` for each method, each time on a new store.
#[expect(clippy::needless_pass_by_value, reason = "a closure reads best where it is called")]
fn for_every_method(test: impl AsyncFn(&Case, Method)) {
    for method in Method::ALL {
        pollster::block_on(async {
            let case = Case::new();
            if method == Method::Record {
                case.open_writer().await;
            }
            if matches!(method, Method::Fence | Method::Leave) {
                case.store.inner().register(INSTANCE, LEASE).await.unwrap();
            }
            test(&case, method).await;
        });
    }
}

async fn assert_fails(case: &Case, method: Method, kind: StoreErrorKind) {
    let error = case.call(method).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (kind, method.as_str()));
}

#[test]
fn call_without_fault_succeeds() {
    for_every_method(async |case, method| {
        case.call(method).await.unwrap();
        assert_ne!(case.took_effect(method).await, Some(false), "{method}");
    });
}

#[test]
fn error_leaves_the_store_unchanged() {
    for_every_method(async |case, method| {
        case.store.faults().set(method, Fault::Error);
        for _ in 0..3 {
            assert_fails(case, method, StoreErrorKind::Unavailable).await;
        }
        assert_ne!(case.took_effect(method).await, Some(true), "{method}");
    });
}

#[test]
fn rejection_leaves_the_store_unchanged() {
    for_every_method(async |case, method| {
        case.store.faults().set(method, Fault::Rejected);
        assert_fails(case, method, StoreErrorKind::Rejected).await;
        assert_ne!(case.took_effect(method).await, Some(true), "{method}");
    });
}

#[test]
fn after_commit_does_the_work_and_returns_an_error() {
    for_every_method(async |case, method| {
        case.store.faults().once(method, Fault::AfterCommit);
        assert_fails(case, method, StoreErrorKind::Unavailable).await;
        assert_ne!(case.took_effect(method).await, Some(false), "{method}");
    });
}

#[test]
fn delay_passes_on_the_clock_before_the_call_succeeds() {
    for_every_method(async |case, method| {
        case.store.faults().set(method, Fault::Delay(Duration::from_secs(5)));
        let start = case.clock.monotonic();
        let call = async {
            case.call(method).await.unwrap();
            case.clock.monotonic().saturating_since(start)
        };
        let (waited, ()) =
            futures_util::future::join(call, case.clock.advance(Duration::from_secs(60))).await;
        assert_eq!(waited, Duration::from_secs(5), "{method}");
        assert_ne!(case.took_effect(method).await, Some(false), "{method}");
    });
}

#[test]
fn hanging_call_never_returns_and_leaves_the_store_unchanged() {
    for_every_method(async |case, method| {
        case.store.faults().set(method, Fault::Hang);
        let mut call = pin!(case.call(method));
        for _ in 0..100 {
            let polled = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await;
            assert!(polled, "{method}");
            case.clock.advance(Duration::from_secs(3_600)).await;
            case.store.faults().clear();
        }
        assert_ne!(case.took_effect(method).await, Some(true), "{method}");
    });
}

#[test]
fn fault_of_one_method_does_not_affect_other_methods() {
    for_every_method(async |case, method| {
        case.open_writer().await;
        case.store.faults().set(method, Fault::Error);
        for other in Method::ALL {
            assert_eq!(case.call(other).await.is_err(), other == method, "{other} beside {method}");
        }
    });
}

#[test]
fn queued_faults_come_in_order_before_the_standing_fault() {
    for_every_method(async |case, method| {
        let faults = case.store.faults().clone();
        faults.set(method, Fault::Error);
        faults.once(method, Fault::Delay(Duration::ZERO));
        faults.times(2, method, Fault::Rejected);
        case.call(method).await.unwrap();
        assert_fails(case, method, StoreErrorKind::Rejected).await;
        assert_fails(case, method, StoreErrorKind::Rejected).await;
        assert_fails(case, method, StoreErrorKind::Unavailable).await;
        assert_fails(case, method, StoreErrorKind::Unavailable).await;
    });
}

#[test]
fn clear_removes_faults_and_keeps_counts() {
    for_every_method(async |case, method| {
        let faults = case.store.faults();
        assert_eq!((faults.calls(method), faults.all_calls()), (0, 0));
        faults.set_all(Fault::Error);
        faults.times(5, method, Fault::Rejected);
        assert_fails(case, method, StoreErrorKind::Rejected).await;
        faults.clear();
        case.call(method).await.unwrap();
        assert_eq!((faults.calls(method), faults.all_calls()), (2, 2), "{method}");
    });
}

#[test]
fn after_commit_keeps_the_error_of_the_wrapped_store() {
    pollster::block_on(async {
        let case = Case::new();
        case.open_writer().await;
        let gap = Batch::new(WRITER, 7, vec![]);
        case.store.faults().set(Method::Record, Fault::AfterCommit);
        assert_eq!(case.store.record(&gap).await.unwrap_err().kind(), StoreErrorKind::Rejected);
    });
}
