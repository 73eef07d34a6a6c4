//! Profiles of a service that runs: `/debug/pprof` over HTTP.

use std::time::Duration;

use tophash_watch::http::{Body, Client, Credential, Options, Secret};

use crate::credentials::Credentials;

/// Most bytes of an answer.
const MAX_BYTES: u64 = 1 << 30;

/// How long an answer may take in all.
const TIMEOUT: Duration = Duration::from_secs(60);

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
    /// `name:password`, if the address has them.
    user: Option<String>,
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
            user: user.map(unescape),
        })
    }

    /// The address as messages show it: neither credentials nor what its query may hold.
    pub(super) fn shown(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }

    /// Fetches the profile, and hands on what asks for the names of its addresses.
    ///
    /// # Errors
    /// A sentence that names the address, without its credentials.
    pub(super) fn fetch(&self, credentials: &Credentials) -> Result<(Vec<u8>, Client), String> {
        let credential = match &self.user {
            Some(user) => Credential::Basic(Secret::Text(user.clone())),
            None => credentials.credential(),
        };
        let client = Client::new(Options {
            timeout: TIMEOUT,
            max_bytes: MAX_BYTES,
            credential,
            authorities: credentials.authorities()?,
            ..Options::default()
        })
        .map_err(|error| format!("--ca: {error}"))?;
        let bytes = (client.ask(&self.profile(), Body::None, &mut Vec::new()))
            .map_err(|failure| format!("{}: {failure}", self.shown()))?;
        Ok((bytes, client))
    }

    /// Asks for the names of addresses.
    ///
    /// # Errors
    /// The same.
    pub(super) fn names(&self, client: &Client, query: &str) -> Result<String, String> {
        let address = self.symbols();
        let asked = format!("{address}?{query}");
        let answer = (client.ask(&asked, Body::None, &mut Vec::new()))
            .map_err(|failure| format!("{address}: {failure}"))?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
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
fn unescape(text: &str) -> String {
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
    String::from_utf8_lossy(&out).into_owned()
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
        assert_eq!(url.user.as_deref(), Some("bob:pa@ss"));
        let url = Url::new("https://h/x/debug/pprof/allocs?seconds=5&token=s3cret#x").unwrap();
        assert_eq!(url.shown(), "https://h/x/debug/pprof/allocs");
        assert_eq!(
            url.profile(),
            "https://h/x/debug/pprof/allocs?seconds=5&token=s3cret&debug=1"
        );
        assert_eq!(url.symbols(), "https://h/x/debug/pprof/symbol");
        assert!(Url::new("http://").is_err());
    }
}
