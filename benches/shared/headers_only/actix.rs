use std::{hint::black_box, sync::Arc};

use actix_web::{
    Error, HttpMessage,
    dev::{Service, ServiceRequest, ServiceResponse},
    http::header::{self, HeaderName, HeaderValue},
};

use super::{Caller, LIMIT, POLICY, VALUES};

const NAMES: [HeaderName; 2] = [HeaderName::from_static(POLICY), HeaderName::from_static(LIMIT)];

/// Changes the headers like the middleware for actix-web. Call this in a closure of `wrap_fn`.
pub fn change_headers<S, B>(
    key: &Arc<str>,
    mut request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    request.headers_mut().remove(header::AUTHORIZATION);
    request.extensions_mut().insert(Caller::new(key));
    let response = service.call(request);
    async move {
        let mut response = response.await?;
        for (name, value) in NAMES.into_iter().zip(VALUES) {
            if let Ok(value) = HeaderValue::from_str(black_box(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    }
}
