//! Arguments.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tophash_watch::http::{Address, Named, Options, parse};
use tophash_watch::log::Log;
use tophash_watch::signals::Thresholds;

use crate::credentials::Credentials;

/// Where the page is unless told otherwise: for this machine alone.
const LISTEN: &str = "127.0.0.1:9877";

/// Watch live services: map memory by line over time, locks, goroutines, crashes
///
/// A target is the base URL of a service that serves net/http/pprof (`http://shop:6060`, `:6060`),
/// or the number of a process on this machine. `NAME=` in front of it gives the service a name.
/// Shows a page, serves Prometheus metrics at /metrics, and says what it finds.
///
/// Exit status: 0 if nothing was wrong at the end, 1 if something was, 2 if a target never answered.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to watch
    #[arg(value_name = "[NAME=]TARGET", required = true)]
    targets: Vec<String>,

    /// Follow a log and count the crashes in it; with several services, whose it is
    #[arg(long = "log", value_name = "[NAME=]FILE")]
    logs: Vec<String>,

    /// Time between two looks at a target; longer when it answers slowly
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(super) interval: Duration,

    /// Where the page and the metrics are served
    #[arg(long, value_name = "ADDRESS:PORT", default_value = LISTEN)]
    pub(super) listen: SocketAddr,

    /// File of the history, or `none` [default: tophash/watch.redb in the user's state directory]
    #[arg(long, value_name = "FILE")]
    pub(super) history: Option<PathBuf>,

    /// Stop after this time
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(super) duration: Option<Duration>,

    /// Show targets and findings in the terminal instead of saying what is new; q ends it
    #[arg(long)]
    pub(super) tui: bool,

    /// Send metrics and traces to this OpenTelemetry Collector over HTTP [default: none]; headers
    /// are taken from OTEL_EXPORTER_OTLP_HEADERS
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub(super) otlp: Option<String>,

    /// How long a target may take to answer
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    timeout: Duration,

    #[command(flatten)]
    credentials: Credentials,

    /// Time over which something must climb to be reported
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = duration)]
    window: Duration,

    /// Megabytes that the maps of one line must climb by
    #[arg(long, value_name = "MB", default_value_t = 16.0)]
    climb: f64,

    /// Megabytes a second that may be allocated
    #[arg(long, value_name = "MB/S", default_value_t = 500.0)]
    allocation_rate: f64,

    /// Goroutines that those with one stack must climb by
    #[arg(long, value_name = "N", default_value_t = 100)]
    goroutines: u32,

    /// Goroutines that may wait for one lock
    #[arg(long, value_name = "N", default_value_t = 20)]
    held_up: u64,
}

/// `10s`, `5m`, `1h`, `500ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = digits
        .parse()
        .map_err(|_| "give a number and ms, s, m or h".to_owned())?;
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err("give a number and ms, s, m or h".to_owned()),
    };
    let seconds = number * unit;
    if !(0.01..=1e7).contains(&seconds) {
        return Err("from 10ms to 2700h".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// The targets, each once.
pub(super) fn targets(args: &Args) -> Result<Vec<Named>, String> {
    let mut targets: Vec<Named> = Vec::new();
    for text in &args.targets {
        let named = parse(text)?;
        if targets.iter().any(|other| other.address == named.address) {
            return Err(format!("{} is named twice", named.address));
        }
        targets.push(named);
    }
    Ok(targets)
}

/// The logs and whose they are.
pub(super) fn logs(args: &Args, targets: &[Named]) -> Result<Vec<Log>, String> {
    let mut logs = Vec::new();
    for text in &args.logs {
        let named = text
            .split_once('=')
            .filter(|(name, _)| targets.iter().any(|target| target.service == *name));
        let log = match (named, targets) {
            (Some((name, path)), _) => Log {
                path: path.into(),
                service: name.to_owned(),
            },
            (None, [only]) => Log {
                path: text.into(),
                service: only.service.clone(),
            },
            (None, _) => {
                return Err(format!("--log {text}: say whose it is: NAME={text}"));
            }
        };
        logs.push(log);
    }
    Ok(logs)
}

/// What requests may cost, and who asks.
pub(super) fn client(args: &Args) -> Result<Options, String> {
    Ok(Options {
        timeout: args.timeout,
        credential: args.credentials.credential(),
        authorities: args.credentials.authorities()?,
        ..Options::default()
    })
}

/// Where metrics and traces go, and how they are sent.
pub(super) fn collector(args: &Args) -> Result<Option<(String, Options)>, String> {
    let Some(url) = &args.otlp else {
        return Ok(None);
    };
    let named = parse(url).map_err(|error| format!("--otlp: {error}"))?;
    let Address::Url(base) = named.address else {
        return Err(format!(
            "--otlp {url}: give a URL such as http://localhost:4318"
        ));
    };
    let headers = std::env::var("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default();
    let pairs = headers.split(',').filter_map(|pair| pair.split_once('='));
    let headers = pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    let options = Options {
        timeout: args.timeout,
        headers: headers.collect(),
        ..Options::default()
    };
    Ok(Some((base, options)))
}

/// From what on something is reported.
pub(super) fn thresholds(args: &Args) -> Thresholds {
    Thresholds {
        window: args.window,
        climb_bytes: args.climb * 1e6,
        allocation_rate: args.allocation_rate * 1e6,
        goroutines: f64::from(args.goroutines),
        held_up: args.held_up,
        ..Thresholds::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("1.5m", 90_000),
            ("2h", 7_200_000),
            ("7", 7000),
        ] {
            assert_eq!(duration(text).unwrap().as_millis(), millis);
        }
        for text in ["", "s", "0s", "-1s", "1 s", "1d", "1e99h", "nan", "ü"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
