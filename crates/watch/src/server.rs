//! The page, its data, and metrics over HTTP.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::Interval;

use crate::board::Board;
use crate::clock::{Clock, Time};
use crate::history::History;
use crate::metrics;
use crate::watcher::{SITE_SERIES, name};

/// The page, which loads nothing else than its data.
const PAGE: &str = include_str!("page.html");

/// What the page may do: nothing but ask where it came from.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Connections at once.
const MAX_CONNECTIONS: usize = 64;

/// How long a request's head may take to come.
const HEAD: Duration = Duration::from_secs(10);

/// How often live pages look for news.
const LIVE: Duration = Duration::from_millis(500);

/// Looks without news after which a live page is sent something, so that one that is gone is
/// noticed.
const QUIET: u32 = 30;

/// What the server shows.
#[derive(Clone)]
pub struct Shown {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is known now.
    pub board: Arc<Board>,
    /// What was known before.
    pub history: Arc<History>,
}

/// Serves until it is told to stop, or the process is by SIGINT or SIGTERM.
///
/// # Errors
/// The runtime can't be set up, or the listener fails.
pub fn serve(listener: TcpListener, shown: &Shown, stop: &AtomicBool) -> io::Result<()> {
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        // What ends other programs at once lets this one write what it knows.
        let mut ended = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        loop {
            let accepted = tokio::select! {
                accepted = tokio::time::timeout(LIVE / 2, listener.accept()) => accepted,
                _ = ended.recv() => return Ok(()),
                _ = interrupted.recv() => return Ok(()),
            };
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let Ok(accepted) = accepted else { continue };
            // Too many open files, a connection that is already gone: the next may be well.
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(LIVE / 5).await;
                continue;
            };
            let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
                continue;
            };
            let shown = shown.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let reply = reply(&shown, address, &request);
                    async move { Ok::<_, Infallible>(reply) }
                });
                // What goes wrong with a connection concerns who made it.
                let _ = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD)
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
                drop(permit);
            });
        }
    })
}

type Reply = Response<Either<Full<Bytes>, Live>>;

fn reply(shown: &Shown, address: SocketAddr, request: &Request<Incoming>) -> Reply {
    // A page elsewhere may have its name point to this machine, to read what is shown here.
    if address.ip().is_loopback() && !is_local(request.headers().get(header::HOST)) {
        return plain(StatusCode::FORBIDDEN, "ask for localhost\n");
    }
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
    }
    match request.uri().path() {
        "/" => {
            let mut reply = full(StatusCode::OK, "text/html; charset=utf-8", PAGE);
            let headers = reply.headers_mut();
            headers.insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(POLICY),
            );
            reply
        }
        "/metrics" => match metrics::text(shown.board.snapshot(shown.clock.now())) {
            Ok(text) => full(StatusCode::OK, metrics::CONTENT_TYPE, text),
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "out of memory\n"),
        },
        "/api/state" => full(StatusCode::OK, "application/json", state(shown)),
        "/api/history" => history(shown, request.uri().query().unwrap_or_default()),
        "/api/events" => {
            let live = Live {
                shown: shown.clone(),
                ticks: tokio::time::interval(LIVE),
                version: None,
                quiet: 0,
            };
            let mut reply = Response::new(Either::Right(live));
            reply.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/event-stream"),
            );
            safe(reply)
        }
        _ => plain(
            StatusCode::NOT_FOUND,
            "there is /, /metrics, /api/state, /api/history\n",
        ),
    }
}

/// Whether a Host header names this machine, whatever the port.
fn is_local(host: Option<&HeaderValue>) -> bool {
    let Some(host) = host.and_then(|host| host.to_str().ok()) else {
        return false;
    };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

fn plain(status: StatusCode, text: &'static str) -> Reply {
    full(status, "text/plain; charset=utf-8", text)
}

fn full(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Either::Left(Full::new(body.into())));
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    safe(reply)
}

fn safe(mut reply: Reply) -> Reply {
    let headers = reply.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    reply
}

/// Everything that is known now, as JSON.
fn state(shown: &Shown) -> String {
    let snapshot = shown.board.snapshot(shown.clock.now());
    serde_json::to_string(&snapshot).unwrap_or_else(|_| "{}".to_owned())
}

/// `target=NUMBER&hours=N`: the series of a target.
fn history(shown: &Shown, query: &str) -> Reply {
    let value = |key: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == key)?.1.parse::<u32>().ok()
    };
    let now = shown.clock.now();
    let snapshot = shown.board.snapshot(now);
    let target = value("target").and_then(|index| snapshot.targets.get(index as usize));
    let Some(view) = target else {
        return plain(StatusCode::NOT_FOUND, "there is no such target\n");
    };
    let hours = u64::from(value("hours").unwrap_or(1).clamp(1, 24 * 7));
    let since = Time(now.0.saturating_sub(hours * 3_600_000));
    match shown
        .history
        .read(&name(&view.service, &view.target), since)
    {
        Ok(series) => {
            let series: serde_json::Map<String, serde_json::Value> = series
                .into_iter()
                .map(|(name, points)| {
                    let points: Vec<_> = points.iter().map(|p| json!([p.at, p.last])).collect();
                    (name, points.into())
                })
                .collect();
            let body = json!({ "since": since, "now": now, "site": SITE_SERIES, "series": series });
            full(StatusCode::OK, "application/json", body.to_string())
        }
        Err(_) => plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the history can't be read\n",
        ),
    }
}

/// Sends the state as a server-sent event whenever it has changed.
struct Live {
    shown: Shown,
    ticks: Interval,
    version: Option<u64>,
    quiet: u32,
}

impl Body for Live {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            ready!(self.ticks.poll_tick(context));
            let version = self.shown.board.version();
            if self.version != Some(version) {
                self.version = Some(version);
                self.quiet = 0;
                let event = format!("data: {}\n\n", state(&self.shown));
                return Poll::Ready(Some(Ok(Frame::data(event.into()))));
            }
            self.quiet += 1;
            if self.quiet >= QUIET {
                self.quiet = 0;
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b":\n\n")))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_are_this_machine() {
        let local = |host: &'static str| is_local(Some(&HeaderValue::from_static(host)));
        for host in [
            "localhost:9877",
            "127.0.0.1:9877",
            "127.3.2.1",
            "[::1]:9877",
            "LOCALHOST",
        ] {
            assert!(local(host), "{host}");
        }
        for host in [
            "evil.example:9877",
            "10.0.0.1",
            "localhost.evil.example",
            "",
        ] {
            assert!(!local(host), "{host}");
        }
        assert!(!is_local(None));
    }
}
