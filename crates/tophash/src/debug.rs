//! `tophash debug`: what the stages before the rules see. For those who work on
//! tophash; its forms may change at any time.

mod ast;
mod flow;
mod parse_bench;
mod types;

use std::io;
use std::path::Path;

use clap::Subcommand;

use crate::output::Status;

/// Show what the front end makes of Go source
#[derive(Subcommand)]
pub(crate) enum Command {
    Ast(ast::Args),
    Flow(flow::Args),
    ParseBench(parse_bench::Args),
    Types(types::Args),
}

pub(crate) fn run(command: Command) -> io::Result<Status> {
    match command {
        Command::Ast(args) => ast::run(args),
        Command::Flow(args) => flow::run(args),
        Command::ParseBench(args) => parse_bench::run(args),
        Command::Types(args) => types::run(args),
    }
}

/// The path from `dir` to `path`, with slashes.
fn relative(path: &Path, dir: &Path) -> String {
    let common = path
        .components()
        .zip(dir.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = dir.components().skip(common).map(|_| "..".to_owned());
    let down = path.components().skip(common);
    let down = down.map(|c| c.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}
