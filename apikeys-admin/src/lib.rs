#![doc = include_str!("../README.md")]

#[cfg(feature = "actix")]
mod actix;
mod admin;
mod api;
#[cfg(feature = "axum")]
mod axum;
mod body;
mod calls;
mod code;
mod cursor;
mod document;
mod example;
#[cfg(any(feature = "actix", feature = "axum"))]
mod incoming;
mod login;
mod message;
mod object;
mod origin;
mod query;
mod refusal;
mod route;

#[doc(no_inline)]
pub use apikeys_core;

pub use self::{
    admin::Admin,
    api::AdminApi,
    code::ErrorCode,
    message::{AdminRequest, AdminResponse, RequestBody},
    origin::{InvalidOrigin, Origin},
};
