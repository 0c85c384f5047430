#![doc = include_str!("overview.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "actix")]
mod actix;
mod admin;
mod admin_request;
mod api;
mod api_error;
mod api_key;
#[cfg(feature = "axum")]
mod axum;
mod body;
mod client_text;
mod cross_origin;
mod cursor;
mod dispatch;
mod examples;
mod handlers;
#[cfg(any(feature = "actix", feature = "axum"))]
mod incoming_body;
mod openapi;
mod origin;
mod parameter;
mod query;
mod route;
mod routes;
mod strict_json;
mod usage_range;

#[doc(no_inline)]
pub use apikeys_core;
pub use apikeys_core::http::{ManageErrorCode, PlainResponse};

pub use self::{
    admin::Admin,
    admin_request::{AdminRequest, RequestBody},
    api::AdminApi,
    origin::InvalidOrigin,
};

#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
mod readme {}
