//! The program `manage` as a library.
//!
//! [`carry_out`] runs the command that the [`Arguments`] contain and returns the text to print. The program
//! uses the service only through its HTTP API.

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
