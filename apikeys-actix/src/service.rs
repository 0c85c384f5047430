use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpResponse,
    body::EitherBody,
    dev::{Service, ServiceRequest, ServiceResponse},
};
use apikeys_core::{
    Admission,
    engine::Finish,
    http::{Carrier, Check},
};

use crate::{extract::NoCredential, guard::Guard};

/// The service that [`ApiKeyMiddleware`](crate::ApiKeyMiddleware) creates.
///
/// A denial is a response, not an error. The extensions of the response contain the
/// [`Denial`](apikeys_core::Denial), which middleware that runs before the `ApiKeyMiddleware` can read. Errors
/// of the inner service keep their type, and are recorded with the status of the response that actix-web makes
/// of them.
#[derive(Debug)]
pub struct ApiKeyService<S> {
    inner: Rc<S>,
    guard: Arc<Guard>,
}

impl<S> ApiKeyService<S> {
    pub(crate) fn new(inner: S, guard: Arc<Guard>) -> Self {
        Self { inner: Rc::new(inner), guard }
    }
}

impl<S, B> Service<ServiceRequest> for ApiKeyService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        Box::pin(respond(Rc::clone(&self.inner), Arc::clone(&self.guard), request))
    }
}

/// If the future is dropped while the inner service runs, or if the inner service panics, the request is
/// recorded as aborted.
async fn respond<S, B>(
    inner: Rc<S>,
    guard: Arc<Guard>,
    mut request: ServiceRequest,
) -> Result<ServiceResponse<EitherBody<B>>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let (verified, carrier) = match guard.check(&request) {
        Check::Verify { verification, carrier } => (verification.await, carrier),
        Check::Refuse(denial) => {
            return Ok(request.into_response(guard.refuse(denial).map_into_right_body()));
        }
        Check::Pass => {
            NoCredential::mark(&request, &guard);
            return match inner.call(request).await {
                Ok(mut response) => {
                    guard.add_headers_without_key(response.headers_mut());
                    Ok(response.map_into_left_body())
                }
                Err(mut error) => {
                    error.add_response_mapper(move |mut response| {
                        guard.add_headers_without_key(response.headers_mut());
                        response
                    });
                    Err(error)
                }
            };
        }
    };
    let admission = match verified {
        Ok(admission) => admission,
        Err(denial) => return Ok(request.into_response(guard.refuse(denial).map_into_right_body())),
    };
    guard.admit(&mut request, admission.key());
    match inner.call(request).await {
        Ok(mut response) => match finish(&guard, admission, &carrier, response.response_mut()).await {
            Ok(()) => Ok(response.map_into_left_body()),
            Err(denial) => Ok(response.into_response(guard.refuse(denial).map_into_right_body())),
        },
        Err(error) => Err(finish_error(&guard, admission, &carrier, error).await),
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
