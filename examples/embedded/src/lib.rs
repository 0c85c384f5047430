//! See `main.rs`, which is the example.
