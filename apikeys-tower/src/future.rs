use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use apikeys_core::{
    Admission, Denial,
    engine::{Finish, Verification},
};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{ResponseBody, guard::Guard};

pin_project! {
    /// The response of [`ApiKeyService`](crate::ApiKeyService).
    ///
    /// Dropped while the inner service runs, or with that service panicking or failing, it leaves
    /// an 'aborted' event on the audit log.
    pub struct ResponseFuture<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        guard: Arc<Guard>,
        #[pin]
        state: State<S, ReqBody, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqBody, F, R> {
        Verifying {
            #[pin]
            verification: Verification,
            next: Option<(S, Request<ReqBody>)>,
        },
        // The order of the fields is the order in which they are dropped: first the handler, then
        // the admission, which records that it came to nothing.
        Calling {
            #[pin]
            inner: F,
            admission: Option<Admission>,
        },
        Finishing {
            #[pin]
            finish: Finish,
            response: Option<R>,
        },
        Refused {
            denial: Option<Denial>,
        },
    }
}

impl<S: Service<Request<ReqBody>>, ReqBody> ResponseFuture<S, ReqBody> {
    pub(crate) fn verifying(
        guard: Arc<Guard>,
        verification: Verification,
        ready: S,
        request: Request<ReqBody>,
    ) -> Self {
        Self { guard, state: State::Verifying { verification, next: Some((ready, request)) } }
    }

    pub(crate) fn passed(guard: Arc<Guard>, inner: S::Future) -> Self {
        Self { guard, state: State::Calling { inner, admission: None } }
    }

    pub(crate) fn refused(guard: Arc<Guard>, denial: Denial) -> Self {
        Self { guard, state: State::Refused { denial: Some(denial) } }
    }
}

/// Polled again after it was done, it stays pending.
impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Output = Result<Response<ResponseBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let guard = this.guard;
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Verifying { verification, next } => {
                    let verified = ready!(verification.poll(cx));
                    let Some((mut service, mut request)) = next.take() else { return Poll::Pending };
                    match verified {
                        Ok(admission) => {
                            guard.admit(&mut request, admission.key());
                            State::Calling { inner: service.call(request), admission: Some(admission) }
                        }
                        Err(denial) => State::Refused { denial: Some(denial) },
                    }
                }
                StateProj::Calling { inner, admission } => {
                    let result = ready!(inner.poll(cx));
                    let admission = admission.take();
                    let mut response = result?;
                    let Some(admission) = admission else {
                        return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                    };
                    guard.add_rate_headers(response.headers_mut(), admission.key());
                    let finish = admission.finish(response.status().as_u16());
                    State::Finishing { finish, response: Some(response) }
                }
                StateProj::Finishing { finish, response } => match ready!(finish.poll(cx)) {
                    Ok(()) => {
                        let Some(response) = response.take() else { return Poll::Pending };
                        return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                    }
                    Err(denial) => State::Refused { denial: Some(denial) },
                },
                StateProj::Refused { denial } => {
                    let Some(denial) = denial.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(guard.refuse(denial).map(ResponseBody::denial)));
                }
            };
            this.state.set(next);
        }
    }
}

impl<S: Service<Request<ReqBody>>, ReqBody> fmt::Debug for ResponseFuture<S, ReqBody> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Verifying { .. } => "verifying",
            State::Calling { .. } => "calling",
            State::Finishing { .. } => "finishing",
            State::Refused { .. } => "refused",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}
