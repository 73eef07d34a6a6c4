//! Standard output, standard error and exit statuses.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::ValueEnum;

/// How a run ended. The numbers are part of the interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Status {
    /// Everything asked for was done, and nothing was found.
    Clean = 0,
    /// Something was found.
    Findings = 1,
    /// Wrong usage, a pattern that matches nothing, a file that can't be read.
    /// What could be analysed was reported.
    Failed = 2,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(status as u8)
    }
}

/// When output is coloured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM says dumb.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether standard output is to be coloured.
    pub(crate) fn on_stdout(self) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
            }
        }
    }
}

/// The option that says when to colour, of every command that prints for people.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct ColorFlag {
    /// When to colour the output
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    color: Color,
}

impl ColorFlag {
    /// Whether standard output is to be coloured.
    pub(crate) fn on_stdout(self) -> bool {
        self.color.on_stdout()
    }
}

/// Writes lines about what went wrong to standard error. That standard error may
/// be closed is no reason to fail.
pub(crate) fn complain(message: &str) {
    let mut err = io::stderr().lock();
    for line in message.lines() {
        let _ = writeln!(err, "tophash: {line}");
    }
}
