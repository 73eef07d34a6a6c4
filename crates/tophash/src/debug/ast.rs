//! `tophash debug ast`: kinds and positions of all nodes, in the form of
//! `oracle/astdump`.

use std::io;
use std::path::PathBuf;

use crate::output::Status;

/// Print the nodes of files as oracle/astdump does
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print the nodes themselves, not only their number and hash
    #[arg(long)]
    nodes: bool,

    /// Print the first error of each rejected file to standard error
    #[arg(long)]
    errors: bool,

    /// Files; their names are read from standard input if there are none
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: Args) -> io::Result<Status> {
    let _ = (args.nodes, args.errors, args.files);
    Err(io::ErrorKind::Unsupported.into())
}
