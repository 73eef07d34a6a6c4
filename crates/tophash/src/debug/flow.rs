//! `tophash debug flow`: control flow graphs.

use std::io::{self, Write};
use std::time::Instant;

use tophash_flow::{Op, Unit, Value, candidates, dump, lower, lower_initialisers, verify};
use tophash_types::{Checker, FileId, Program, World};

use super::relative;
use crate::build_flags::BuildFlags;
use crate::deep_stack::on_deep_stack;
use crate::output::{Status, complain};

/// Print the graphs of functions
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    build: BuildFlags,

    /// Only functions and methods of that name: `Name` or `Type.Name`
    #[arg(long, value_name = "NAME")]
    function: Option<String>,

    /// Instead of graphs, print where indexed map elements are written: file, first and last byte offset
    #[arg(long)]
    writes: bool,

    /// Instead of graphs, print how many there are and how long it took
    #[arg(long)]
    count: bool,

    /// Leave out functions that write to nothing indexed and call no writer of maps
    #[arg(long)]
    candidates: bool,
}

pub(crate) fn run(args: Args) -> io::Result<Status> {
    let options = args.build.options()?;
    on_deep_stack(|| {
        let workspace = options.open();
        let program = Program::new(&workspace);
        let mut shown = Shown {
            checker: Checker::new(&program),
            out: io::BufWriter::new(io::stdout().lock()),
            function: args.function.as_deref(),
            writes: args.writes,
            count: args.count,
            path: String::new(),
            counts: Counts::default(),
        };
        let start = Instant::now();
        for &root in workspace.roots() {
            for &file in program.files(program.package_id(root)) {
                let source = workspace.file(program.workspace_file(file));
                shown.path = relative(&source.path, &options.dir);
                shown.file(file, args.candidates)?;
            }
        }
        if args.count {
            let counts = &shown.counts;
            let seconds = start.elapsed().as_secs_f64();
            writeln!(shown.out, "{counts:?} in {seconds:.2} s")?;
        }
        shown.out.flush()?;
        Ok(match shown.counts.problems {
            0 => Status::Clean,
            _ => Status::Failed,
        })
    })
}

/// How much was lowered.
#[derive(Default, Debug)]
#[allow(dead_code)] // read by `Debug` alone
struct Counts {
    units: usize,
    functions: usize,
    blocks: usize,
    instrs: usize,
    places: usize,
    map_writes: usize,
    map_reads: usize,
    problems: usize,
}

struct Shown<'a, 'w, W> {
    checker: Checker<'w>,
    out: W,
    function: Option<&'a str>,
    writes: bool,
    count: bool,
    path: String,
    counts: Counts,
}

impl<W: Write> Shown<'_, '_, W> {
    fn file(&mut self, file: FileId, candidates_only: bool) -> io::Result<()> {
        let tree = self.checker.world().file(file).tree;
        let never = |_, _| None;
        let candidates = candidates(tree);
        if self.function.is_none() && (!candidates_only || candidates.initialisers.may_write()) {
            let unit = lower_initialisers(&mut self.checker, file, &never);
            self.unit(unit)?;
        }
        for candidate in &candidates.functions {
            if candidates_only && !candidate.features.may_write() {
                continue;
            }
            let unit = lower(&mut self.checker, file, candidate.func, &never);
            self.unit(unit)?;
        }
        Ok(())
    }

    fn unit(&mut self, unit: Option<Unit>) -> io::Result<()> {
        let Some(unit) = unit else {
            return Ok(());
        };
        if let Some(wanted) = self.function {
            let name = unit.name.name.as_str();
            let matches = match (wanted.split_once('.'), unit.name.receiver) {
                (Some((receiver, method)), Some(r)) => r.as_str() == receiver && name == method,
                (Some(_), None) => false,
                (None, _) => name == wanted,
            };
            if !matches {
                return Ok(());
            }
        }
        for problem in verify(&unit) {
            self.counts.problems += 1;
            complain(&format!("{}: {problem}", self.path));
        }
        self.add(&unit)?;
        if !self.writes && !self.count {
            let text = dump(&unit, &mut self.checker);
            write!(self.out, "{text}")?;
        }
        Ok(())
    }

    fn add(&mut self, unit: &Unit) -> io::Result<()> {
        let counts = &mut self.counts;
        counts.units += 1;
        counts.functions += unit.functions.len();
        counts.places += unit.places.len();
        for block in unit.functions.iter().flat_map(|f| &f.blocks) {
            counts.blocks += 1;
            counts.instrs += block.instrs.len();
            for instr in &block.instrs {
                match &instr.op {
                    Op::MapWrite { .. } => {
                        counts.map_writes += 1;
                        if self.writes {
                            let span = instr.at.span;
                            let path = &self.path;
                            let (start, end) = (span.start, span.end);
                            writeln!(self.out, "{path}:{start}-{end}")?;
                        }
                    }
                    Op::Assign {
                        value: Value::MapRead { .. },
                        ..
                    } => counts.map_reads += 1,
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
