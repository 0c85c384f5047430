//! The parts of the program `manage`, apart from its process.
//!
//! [`Arguments`] say what is wanted. [`carry_out`] makes the calls, and tells what to print. It
//! knows the service by its HTTP API alone.

mod answer;
mod arguments;
mod client;
mod commands;
mod failure;
mod printable;
mod show;
mod table;

pub use arguments::Arguments;
pub use commands::carry_out;
