//! `tophash debug ast`: kinds and positions of all nodes, in the form of
//! `oracle/astdump`.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use tophash_syntax::{Bodies, parse};

use crate::output::{Status, complain};

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
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut status = Status::Clean;
    let mut one = |path: &Path| -> io::Result<()> {
        if !dump(path, args.nodes, args.errors, &mut out)? {
            status = Status::Failed;
        }
        Ok(())
    };
    if args.files.is_empty() {
        for path in io::stdin().lock().lines() {
            one(Path::new(&path?))?;
        }
    } else {
        args.files.iter().try_for_each(|path| one(path))?;
    }
    out.flush()?;
    Ok(status)
}

/// Prints the line of one file; false if it can't be read.
fn dump(path: &Path, nodes: bool, errors: bool, out: &mut impl Write) -> io::Result<bool> {
    let source = match std::fs::read(path) {
        Ok(source) => source,
        Err(error) => {
            complain(&format!("{}: {error}", path.display()));
            return Ok(false);
        }
    };
    let file = parse(&source, Bodies::Parse);
    if let Some(error) = file.errors.first() {
        if errors {
            let (line, column) = file.position(error.offset);
            let place = format!("{}:{line}:{column}", path.display());
            complain(&format!("{place}: {}", error.message));
        }
        writeln!(out, "{}\terr", path.display())?;
        return Ok(true);
    }
    let mut lines = String::new();
    let count = file.dump_into(&mut lines);
    let hash = fnv1a(lines.as_bytes());
    writeln!(out, "{}\tok\t{count}\t{hash:016x}", path.display())?;
    if nodes {
        out.write_all(lines.as_bytes())?;
    }
    Ok(true)
}

/// The 64-bit FNV-1a hash.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &b| {
        (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}
