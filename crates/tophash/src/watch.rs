//! `tophash watch`: how the maps of live services fare.

mod narrate;
mod options;
mod screen;

use std::io::{self, IsTerminal, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tophash_watch::board::{Board, Snapshot};
use tophash_watch::clock::{Clock, SystemClock, Time};
use tophash_watch::history::History;
use tophash_watch::http::{Address, Client, Named, Service};
use tophash_watch::otlp::Exporter;
use tophash_watch::process::Process;
use tophash_watch::run::Run;
use tophash_watch::server::{Shown, serve};
use tophash_watch::source::Source;
use tophash_watch::watcher::{Watch, Watcher};

use crate::output::{Status, complain};
use narrate::Narrator;
pub(crate) use options::Args;

/// Targets that nothing was heard of for so long are taken out of the history.
const FORGOTTEN: Duration = Duration::from_secs(14 * 24 * 3600);

/// How often news are looked for.
const NEWS: Duration = Duration::from_millis(200);

pub(crate) fn run(args: Args) -> io::Result<Status> {
    match watch(&args) {
        Ok(status) => Ok(status),
        Err(sentence) => {
            complain(&sentence);
            Ok(Status::Failed)
        }
    }
}

fn watch(args: &Args) -> Result<Status, String> {
    if args.tui && !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err("--tui: there is no terminal here; the page shows the same".to_owned());
    }
    hush_store();
    let targets = options::targets(args)?;
    let logs = options::logs(args, &targets)?;
    let listener = TcpListener::bind(args.listen)
        .map_err(|error| format!("--listen {}: {error}", args.listen))?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("--listen {}: {error}", args.listen))?;

    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let history = Arc::new(history(args)?);
    let now = clock.now();
    let forgotten = Time(now.0.saturating_sub(FORGOTTEN.as_millis() as u64));
    history.forget(forgotten).map_err(|e| e.to_string())?;
    let exporter = match options::collector(args)? {
        Some((base, options)) => {
            let client = Client::new(options).map_err(|error| format!("--otlp: {error}"))?;
            Some(Exporter::new(&base, client, now))
        }
        None => None,
    };
    let board = Board::load(&history, exporter.is_some()).map_err(|e| e.to_string())?;
    let board = Arc::new(board);

    let mut watchers = Vec::new();
    for target in &targets {
        let address = target.address.to_string();
        let source: Box<dyn Source> = match &target.address {
            Address::Url(url) => {
                let client = Client::new(options::client(args)?)
                    .map_err(|error| format!("--ca: {error}"))?;
                Box::new(Service::new(url, client))
            }
            Address::Process(pid) => Box::new(Process::new(*pid)),
        };
        let watch = Watch {
            board: &board,
            history: &history,
        };
        let watcher = Watcher::new(
            (&target.service, &address),
            source,
            args.interval,
            options::thresholds(args),
            now,
            &watch,
        );
        watchers.push(watcher.map_err(|error| format!("history: {error}"))?);
    }

    let stop = AtomicBool::new(false);
    let shown = Shown {
        clock: Arc::clone(&clock),
        board: Arc::clone(&board),
        history: Arc::clone(&history),
    };
    let page = format!("http://{address}/");
    let served = std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            let served = serve(listener, &shown, &stop);
            stop.store(true, Ordering::Relaxed);
            served
        });
        let run = Run {
            clock: &*clock,
            board: &board,
            history: &history,
            stop: &stop,
        };
        let watching = scope.spawn(move || run.watch(watchers, &logs));
        if let Some(exporter) = exporter {
            scope.spawn(|| exporter.run(&board, &*clock, &|| stop.load(Ordering::Relaxed)));
        }
        let over = || {
            let late = args.duration.is_some_and(|d| clock.now().since(now) >= d);
            late || stop.load(Ordering::Relaxed)
        };
        let shown = if args.tui {
            screen::show(&page, &over, &|| board.snapshot(clock.now()))
        } else {
            tell(&targets, &page, &over, &|| board.snapshot(clock.now()))
        };
        stop.store(true, Ordering::Relaxed);
        // A thread that panicked has said so.
        let _ = watching.join();
        server.join().unwrap_or(Ok(())).and(shown)
    });
    served.map_err(|error| format!("{page}: {error}"))?;
    let snapshot = board.snapshot(clock.now());
    Ok(
        if snapshot.findings.iter().any(|standing| standing.active) {
            Status::Findings
        } else if snapshot.targets.iter().any(|view| view.answered.is_none()) {
            Status::Failed
        } else {
            Status::Clean
        },
    )
}

/// Says what is new, line by line.
fn tell(
    targets: &[Named],
    page: &str,
    over: &dyn Fn() -> bool,
    snapshot: &dyn Fn() -> Snapshot,
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let targets = targets_in_words(targets);
    writeln!(out, "watching {targets}; the page is {page}")?;
    out.flush()?;
    let mut narrator = Narrator::new();
    while !over() {
        std::thread::sleep(NEWS);
        narrator.tell(&snapshot(), &mut out)?;
        out.flush()?;
    }
    Ok(())
}

fn targets_in_words(targets: &[Named]) -> String {
    match targets {
        [one] => format!("{} at {}", one.service, one.address),
        many => format!("{} targets", many.len()),
    }
}

/// A panic of the store over a damaged file becomes an error, which is said in a sentence: its
/// own text and its stack help nobody.
fn hush_store() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let of_store = panic
            .location()
            .is_some_and(|place| place.file().contains("/redb-"));
        if !of_store {
            before(panic);
        }
    }));
}

/// The store: a file, or none that outlives the process.
fn history(args: &Args) -> Result<History, String> {
    let path = match &args.history {
        Some(path) if path == Path::new("none") => {
            return History::in_memory().map_err(|error| error.to_string());
        }
        Some(path) => path.clone(),
        None => default_history()?,
    };
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    }
    History::open(&path).map_err(|error| error.to_string())
}

/// Where programs keep what they know from run to run (XDG Base Directory Specification 0.8).
fn default_history() -> Result<PathBuf, String> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.filter(|path| path.is_absolute());
    let home = std::env::home_dir().map(|home| home.join(".local/state"));
    let dir = state
        .or(home)
        .ok_or("there is no home directory: name a file with --history")?;
    Ok(dir.join("tophash/watch.redb"))
}
