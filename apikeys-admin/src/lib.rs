#![doc = include_str!("overview.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "actix")]
mod actix;
mod admin;
mod api;
mod api_key;
#[cfg(feature = "axum")]
mod axum;
mod body;
mod call_error;
mod cursor;
mod examples;
mod handlers;
#[cfg(any(feature = "actix", feature = "axum"))]
mod incoming;
mod openapi;
mod origin;
mod query;
mod request;
mod route;
mod strict_json;

#[doc(no_inline)]
pub use apikeys_core;
pub use apikeys_core::http::{ManageErrorCode, PlainResponse};

pub use self::{
    admin::Admin,
    api::AdminApi,
    origin::{InvalidOrigin, Origin},
    request::{AdminRequest, RequestBody},
};

#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
mod readme {}
