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
mod code;
mod cursor;
mod examples;
mod handlers;
#[cfg(any(feature = "actix", feature = "axum"))]
mod incoming;
mod openapi;
mod origin;
mod query;
mod refusal;
mod request;
mod route;
mod strict_json;

#[doc(no_inline)]
pub use apikeys_core;

pub use self::{
    admin::Admin,
    api::AdminApi,
    code::ErrorCode,
    origin::{InvalidOrigin, Origin},
    request::{AdminRequest, AdminResponse, RequestBody},
};

#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
mod readme {}
