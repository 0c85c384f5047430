use apikeys_core::{
    Denial,
    conformance::faults::{Fault, Method},
    store::StoreErrorKind,
};

use crate::{
    call::{Answer, Call},
    world::STORE_TIMEOUT,
};

/// The number of calls of the method that have the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    OneCall,
    UntilCleared,
}

/// The expected result of one combination of call, method and fault.
pub(crate) struct Expected {
    pub(crate) answer: Answer,
    /// The number of times that the call's change is made.
    pub(crate) made: usize,
}

impl Expected {
    /// Expects the result without a fault, because the call is not affected or recovers.
    pub(crate) fn as_ever(call: Call) -> Self {
        Self { answer: call.faultless(), made: 1 }
    }

    const fn unmade(answer: Answer) -> Self {
        Self { answer, made: 0 }
    }
}

/// Returns whether a store call with the fault still succeeds.
pub(crate) fn passes(fault: Fault) -> bool {
    matches!(fault, Fault::Delay(delay) if delay < STORE_TIMEOUT)
}

/// Returns the kind of error of a store call with the fault. A store that does not answer is unavailable.
fn kind(fault: Fault) -> StoreErrorKind {
    match fault {
        Fault::Rejected => StoreErrorKind::Rejected,
        Fault::Error | Fault::Delay(_) | Fault::Hang | Fault::AfterCommit => StoreErrorKind::Unavailable,
    }
}

/// Returns the expected result of `call` if `method`, which `call` uses, has `fault`.
pub(crate) fn expected(call: Call, method: Method, fault: Fault, lasting: Lasting) -> Expected {
    if passes(fault) {
        return Expected::as_ever(call);
    }
    let kind = kind(fault);
    match method {
        // A key that could not be verified is neither admitted nor denied as invalid.
        Method::Find | Method::Schemes if call != Call::Build => {
            Expected::unmade(Answer::Denied(Denial::VerificationUnavailable))
        }
        // A read that fails is an error at once, before anything is changed.
        Method::Find
        | Method::Schemes
        | Method::Org
        | Method::Key
        | Method::Keys
        | Method::Audit
        | Method::Usage => Expected::unmade(Answer::Failed(kind)),
        Method::Commit => match (kind, lasting) {
            // The change is sent again under the same id, and is made once.
            (StoreErrorKind::Unavailable, Lasting::OneCall) => Expected::as_ever(call),
            (_, _) => {
                let made = usize::from(fault == Fault::AfterCommit);
                Expected { answer: Answer::Failed(kind), made }
            }
        },
        Method::OpenWriter | Method::Record => recording(call, method, kind, lasting),
        // The organization is forgotten already. The next purge removes the rows that this purge left.
        Method::Purge => Expected::as_ever(call),
        // Warnings are sent by a loop of its own, which tries again.
        Method::Claim | Method::Finish | Method::Postpone => Expected::as_ever(call),
        // The lease is renewed by a loop of its own. While the loop fails, verifications read the store.
        Method::Register | Method::Poll | Method::Acknowledge | Method::Hint | Method::Leave => {
            Expected::as_ever(call)
        }
        // The maintenance looks for other instances once a minute.
        Method::Behind if call == Call::Maintenance => Expected::as_ever(call),
        // The change is made, so its error does not say that nothing was changed. The call cannot know whether other
        // instances still use the old state.
        Method::Behind | Method::Fence | Method::Revision => match (kind, lasting) {
            (StoreErrorKind::Unavailable, Lasting::OneCall) => Expected::as_ever(call),
            (_, _) => Expected { answer: Answer::Failed(StoreErrorKind::Unavailable), made: 1 },
        },
    }
}

/// Returns the expected result of a call that writes events. A request is answered even if its event is not
/// written, because the event waits for the next flush.
fn recording(call: Call, method: Method, kind: StoreErrorKind, lasting: Lasting) -> Expected {
    assert!(call.writes_the_log(), "{call:?} uses {method}");
    let refused = method == Method::Record && kind == StoreErrorKind::Rejected;
    let answer = match (call, lasting) {
        (Call::Finish, _) => Answer::Done,
        // A rejected batch is sent again under another writer.
        _ if refused && lasting == Lasting::OneCall => Answer::Done,
        // These calls try again.
        (Call::Shutdown | Call::Maintenance, Lasting::OneCall) => Answer::Done,
        (Call::Shutdown | Call::Maintenance, Lasting::UntilCleared) => Answer::Unwritten,
        _ => Answer::Failed(kind),
    };
    Expected::unmade(answer)
}
