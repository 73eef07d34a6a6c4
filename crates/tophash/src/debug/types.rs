//! `tophash debug types`: types and callees of expressions, in the form of
//! `oracle/typedump`.

use std::io;

use clap::ArgAction;

use crate::build_flags::BuildFlags;
use crate::output::Status;

/// Print types and callees as oracle/typedump does
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    build: BuildFlags,

    /// Print every typed expression
    #[arg(
        long,
        value_name = "BOOL",
        default_value_t = false,
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = ArgAction::Set
    )]
    all: bool,
}

pub(crate) fn run(args: Args) -> io::Result<Status> {
    let _ = (args.build.options()?, args.all);
    Err(io::ErrorKind::Unsupported.into())
}
