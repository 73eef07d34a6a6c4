//! `tophash debug`: what the stages before the rules see. For those who work on
//! tophash; its forms may change at any time.

mod ast;
mod parse_bench;
mod types;

use std::io;

use clap::Subcommand;

use crate::output::Status;

/// Show what the front end makes of Go source
#[derive(Subcommand)]
pub(crate) enum Command {
    Ast(ast::Args),
    ParseBench(parse_bench::Args),
    Types(types::Args),
}

pub(crate) fn run(command: Command) -> io::Result<Status> {
    match command {
        Command::Ast(args) => ast::run(args),
        Command::ParseBench(args) => parse_bench::run(args),
        Command::Types(args) => types::run(args),
    }
}
