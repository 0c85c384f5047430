//! Keys and their stored fields, without their secrets.

mod name;
mod patch;
mod row;

pub use name::KeyName;
pub use patch::{KeyPatch, NewKey};
pub use row::{KeyRow, KeyView, SecretRow, Settings, Status};
