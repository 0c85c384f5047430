use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use apikeys_core::Clock;

use crate::RequestBody;

/// The length of the longest body that is read to its end in order to discard it, in bytes.
const MAX_DISCARDED: u64 = 8 * 1024 * 1024;

/// The longest time for which [`IncomingBody::discard`] waits for the rest of a body.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// A stream of the parts of a body, which an adapter implements for its framework's type.
pub(crate) trait BodyParts {
    type Part: AsRef<[u8]>;

    /// Polls for the next part. Returns `None` at the end of the body, and [`IncompleteBody`] if the
    /// connection ended before.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Self::Part, IncompleteBody>>>;
}

/// The error of a body whose connection ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IncompleteBody;

/// The body of a request while it arrives.
///
/// A body that is too long, or that the endpoint does not use, is read and discarded before the response is
/// sent. Otherwise the server closes the connection while the client is still sending. A client that sends
/// its whole request before it reads then sees a connection error instead of the response.
pub(crate) struct IncomingBody<P> {
    parts: P,
    state: State,
    received: u64,
    /// The value of `Content-Length`. `None` if the header is missing or invalid.
    declared: Option<u64>,
    /// The client sends the body only after `100 Continue`, which the server sends when the body is first
    /// read.
    awaits_continue: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Untouched,
    Begun,
    Ended,
    Failed,
}

/// The part of a body that is left when the response is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// The whole body was read. The connection can be used for the next request.
    Nothing,
    /// A part of the body was not read. The connection must be closed.
    Unread,
}

impl<P: BodyParts> IncomingBody<P> {
    pub(crate) fn new(parts: P, declared: Option<u64>, awaits_continue: bool) -> Self {
        Self { parts, state: State::Untouched, received: 0, declared, awaits_continue }
    }

    /// Reads the whole body into memory, unless it is longer than `limit` bytes.
    ///
    /// # Errors
    ///
    /// Returns [`RequestBody::TooLong`] if the body is longer, and [`RequestBody::Incomplete`] if the
    /// connection ended before the end of the body.
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
                Some(Err(IncompleteBody)) => return Err(RequestBody::Incomplete),
                None => return Ok(body),
            }
        }
    }

    /// Reads and discards the rest of the body. Stops when the body is longer than 8 MiB, and after 5 seconds
    /// on `clock`.
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
                    Poll::Ready(Some(Err(IncompleteBody))) => return Poll::Ready(Rest::Unread),
                    Poll::Ready(Some(Ok(_))) if self.received > MAX_DISCARDED => {
                        return Poll::Ready(Rest::Unread);
                    }
                    Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
                }
                // The timeout is also polled after a part, because a client may send without a pause.
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

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<P::Part, IncompleteBody>>> {
        match self.state {
            State::Ended => return Poll::Ready(None),
            State::Failed => return Poll::Ready(Some(Err(IncompleteBody))),
            State::Untouched | State::Begun => self.state = State::Begun,
        }
        let polled = self.parts.poll_part(cx);
        match &polled {
            Poll::Ready(Some(Ok(part))) => {
                let len = u64::try_from(part.as_ref().len()).unwrap_or(u64::MAX);
                self.received = self.received.saturating_add(len);
            }
            Poll::Ready(Some(Err(IncompleteBody))) => self.state = State::Failed,
            Poll::Ready(None) => self.state = State::Ended,
            Poll::Pending => {}
        }
        polled
    }
}
