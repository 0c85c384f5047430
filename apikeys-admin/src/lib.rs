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
#[cfg(any(feature = "actix", feature = "axum"))]
mod mounted;
mod openapi;
mod origin;
#[cfg(feature = "page")]
mod page;
mod parameter;
mod query;
mod route;
mod routes;
mod strict_json;
mod usage_range;

#[doc(no_inline)]
pub use apikeys_core;
pub use apikeys_core::http::{ManageErrorCode, PlainResponse};

#[cfg(feature = "page")]
pub use self::page::{Language, SettingsPage};
pub use self::{
    admin::Admin,
    admin_request::{AdminRequest, RequestBody},
    api::AdminApi,
    origin::InvalidOrigin,
};

#[cfg(all(doctest, feature = "axum", feature = "page"))]
#[doc = include_str!("../README.md")]
mod readme {}
