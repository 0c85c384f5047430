//! The names and statuses of keys, and the descriptions of new keys and of changes to keys.

mod name;
mod patch;
mod status;

pub use name::KeyName;
pub use patch::{KeyPatch, NewKey};
pub use status::Status;
