use std::{
    cell::Cell,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_web::{Error, HttpResponse, body::EitherBody, dev::ServiceResponse};
use apikeys_core::{Admission, engine::Finish, http::Carrier};
use pin_project_lite::pin_project;

use crate::guard::Guard;

pin_project! {
    /// The response future of [`ApiKeyService`](crate::ApiKeyService).
    ///
    /// If the future is dropped while the inner service runs, or if the inner service panics, the request is recorded as
    /// aborted.
    pub struct ResponseFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, B> {
        // Fields are dropped in this order. The inner service must end before the admission records that
        // the request was aborted.
        Calling {
            #[pin]
            inner: F,
            admitted: Option<(Admission, Carrier, Arc<Guard>)>,
        },
        Waiting {
            future: Responding<B>,
        },
    }
}

/// A future that waits for something other than the handler of an admitted request.
pub(crate) type Responding<B> = Pin<Box<dyn Future<Output = Responded<B>>>>;

type Responded<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

impl<F, B> ResponseFuture<F, B> {
    /// Waits for the handler of an admitted request, which is the usual case and needs no allocation.
    pub(crate) fn calling(inner: F, admission: Admission, carrier: Carrier, guard: Arc<Guard>) -> Self {
        Self { state: State::Calling { inner, admitted: Some((admission, carrier, guard)) } }
    }

    pub(crate) fn waiting(future: Responding<B>) -> Self {
        Self { state: State::Waiting { future } }
    }
}

/// The future stays pending if it is polled again after it was ready.
impl<F, B> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: 'static,
{
    type Output = Responded<B>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let future: Responding<B> = match state.as_mut().project() {
                StateProj::Calling { inner, admitted } => {
                    let result = ready!(inner.poll(cx));
                    let Some((admission, carrier, guard)) = admitted.take() else { return Poll::Pending };
                    match result {
                        Ok(mut response) => {
                            let mut finish = finish(&guard, admission, &carrier, response.response_mut());
                            match Pin::new(&mut finish).poll(cx) {
                                Poll::Ready(Ok(())) => return Poll::Ready(Ok(response.map_into_left_body())),
                                Poll::Ready(Err(denial)) => {
                                    let refusal = guard.refuse(denial).map_into_right_body();
                                    return Poll::Ready(Ok(response.into_response(refusal)));
                                }
                                Poll::Pending => Box::pin(finished(guard, response, finish)),
                            }
                        }
                        Err(error) => {
                            Box::pin(
                                async move { Err(finish_error(&guard, admission, &carrier, error).await) },
                            )
                        }
                    }
                }
                StateProj::Waiting { future } => return future.as_mut().poll(cx),
            };
            state.set(State::Waiting { future });
        }
    }
}

impl<F, B> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Calling { .. } => "calling",
            State::Waiting { .. } => "waiting",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}

/// Waits until the response may be sent.
async fn finished<B>(guard: Arc<Guard>, response: ServiceResponse<B>, finish: Finish) -> Responded<B> {
    match finish.await {
        Ok(()) => Ok(response.map_into_left_body()),
        Err(denial) => Ok(response.into_response(guard.refuse(denial).map_into_right_body())),
    }
}

/// Adds the headers of the response to an admitted request, and records the request.
fn finish<B>(
    guard: &Guard,
    admission: Admission,
    carrier: &Carrier,
    response: &mut HttpResponse<B>,
) -> Finish {
    guard.add_headers(response.headers_mut(), admission.key(), carrier);
    admission.finish(response.status().as_u16())
}

/// Does the same for an error, which actix-web turns into a response later.
async fn finish_error(guard: &Guard, admission: Admission, carrier: &Carrier, mut error: Error) -> Error {
    let mut response = error.error_response();
    if let Err(denial) = finish(guard, admission, carrier, &mut response).await {
        response = guard.refuse(denial);
    }
    // The recorded response must be the one that is sent. Some errors can make their response only once.
    let recorded = Cell::new(Some(response));
    error.add_response_mapper(move |another| recorded.take().unwrap_or(another));
    error
}
