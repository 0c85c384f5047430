use std::{
    sync::Arc,
    task::{Context, Poll},
};

use apikeys_core::http::Check;
use http::{Request, Response};
use tower_service::Service;

use crate::{ResponseBody, ResponseFuture, guard::Guard};

/// The service that [`ApiKeyLayer`](crate::ApiKeyLayer) creates.
///
/// A denial is a response, not an error. The extensions of the response contain the
/// [`Denial`](apikeys_core::Denial), which layers that run before the `ApiKeyLayer` can read. Errors of the
/// inner service pass through unchanged.
#[derive(Debug, Clone)]
pub struct ApiKeyService<S> {
    inner: S,
    guard: Arc<Guard>,
}

impl<S> ApiKeyService<S> {
    pub(crate) fn new(inner: S, guard: Arc<Guard>) -> Self {
        Self { inner, guard }
    }

    /// Returns the inner service, which gets the admitted requests.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }
}

impl<S: Clone> ApiKeyService<S> {
    /// Returns the inner service, which was polled to readiness, and keeps a clone of it, which may not be
    /// ready.
    fn take_ready(&mut self) -> S {
        let clone = self.inner.clone();
        std::mem::replace(&mut self.inner, clone)
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ApiKeyService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let guard = Arc::clone(&self.guard);
        match guard.check(&request) {
            // The key of most requests is in the cache. The inner service then gets the request at once, and the future
            // need not keep it.
            Check::Admit { admission, carrier } => {
                guard.admit(&mut request, admission.key());
                let inner = self.inner.call(request);
                ResponseFuture::admitted(guard, inner, (admission, carrier))
            }
            Check::Verify { verification, carrier } => {
                ResponseFuture::verifying(guard, (verification, carrier), self.take_ready(), request)
            }
            Check::Pass => {
                guard.pass(&mut request);
                let inner = self.inner.call(request);
                ResponseFuture::passed(guard, inner)
            }
            Check::Refuse(denial) => ResponseFuture::refused(guard, denial),
        }
    }
}
