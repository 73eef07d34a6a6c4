//! From arguments to profiles with names.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use tophash_core::image::{Binary, Image};
use tophash_core::program::Program;
use tophash_finding::{Problem, ProblemKind};
use tophash_profile::{Call, Form, Kind, Profile, symbols};
use tophash_runtime::Build;
use tophash_watch::http::Client;

use super::Args;
use super::fetch::{Url, is_url};

/// Largest file that is read.
const MAX_FILE: u64 = 8 << 30;

/// What was read.
pub(super) struct Loaded {
    /// In order of time, as far as they say; `--base` first.
    pub(super) profiles: Vec<Profile>,
    /// The build of `--binary`.
    pub(super) build: Option<Build>,
    /// What could not be had, and what is missing because of it.
    pub(super) problems: Vec<Problem>,
}

/// Reads all profiles and names what addresses in them have none.
///
/// # Errors
/// A profile or the program can't be read.
pub(super) fn load(args: &Args) -> Result<Loaded, String> {
    let image = match &args.binary {
        Some(path) => Some(open(path)?),
        None => None,
    };
    let program = match &image {
        Some(image) => Some(Program::load(image).map_err(|error| error.to_string())?),
        None => None,
    };
    let mut loaded = Loaded {
        profiles: Vec::new(),
        build: program.as_ref().map(|program| program.build),
        problems: Vec::new(),
    };
    for path in args.base.iter().chain(&args.profiles) {
        let text = path.to_string_lossy();
        let (mut profile, service) = match is_url(&text) {
            true => {
                let url = Url::new(&text)?;
                let (bytes, client) = url.fetch(&args.credentials)?;
                let mut profile = read(&url.shown(), &bytes)?;
                // The text does not say when it was taken.
                profile.time = profile.time.or_else(now);
                (profile, Some((url, client)))
            }
            false => {
                let bytes = bytes_of(path)?;
                (read(&text, &bytes)?, None)
            }
        };
        if profile.kind != Kind::Heap {
            let what = match &profile.kind {
                Kind::Goroutine => "goroutines".to_owned(),
                Kind::Other(name) => format!("{name:?}"),
                Kind::Heap => String::new(),
            };
            return Err(format!(
                "{}: a profile of {what}, not of the heap",
                profile.name
            ));
        }
        if let Some(program) = &program {
            by_program(&mut profile, program);
        }
        if let Some((url, client)) = &service
            && !profile.unnamed().is_empty()
            && let Err(message) = by_service(&mut profile, client, url)
        {
            loaded.problem(message);
        }
        if let Some(message) = nameless(&profile) {
            loaded.problem(message);
        }
        loaded.profiles.push(profile);
    }
    if loaded.profiles.iter().all(|profile| profile.time.is_some()) {
        loaded.profiles.sort_by_key(|profile| profile.time);
    }
    Ok(loaded)
}

impl Loaded {
    fn problem(&mut self, message: String) {
        self.problems.push(Problem {
            file: None,
            line: None,
            column: None,
            kind: ProblemKind::Import,
            message,
        });
    }
}

fn read(name: &str, bytes: &[u8]) -> Result<Profile, String> {
    tophash_profile::read(name, bytes).map_err(|error| error.to_string())
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| {
        // `:6060` and `host:6060`
        let hint = match path.to_string_lossy().contains(':') {
            true => ": if it is an address, begin it with http://",
            false => "",
        };
        format!("{}{hint}", failed(error))
    })?;
    file.take(MAX_FILE)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

fn now() -> Option<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok()
}

fn open(path: &Path) -> Result<Image, String> {
    let binary = Binary::open(path).map_err(|error| error.to_string())?;
    if binary.relocatable {
        return Err(format!(
            "{}: built with -buildmode=pie: where it was loaded is not in the profile, ask the service itself",
            path.display()
        ));
    }
    Ok(Image::of_program(binary))
}

/// Names addresses by the program's tables of functions.
fn by_program(profile: &mut Profile, program: &Program<'_>) {
    // The text lists inlined calls as addresses of their own.
    let only_innermost = profile.form == Form::Text;
    profile.name(|address| {
        let Some(function) = program.functions.at(address) else {
            return Vec::new();
        };
        let calls = program.functions.calls(function, address);
        let wanted = if only_innermost { 1 } else { calls.len() };
        (calls.into_iter().take(wanted))
            .map(|call| Call {
                function: call.function,
                file: call.file,
                line: call.line,
            })
            .collect()
    });
}

/// Names addresses by asking the service that the profile is from.
fn by_service(profile: &mut Profile, client: &Client, url: &Url) -> Result<(), String> {
    let unnamed = profile.unnamed();
    for batch in unnamed.chunks(symbols::BATCH) {
        let answer = url.names(client, &symbols::query(batch))?;
        let names = symbols::answer(&answer).ok_or_else(|| {
            format!(
                "{}: no answer that names addresses; give the program with --binary",
                url.shown()
            )
        })?;
        profile.name(|address| {
            let name = names.get(&address);
            name.map(|name| {
                vec![Call {
                    function: name.clone(),
                    file: String::new(),
                    line: 0,
                }]
            })
            .unwrap_or_default()
        });
    }
    Ok(())
}

/// What is to be said of a text whose runtime frames have no names.
fn nameless(profile: &Profile) -> Option<String> {
    let unnamed = profile.unnamed().len();
    let stacks = profile.samples.len();
    (profile.form == Form::Text && unnamed > 0 && stacks > 0 && unnamed * 20 > stacks).then(|| {
        format!(
            "{}: {unnamed} addresses have no name: with --binary FILE, the program it is from, \
             what each allocation was for is known; without, it is told by sizes",
            profile.name
        )
    })
}
