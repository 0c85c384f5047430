use apikeys_core::{
    Denial,
    conformance::faults::{Fault, Method},
    store::StoreErrorKind,
};

use crate::{
    call::{Answer, Call},
    world::STORE_TIMEOUT,
};

/// How many calls of the method meet the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    OneCall,
    UntilCleared,
}

/// What a cell of the table must show.
pub(crate) struct Expected {
    pub(crate) answer: Answer,
    /// How often the call's change is made.
    pub(crate) made: usize,
}

impl Expected {
    /// The call does not notice the fault, or makes up for it.
    pub(crate) fn as_ever(call: Call) -> Self {
        Self { answer: call.faultless(), made: 1 }
    }

    const fn unmade(answer: Answer) -> Self {
        Self { answer, made: 0 }
    }
}

/// Whether a call that meets the fault succeeds after all.
pub(crate) fn passes(fault: Fault) -> bool {
    matches!(fault, Fault::Delay(delay) if delay < STORE_TIMEOUT)
}

/// The error of a store call that meets the fault. Without an answer, the store counts as down.
fn kind(fault: Fault) -> StoreErrorKind {
    match fault {
        Fault::Rejected => StoreErrorKind::Rejected,
        Fault::Error | Fault::Delay(_) | Fault::Hang | Fault::AfterCommit => StoreErrorKind::Unavailable,
    }
}

/// What `call` must answer when `method`, which it uses, meets `fault`.
pub(crate) fn expected(call: Call, method: Method, fault: Fault, lasting: Lasting) -> Expected {
    if passes(fault) {
        return Expected::as_ever(call);
    }
    let kind = kind(fault);
    match method {
        // A key that cannot be checked is neither let in nor called invalid.
        Method::Find | Method::Schemes if call != Call::Build => {
            Expected::unmade(Answer::Denied(Denial::VerificationUnavailable))
        }
        // What cannot be read is an error at once, and nothing has been changed yet.
        Method::Find
        | Method::Schemes
        | Method::Org
        | Method::Key
        | Method::Keys
        | Method::Audit
        | Method::Usage => Expected::unmade(Answer::Failed(kind)),
        Method::Commit => match (kind, lasting) {
            // The change is sent again under the same id, and made once.
            (StoreErrorKind::Unavailable, Lasting::OneCall) => Expected::as_ever(call),
            (_, _) => {
                let made = usize::from(fault == Fault::AfterCommit);
                Expected { answer: Answer::Failed(kind), made }
            }
        },
        Method::OpenWriter | Method::Record => recording(call, method, kind, lasting),
        // The organization is forgotten already. The next purge removes what this one left.
        Method::Purge => Expected::as_ever(call),
    }
}

/// A request is answered whether or not its event is written; the event waits for the next flush.
fn recording(call: Call, method: Method, kind: StoreErrorKind, lasting: Lasting) -> Expected {
    assert!(call.writes_the_log(), "{call:?} uses {method}");
    let refused = method == Method::Record && kind == StoreErrorKind::Rejected;
    let answer = match (call, lasting) {
        (Call::Finish, _) => Answer::Done,
        // A refused batch is sent again under another writer.
        _ if refused && lasting == Lasting::OneCall => Answer::Done,
        // These try again.
        (Call::Shutdown | Call::Maintenance, Lasting::OneCall) => Answer::Done,
        (Call::Shutdown | Call::Maintenance, Lasting::UntilCleared) => Answer::Unwritten,
        _ => Answer::Failed(kind),
    };
    Expected::unmade(answer)
}
