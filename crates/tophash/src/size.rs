//! `tophash size`: what a map takes from the heap.

pub(crate) mod convert;
mod json;
mod lookup;
mod notation;
mod numbers;
mod plot;
mod report;
mod table;
mod text;

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use lookup::StructOption;
use notation::Notation;
use report::{Question, Report};
use tophash_rules::Options;
use tophash_runtime::footprint::MAX_ENTRIES;
use tophash_runtime::{Build, GoVersion, Implementation, MapType};

use crate::deep_stack::on_deep_stack;
use crate::output::Status;

/// Say what a map takes from the heap
///
/// Reckons how many bytes a map of a type takes with N entries, in which blocks, what
/// filling it allocates and copies with and without a hint, and how Go versions differ.
/// What keys and elements point to (bytes of strings, targets of pointers) is not the
/// map's and is not counted. For 64-bit machines; docs/size.md compares it with real Go.
///
/// Examples:
///   tophash size 'map[string]*User' -n 1000000
///   tophash size 'map[netip.Addr]time.Time' --curve
///   tophash size 'map[string]User' -n 1e6 --struct model/user.go:User --go 1.23
///
/// Exit status: 0, or 2 if the type or an option can't be understood.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// A map type as in Go source; names are those of the package in the working
    /// directory, of the packages it imports and of the standard library
    #[arg(value_name = "TYPE")]
    map: String,

    /// Number of entries: 1000000, 1_000_000 or 1e6; without it, a table over several
    #[arg(
        short = 'n',
        long = "entries",
        value_name = "N",
        allow_hyphen_values = true
    )]
    entries: Option<String>,

    /// Make the map with this hint, as make(map[K]V, HINT) does; it is compared with a
    /// map made without one [default: N]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    hint: Option<String>,

    /// Go version, from 1.21 to 1.27
    #[arg(long, value_name = "VERSION", default_value_t = GoVersion::LATEST.to_string())]
    go: String,

    /// Build with an experiment (GOEXPERIMENT) that changes maps: noswissmap (1.24 and
    /// 1.25) or mapsplitgroup (1.27)
    #[arg(long, value_name = "NAME")]
    experiment: Option<String>,

    /// Take the type NAME from FILE.go; may be given for several types
    #[arg(long = "struct", value_name = "FILE.go:NAME")]
    structs: Vec<String>,

    /// Print a table over growing numbers of entries, up to -n (default 1000000)
    #[arg(long)]
    curve: bool,

    /// Draw bytes per entry over the number of entries, up to -n (default 1000000), as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,

    /// Form of the output
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,

    /// Change to DIR before doing anything
    #[arg(short = 'C', value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// For people: sentences and tables
    Text,
    /// For programs: one object, as docs/size.schema.json describes it
    Json,
}

pub(crate) fn run(args: Args) -> io::Result<Status> {
    if let Some(dir) = &args.dir {
        std::env::set_current_dir(dir)
            .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", dir.display())))?;
    }
    let question = question(&args).map_err(invalid)?;
    let report = Report::answer(&question);
    if let Some(file) = &args.plot {
        std::fs::write(file, plot::svg(&question))
            .map_err(|e| io::Error::new(e.kind(), format!("--plot {}: {e}", file.display())))?;
    }
    let mut out = Vec::new();
    match args.format {
        Format::Text => text::render(&report, &mut out)?,
        Format::Json => json::render(&report, &mut out)?,
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(&out)?;
    stdout.flush()?;
    Ok(Status::Clean)
}

fn invalid(message: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, message)
}

/// What the arguments ask for.
fn question(args: &Args) -> Result<Question, String> {
    let count = |option: &str, text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| numbers::parse(option, text, MAX_ENTRIES))
            .transpose()
    };
    let entries = count("-n", &args.entries)?;
    let hint = count("--hint", &args.hint)?;
    let build = build(&args.go, args.experiment.as_deref())?;
    let structs: Vec<StructOption> = args
        .structs
        .iter()
        .map(|text| StructOption::read(text))
        .collect::<Result<_, _>>()?;
    let notation = Notation::read(&args.map)?;
    let options = options().map_err(|error| error.to_string())?;
    let parts = on_deep_stack(|| Ok(lookup::resolve(&notation, &structs, &options)))
        .map_err(|error| error.to_string())??;
    let (key, elem) = (parts.key, parts.elem);
    let most = notation::values(&key).unwrap_or(MAX_ENTRIES);
    if let Some(entries) = entries.filter(|&entries| entries > most) {
        let values = match most {
            1 => "one value".to_owned(),
            _ => format!("{} values", numbers::grouped(most)),
        };
        let message = format!("its keys have only {values}");
        let place = notation::located(notation.text(), 1, &message);
        return Err(format!("-n {}: {place}", numbers::grouped(entries)));
    }
    let of = |build| MapType::new(build, Arc::clone(&key), Arc::clone(&elem));
    let not_a_key = || notation::located(notation.text(), 1, "its key can't be a key");
    let map_type = of(build).ok_or_else(not_a_key)?;
    let versions = builds(build).into_iter().filter_map(of).collect();
    Ok(Question {
        text: notation.text().to_owned(),
        map_type,
        versions,
        most,
        entries,
        hint,
        curve: args.curve,
    })
}

/// The build that `--go` and `--experiment` name.
fn build(go: &str, experiment: Option<&str>) -> Result<Build, String> {
    let version: GoVersion = go.parse().map_err(|error| format!("--go: {error}"))?;
    let plain = Build::of(version);
    let build = match experiment {
        None => Some(plain),
        Some("noswissmap") => Build::without_swiss(version),
        Some("mapsplitgroup") => (version >= GoVersion::Go1_27).then_some(Build {
            split_groups: true,
            ..plain
        }),
        Some(other) => {
            return Err(format!(
                "--experiment {other}: those that change maps are noswissmap and mapsplitgroup"
            ));
        }
    };
    let only = || match experiment {
        Some("noswissmap") => "only Go 1.24 and 1.25 can be built with noswissmap",
        _ => "only Go 1.27 can be built with mapsplitgroup",
    };
    build.ok_or_else(|| format!("--go {go}: {}", only()))
}

/// The builds that are compared: all versions, those with the classic map by an experiment too,
/// and the one that was asked for.
fn builds(asked: Build) -> Vec<Build> {
    let mut builds = Vec::new();
    for version in GoVersion::ALL {
        builds.push(Build::of(version));
        builds.extend(Build::without_swiss(version));
    }
    if !builds.contains(&asked) {
        builds.push(asked);
    }
    builds
}

/// The surroundings in which names are looked up.
fn options() -> io::Result<Options> {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(Options {
        dir: std::env::current_dir()?,
        variables: variables.collect(),
        ..Options::default()
    })
}

/// The name of a build's kind of map.
fn map_name(build: Build) -> &'static str {
    match build.maps {
        Implementation::Classic => "classic",
        Implementation::Swiss => "Swiss",
    }
}

/// How a build is called: its version, and the experiment it takes.
fn build_name(build: Build) -> String {
    let version = build.version;
    match build.maps {
        Implementation::Classic if version.default_maps() == Implementation::Swiss => {
            format!("{version} noswissmap")
        }
        _ if build.split_groups => format!("{version} mapsplitgroup"),
        _ => version.to_string(),
    }
}
