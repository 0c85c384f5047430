use std::{
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use actix_web::{
    Error,
    body::EitherBody,
    dev::{Service, ServiceRequest, ServiceResponse},
};
use apikeys_core::{
    engine::Verification,
    http::{Carrier, Check},
};

use crate::{future::ResponseFuture, guard::Guard};

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
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let guard = Arc::clone(&self.guard);
        match guard.check(&request) {
            // The key of most requests is in the cache.
            Check::Admit { admission, carrier } => {
                guard.admit(&mut request, admission.key());
                ResponseFuture::calling(self.inner.call(request), admission, carrier, guard)
            }
            Check::Verify { verification, carrier } => {
                let waiting = verify(Rc::clone(&self.inner), guard, request, (verification, carrier));
                ResponseFuture::waiting(Box::pin(waiting))
            }
            Check::Pass => {
                guard.pass(&request);
                ResponseFuture::waiting(Box::pin(pass(Rc::clone(&self.inner), guard, request)))
            }
            Check::Refuse(denial) => {
                let refusal = guard.respond(request, denial);
                ResponseFuture::waiting(Box::pin(std::future::ready(Ok(refusal))))
            }
        }
    }
}

/// Waits for the verification, and then for the handler.
async fn verify<S, B>(
    inner: Rc<S>,
    guard: Arc<Guard>,
    mut request: ServiceRequest,
    (verification, carrier): (Verification, Carrier),
) -> Result<ServiceResponse<EitherBody<B>>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: 'static,
{
    match verification.await {
        Ok(admission) => {
            guard.admit(&mut request, admission.key());
            ResponseFuture::calling(inner.call(request), admission, carrier, guard).await
        }
        Err(denial) => Ok(guard.respond(request, denial)),
    }
}

/// Calls the handler of a request without a key.
async fn pass<S, B>(
    inner: Rc<S>,
    guard: Arc<Guard>,
    request: ServiceRequest,
) -> Result<ServiceResponse<EitherBody<B>>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    match inner.call(request).await {
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
    }
}
