//! `tophash debug parse-bench`: the parser's speed, in the form of `oracle/astbench`.

use std::io::{self, BufRead, Write};
use std::time::Duration;

use tophash_syntax::{Bodies, parse};

use crate::output::Status;

/// Measure the parser on the files named on standard input
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Number of rounds; the fastest counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: u32,

    /// Leave out the bodies of functions, as for dependencies
    #[arg(long)]
    skip_bodies: bool,
}

pub(crate) fn run(args: Args) -> io::Result<Status> {
    let mut files = Vec::new();
    for path in io::stdin().lock().lines() {
        files.push(std::fs::read(path?)?);
    }
    let (name, bodies) = match args.skip_bodies {
        false => ("tophash", Bodies::Parse),
        true => ("tophash-skip-bodies", Bodies::Skip),
    };
    let mut best = None;
    for _ in 0..args.rounds {
        let start = cpu_time();
        for source in &files {
            std::hint::black_box(parse(source, bodies));
        }
        let took = cpu_time().saturating_sub(start);
        best = Some(best.map_or(took, |best: Duration| best.min(took)));
    }
    let bytes: usize = files.iter().map(Vec::len).sum();
    let seconds = best.unwrap_or_default().as_secs_f64();
    let speed = bytes as f64 / 1e6 / seconds;
    let count = files.len();
    let mut out = io::stdout().lock();
    writeln!(out, "{name}\t{count}\t{bytes}\t{seconds:.3}\t{speed:.1}")?;
    Ok(Status::Clean)
}

/// The CPU time this process has used.
fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let nanoseconds = u32::try_from(now.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), nanoseconds)
}
