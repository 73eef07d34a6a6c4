//! The program: build information, functions, and where its runtime keeps things.

pub mod debug_info;
