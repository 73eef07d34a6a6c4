//! Watches live Go services: map memory over time, and what is about to go wrong.
//!
//! A [`watcher::Watcher`] asks one target through a [`source::Source`], at a [`pace::Pace`] that
//! its [`breaker::Breaker`] allows, writes what it learns into the [`history::History`] and raises
//! [`signals`]. All of it is driven by a [`clock::Clock`] from outside, so that a day passes in a
//! test within seconds. What a target sends is not trusted: its size, its time and its text are
//! bounded.

pub mod board;
pub mod breaker;
pub mod clock;
pub mod history;
pub mod http;
pub mod log;
pub mod metrics;
pub mod model;
pub mod otlp;
pub mod pace;
pub mod process;
pub mod run;
pub mod server;
pub mod signals;
mod sites;
pub mod source;
pub mod watcher;
pub mod words;
