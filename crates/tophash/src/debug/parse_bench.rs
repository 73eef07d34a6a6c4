//! `tophash debug parse-bench`: the parser's speed, in the form of `oracle/astbench`.

use std::io;

use crate::output::Status;

/// Measure the parser on the files named on standard input
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Number of rounds; the fastest counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: u32,
}

pub(crate) fn run(args: Args) -> io::Result<Status> {
    let _ = args.rounds;
    Err(io::ErrorKind::Unsupported.into())
}
