//! Profiles of a service that runs: `/debug/pprof` over HTTP.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ureq::http::{StatusCode, header};

/// Most bytes of an answer.
const MAX_BYTES: u64 = 1 << 30;

/// How long an answer may take in all.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long until there is a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Redirects on the same host that are followed.
const MAX_REDIRECTS: usize = 5;

/// Whether an argument is an address rather than a file.
pub(super) fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// Where a profile is to be had.
pub(super) struct Url {
    /// `http://host:6060`, without credentials.
    origin: String,
    /// `/debug/pprof/heap`
    path: String,
    query: String,
    /// What the header `Authorization` is to say.
    credentials: Option<String>,
}

impl Url {
    /// Reads an address. Without a path it is completed to that of the heap profile.
    ///
    /// # Errors
    /// It has no host.
    pub(super) fn new(text: &str) -> Result<Url, String> {
        let (scheme, rest) = text.split_once("://").ok_or("not an address")?;
        let rest = rest.split('#').next().unwrap_or(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if host.is_empty() {
            return Err(format!("{scheme}://: the address has no host"));
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = match path.trim_end_matches('/') {
            "" => "/debug/pprof/heap".to_owned(),
            path if path.ends_with("/debug/pprof") => format!("{path}/heap"),
            path => path.to_owned(),
        };
        Ok(Url {
            origin: format!("{scheme}://{host}"),
            path,
            query: query.to_owned(),
            credentials: user.map(|user| format!("Basic {}", STANDARD.encode(unescape(user)))),
        })
    }

    /// The address as messages show it: neither credentials nor what its query may hold.
    pub(super) fn shown(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }

    /// The address of the profile with the runtime's frames.
    fn profile(&self) -> String {
        let has_form = self.query.split('&').any(|part| part.starts_with("debug="));
        let query = match (self.query.is_empty(), has_form) {
            (true, _) => "debug=1".to_owned(),
            (false, true) => self.query.clone(),
            (false, false) => format!("{}&debug=1", self.query),
        };
        format!("{}{}?{query}", self.origin, self.path)
    }

    /// The address at which the same service names addresses of its code.
    fn symbols(&self) -> String {
        let dir = self.path.rsplit_once('/').map_or("", |(dir, _)| dir);
        format!("{}{dir}/symbol", self.origin)
    }
}

/// `%40` and the like in a user's name or password.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = (ahead.next(), ahead.next());
        if byte == b'%'
            && let (Some(high), Some(low)) = digits
            && let Ok(digits) = std::str::from_utf8(&[high, low])
            && let Ok(value) = u8::from_str_radix(digits, 16)
        {
            out.push(value);
            bytes = ahead;
        } else {
            out.push(byte);
        }
    }
    out
}

/// What asks.
pub(super) struct Client {
    agent: ureq::Agent,
}

impl Client {
    pub(super) fn new() -> Client {
        Client::with_timeout(TIMEOUT)
    }

    fn with_timeout(timeout: Duration) -> Client {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .timeout_connect(Some(CONNECT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("tophash/", env!("CARGO_PKG_VERSION")))
            .build();
        Client {
            agent: config.new_agent(),
        }
    }

    /// Fetches a profile.
    ///
    /// # Errors
    /// A sentence that names the address, without its credentials.
    pub(super) fn profile(&self, url: &Url) -> Result<Vec<u8>, String> {
        self.ask(url, url.profile(), None)
    }

    /// Asks for the names of addresses.
    ///
    /// # Errors
    /// The same.
    pub(super) fn symbols(&self, url: &Url, body: &str) -> Result<String, String> {
        let answer = self.ask(url, url.symbols(), Some(body))?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    fn ask(&self, url: &Url, address: String, body: Option<&str>) -> Result<Vec<u8>, String> {
        let mut address = address;
        for _ in 0..=MAX_REDIRECTS {
            let shown = address.split('?').next().unwrap_or(&address).to_owned();
            let failed = |error: ureq::Error| format!("{shown}: {}", plain(&error));
            let mut response = match body {
                Some(body) => {
                    let mut request = self.agent.post(&address);
                    if let Some(credentials) = &url.credentials {
                        request = request.header(header::AUTHORIZATION, credentials);
                    }
                    request.send(body)
                }
                None => {
                    let mut request = self.agent.get(&address);
                    if let Some(credentials) = &url.credentials {
                        request = request.header(header::AUTHORIZATION, credentials);
                    }
                    request.call()
                }
            }
            .map_err(failed)?;
            let status = response.status();
            if status.is_redirection() {
                let to = response.headers().get(header::LOCATION);
                let to = to.and_then(|to| to.to_str().ok()).unwrap_or_default();
                address = redirected(&url.origin, &address, to)
                    .map_err(|message| format!("{shown}: {message}"))?;
                continue;
            }
            if !status.is_success() {
                return Err(format!("{shown}: {}", refusal(status, url)));
            }
            let body = response.body_mut();
            return body
                .with_config()
                .limit(MAX_BYTES)
                .read_to_vec()
                .map_err(failed);
        }
        Err(format!(
            "{}: redirects {MAX_REDIRECTS} times without coming to an end",
            url.shown()
        ))
    }
}

/// Where a redirect leads, if that is the same host.
fn redirected(origin: &str, from: &str, to: &str) -> Result<String, String> {
    if let Some(path) = to.strip_prefix('/')
        && !path.starts_with('/')
    {
        return Ok(format!("{origin}{to}"));
    }
    if let Some(rest) = to.strip_prefix(origin)
        && (rest.is_empty() || rest.starts_with(['/', '?']))
    {
        return Ok(to.to_owned());
    }
    if !to.is_empty() && !to.contains("//") && !to.contains(':') {
        let from = from.split('?').next().unwrap_or(from);
        let dir = from.rsplit_once('/').map_or(from, |(dir, _)| dir);
        return Ok(format!("{dir}/{to}"));
    }
    let host = to.split_once("//").map_or(to, |(_, rest)| rest);
    let host = host.split(['/', '?']).next().unwrap_or(host);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    Err(format!(
        "redirects to another host, {host:?}, which is not followed: give that address"
    ))
}

fn refusal(status: StatusCode, url: &Url) -> String {
    match (status, &url.credentials) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, None) => format!(
            "{status}: it asks for credentials, as in {}",
            url.origin.replacen("://", "://USER:PASSWORD@", 1)
        ),
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(_)) => {
            format!("{status}: it does not accept these credentials")
        }
        (StatusCode::NOT_FOUND, _) => {
            format!("{status}: does the service import net/http/pprof?")
        }
        _ => status.to_string(),
    }
}

/// What went wrong, without what the address may hold.
fn plain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::HostNotFound => "there is no such host".to_owned(),
        ureq::Error::BodyExceedsLimit(limit) => {
            format!("the answer is larger than {} MiB", limit >> 20)
        }
        ureq::Error::BadUri(_) => "not an address".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let url = Url::new("http://bob:pa%40ss@host:6060").unwrap();
        assert_eq!(url.shown(), "http://host:6060/debug/pprof/heap");
        assert_eq!(url.profile(), "http://host:6060/debug/pprof/heap?debug=1");
        assert_eq!(url.symbols(), "http://host:6060/debug/pprof/symbol");
        let expected = format!("Basic {}", STANDARD.encode("bob:pa@ss"));
        assert_eq!(url.credentials, Some(expected));
        let url = Url::new("https://h/x/debug/pprof/allocs?seconds=5&token=s3cret#x").unwrap();
        assert_eq!(url.shown(), "https://h/x/debug/pprof/allocs");
        assert_eq!(
            url.profile(),
            "https://h/x/debug/pprof/allocs?seconds=5&token=s3cret&debug=1"
        );
        assert_eq!(url.symbols(), "https://h/x/debug/pprof/symbol");
        assert!(Url::new("http://").is_err());
    }

    #[test]
    fn redirects_stay_on_their_host() {
        let to = |to| redirected("http://a:1", "http://a:1/x/heap?debug=1", to);
        assert_eq!(to("/y?z"), Ok("http://a:1/y?z".to_owned()));
        assert_eq!(to("http://a:1/y"), Ok("http://a:1/y".to_owned()));
        assert_eq!(to("heap2"), Ok("http://a:1/x/heap2".to_owned()));
        for elsewhere in [
            "http://a:12/y",
            "https://a:1/y",
            "//b/y",
            "http://u:p@b/y",
            "",
        ] {
            let error = to(elsewhere).unwrap_err();
            assert!(
                error.contains("another host") && !error.contains("u:p"),
                "{error}"
            );
        }
    }
}
