//! The program `manage` as a library.
//!
//! [`carry_out`] makes the calls that the [`Arguments`] ask for and returns the text to print. It uses
//! the service only through its HTTP API.

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
