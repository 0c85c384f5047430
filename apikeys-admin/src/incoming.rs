use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use apikeys_core::Clock;

use crate::RequestBody;

/// The most that is read of a body in order to discard it, in bytes.
const MAX_DISCARDED: u64 = 8 * 1024 * 1024;

/// How long the rest of a body is waited for.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// A framework's stream of the parts of a body.
pub(crate) trait Parts {
    type Part: AsRef<[u8]>;

    /// The next part; `None` at the end of the body, an error where the client stopped before it.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Self::Part, Incomplete>>>;
}

/// The client did not send all of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Incomplete;

/// The body of a request while it arrives.
///
/// A body that a call does not want, or that is too long, is read to its end all the same and
/// discarded before the response is sent. Otherwise a server closes the connection while the client
/// still sends, and a client that sends everything before it reads sees an error of its connection
/// in place of the response.
pub(crate) struct Incoming<P> {
    parts: P,
    state: State,
    received: u64,
    /// `Content-Length`, if there is one.
    declared: Option<u64>,
    /// The client sends the body only after a `100 Continue`, which the server sends when the body
    /// is first read.
    awaits_continue: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Untouched,
    Begun,
    Ended,
    Failed,
}

/// What is left of a body when the response is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing: the connection can be used for the next request.
    Nothing,
    /// Some of it, so that the connection must be closed.
    Unread,
}

impl<P: Parts> Incoming<P> {
    pub(crate) fn new(parts: P, declared: Option<u64>, awaits_continue: bool) -> Self {
        Self { parts, state: State::Untouched, received: 0, declared, awaits_continue }
    }

    /// Reads the whole body into memory, unless it is longer than `limit` bytes.
    ///
    /// # Errors
    ///
    /// Returns [`RequestBody::TooLong`] or [`RequestBody::Incomplete`].
    pub(crate) async fn read(&mut self, limit: usize) -> Result<Vec<u8>, RequestBody<'static>> {
        let mut body = Vec::new();
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        if self.declared.is_some_and(|declared| declared > limit) {
            return Err(RequestBody::TooLong);
        }
        loop {
            match poll_fn(|cx| self.poll(cx)).await {
                Some(Ok(_)) if self.received > limit => return Err(RequestBody::TooLong),
                Some(Ok(part)) => body.extend_from_slice(part.as_ref()),
                Some(Err(Incomplete)) => return Err(RequestBody::Incomplete),
                None => return Ok(body),
            }
        }
    }

    /// Reads and discards the rest of the body, up to 8 MiB of the whole and for 5 seconds on
    /// `clock`.
    pub(crate) async fn discard(mut self, clock: &dyn Clock) -> Rest {
        let too_long = self.declared.is_some_and(|declared| declared > MAX_DISCARDED);
        if self.state == State::Untouched && (too_long || self.awaits_continue) {
            return Rest::Unread;
        }
        let mut timeout = None;
        poll_fn(|cx| {
            loop {
                let polled = self.poll(cx);
                match polled {
                    Poll::Ready(None) => return Poll::Ready(Rest::Nothing),
                    Poll::Ready(Some(Err(Incomplete))) => return Poll::Ready(Rest::Unread),
                    Poll::Ready(Some(Ok(_))) if self.received > MAX_DISCARDED => {
                        return Poll::Ready(Rest::Unread);
                    }
                    Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
                }
                // Also polled after a part, because a client may never pause.
                let timeout = timeout.get_or_insert_with(|| clock.sleep(MAX_WAIT));
                if timeout.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Rest::Unread);
                }
                if polled.is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<P::Part, Incomplete>>> {
        match self.state {
            State::Ended => return Poll::Ready(None),
            State::Failed => return Poll::Ready(Some(Err(Incomplete))),
            State::Untouched | State::Begun => self.state = State::Begun,
        }
        let polled = self.parts.poll_part(cx);
        match &polled {
            Poll::Ready(Some(Ok(part))) => {
                let len = u64::try_from(part.as_ref().len()).unwrap_or(u64::MAX);
                self.received = self.received.saturating_add(len);
            }
            Poll::Ready(Some(Err(Incomplete))) => self.state = State::Failed,
            Poll::Ready(None) => self.state = State::Ended,
            Poll::Pending => {}
        }
        polled
    }
}
