use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use apikeys_core::{
    Admission, Denial,
    engine::{Finish, Verification},
    http::Carrier,
};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{ResponseBody, guard::Guard};

pin_project! {
    /// The response future of [`ApiKeyService`](crate::ApiKeyService).
    ///
    /// If the future is dropped while the inner service runs, or if the inner service panics or returns an
    /// error, the request is recorded as aborted.
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
            carrier: Option<Carrier>,
            next: Option<(S, Request<ReqBody>)>,
        },
        // Fields are dropped in this order. The inner service must end before the admission records that
        // the request was aborted.
        Calling {
            #[pin]
            inner: F,
            admitted: Option<(Admission, Carrier)>,
        },
        Finishing {
            #[pin]
            finish: Finish,
            response: Option<R>,
        },
        Refused {
            denial: Option<Denial>,
        },
        Done,
    }
}

impl<S: Service<Request<ReqBody>>, ReqBody> ResponseFuture<S, ReqBody> {
    pub(crate) fn verifying(
        guard: Arc<Guard>,
        (verification, carrier): (Verification, Carrier),
        ready: S,
        request: Request<ReqBody>,
    ) -> Self {
        Self {
            guard,
            state: State::Verifying { verification, carrier: Some(carrier), next: Some((ready, request)) },
        }
    }

    pub(crate) fn admitted(guard: Arc<Guard>, inner: S::Future, admitted: (Admission, Carrier)) -> Self {
        Self { guard, state: State::Calling { inner, admitted: Some(admitted) } }
    }

    pub(crate) fn passed(guard: Arc<Guard>, inner: S::Future) -> Self {
        Self { guard, state: State::Calling { inner, admitted: None } }
    }

    pub(crate) fn refused(guard: Arc<Guard>, denial: Denial) -> Self {
        Self { guard, state: State::Refused { denial: Some(denial) } }
    }
}

/// The future stays pending if it is polled again after it was ready.
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
                StateProj::Verifying { verification, carrier, next } => {
                    let verified = ready!(verification.poll(cx));
                    let (Some(carrier), Some((mut service, mut request))) = (carrier.take(), next.take())
                    else {
                        return Poll::Pending;
                    };
                    match verified {
                        Ok(admission) => {
                            guard.admit(&mut request, admission.key());
                            let inner = service.call(request);
                            State::Calling { inner, admitted: Some((admission, carrier)) }
                        }
                        Err(denial) => State::Refused { denial: Some(denial) },
                    }
                }
                StateProj::Calling { inner, admitted } => {
                    let result = ready!(inner.poll(cx));
                    let admitted = admitted.take();
                    this.state.set(State::Done);
                    let mut response = result?;
                    let Some((admission, carrier)) = admitted else {
                        guard.add_headers_without_key(response.headers_mut());
                        return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                    };
                    guard.add_headers(response.headers_mut(), admission.key(), &carrier);
                    let mut finish = admission.finish(response.status().as_u16());
                    // In most cases, nothing must wait. The response is then not moved into the state.
                    match Pin::new(&mut finish).poll(cx) {
                        Poll::Ready(Ok(())) => return Poll::Ready(Ok(response.map(ResponseBody::inner))),
                        Poll::Ready(Err(denial)) => State::Refused { denial: Some(denial) },
                        Poll::Pending => State::Finishing { finish, response: Some(response) },
                    }
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
                StateProj::Done => return Poll::Pending,
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
            State::Done => "done",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}
