//! Requests that are bounded in bytes and time, follow nobody to another host, and never show a
//! credential.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ureq::Agent;
use ureq::http::{Response, Uri, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig};

use crate::source::{Cause, Failure, Request};
use crate::words::{bytes, span};

/// Redirects within one host that are followed.
const MAX_REDIRECTS: usize = 3;

/// Characters of an URL that are noted: behind them are addresses whose names are asked for.
const MAX_SHOWN: usize = 200;

/// What a service is told of who asks.
#[derive(Clone, Default)]
pub enum Credential {
    /// Nothing.
    #[default]
    None,
    /// A token, or the file that holds it, which is read again for each request.
    Bearer(Secret),
    /// `name:password`.
    Basic(Secret),
}

/// A text that is never shown.
#[derive(Clone)]
pub enum Secret {
    /// Itself.
    Text(String),
    /// The file it stands in, alone.
    File(PathBuf),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Credential::None => "None",
            Credential::Bearer(_) => "Bearer",
            Credential::Basic(_) => "Basic",
        })
    }
}

impl Secret {
    fn read(&self) -> Result<String, Failure> {
        match self {
            Secret::Text(text) => Ok(text.clone()),
            Secret::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(text.trim().to_owned()),
                Err(error) => Err(Failure::new(
                    Cause::Unauthorised,
                    format!("{}: {error}", path.display()),
                )),
            },
        }
    }
}

impl Credential {
    /// The header that says it.
    fn header(&self) -> Result<Option<String>, Failure> {
        Ok(match self {
            Credential::None => None,
            Credential::Bearer(secret) => Some(format!("Bearer {}", secret.read()?)),
            Credential::Basic(secret) => Some(format!("Basic {}", STANDARD.encode(secret.read()?))),
        })
    }
}

/// What requests may cost and how they are made.
#[derive(Clone)]
pub struct Options {
    /// How long one request may take.
    pub timeout: Duration,
    /// Bytes of an answer that are read.
    pub max_bytes: u64,
    /// Who asks.
    pub credential: Credential,
    /// Headers that are sent besides; their values are never shown.
    pub headers: Vec<(String, String)>,
    /// Certificates of authorities to trust instead of the public ones, as PEM.
    pub authorities: Option<Vec<u8>>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            timeout: Duration::from_secs(5),
            max_bytes: 64 << 20,
            credential: Credential::None,
            headers: Vec::new(),
            authorities: None,
        }
    }
}

/// Asks one service.
pub struct Client {
    agent: Agent,
    options: Options,
}

/// What is sent.
#[derive(Clone, Copy)]
pub enum Body<'a> {
    /// A GET.
    None,
    /// A POST, with the type of its body.
    Post(&'a str, &'a [u8]),
}

impl Client {
    /// # Errors
    /// The authorities are no certificates.
    pub fn new(options: Options) -> Result<Client, String> {
        let mut tls = TlsConfig::builder();
        if let Some(pem) = &options.authorities {
            let mut certificates = Vec::new();
            for item in ureq::tls::parse_pem(pem) {
                match item {
                    Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
                    Ok(_) => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
            if certificates.is_empty() {
                return Err("it holds no certificate".to_owned());
            }
            tls = tls.root_certs(RootCerts::Specific(Arc::new(certificates)));
        }
        let agent = Agent::config_builder()
            .timeout_global(Some(options.timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .max_idle_connections_per_host(1)
            .user_agent(concat!("tophash/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .tls_config(tls.build())
            .build()
            .new_agent();
        Ok(Client { agent, options })
    }

    /// Makes a request and notes it. The URL holds no credential.
    ///
    /// # Errors
    /// There is no answer with status 200, within the limits, from that host.
    pub fn ask(
        &self,
        url: &str,
        body: Body<'_>,
        requests: &mut Vec<Request>,
    ) -> Result<Vec<u8>, Failure> {
        let start = Instant::now();
        let mut status = None;
        let result = self.follow(url, body, start, &mut status);
        requests.push(Request {
            method: match body {
                Body::None => "GET",
                Body::Post(..) => "POST",
            },
            url: url.chars().take(MAX_SHOWN).collect(),
            status,
            took: start.elapsed(),
            error: result.as_ref().err().map(|failure| failure.cause),
            bytes: result.as_ref().map_or(0, |bytes| bytes.len() as u64),
        });
        result
    }

    fn follow(
        &self,
        url: &str,
        body: Body<'_>,
        start: Instant,
        status: &mut Option<u16>,
    ) -> Result<Vec<u8>, Failure> {
        let authorization = self.options.credential.header()?;
        let mut url = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let left = self.options.timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(self.timeout());
            }
            let mut response = self.send(&url, body, authorization.as_deref(), left)?;
            *status = Some(response.status().as_u16());
            if response.status().is_redirection() {
                url = next(&url, &response)?;
                continue;
            }
            return self.accept(&mut response);
        }
        Err(Failure::new(
            Cause::Redirect,
            format!("sends on more than {MAX_REDIRECTS} times"),
        ))
    }

    fn send(
        &self,
        url: &str,
        body: Body<'_>,
        authorization: Option<&str>,
        left: Duration,
    ) -> Result<Response<ureq::Body>, Failure> {
        let credential = authorization.map(|value| (header::AUTHORIZATION.as_str(), value));
        let own = self.options.headers.iter();
        let headers = own.map(|(name, value)| (name.as_str(), value.as_str()));
        let headers = headers.chain(credential);
        let result = match body {
            Body::None => {
                let request = self.agent.get(url);
                let request = request.config().timeout_global(Some(left)).build();
                headers
                    .fold(request, |request, (name, value)| {
                        request.header(name, value)
                    })
                    .call()
            }
            Body::Post(kind, bytes) => {
                let request = self.agent.post(url);
                let request = request.config().timeout_global(Some(left)).build();
                headers
                    .fold(request, |request, (name, value)| {
                        request.header(name, value)
                    })
                    .header(header::CONTENT_TYPE, kind)
                    .send(bytes)
            }
        };
        result.map_err(|error| self.failure(&error))
    }

    fn accept(&self, response: &mut Response<ureq::Body>) -> Result<Vec<u8>, Failure> {
        match response.status().as_u16() {
            200 => {}
            // It may have other words for it, but asks for nothing else.
            401 | 403 | 407 => {
                let refused = match self.options.credential {
                    Credential::None => {
                        "asks who is there: give --bearer-token-file or --basic-auth-file"
                    }
                    Credential::Bearer(_) => "does not accept the bearer token",
                    Credential::Basic(_) => "does not accept the name and password",
                };
                let status = response.status().as_u16();
                let message = format!("{refused} (status {status})");
                return Err(Failure::new(Cause::Unauthorised, message));
            }
            status => {
                let hint = match status {
                    404 => ": does the service import net/http/pprof, and serve it there?",
                    400 if self.wants_tls(response) => ": it speaks TLS, give an https:// URL",
                    _ => "",
                };
                let message = format!("answers with status {status}{hint}");
                return Err(Failure::new(Cause::Status, message));
            }
        }
        let body = response
            .body_mut()
            .with_config()
            .limit(self.options.max_bytes);
        body.read_to_vec().map_err(|error| match &error {
            ureq::Error::Io(cut) if ends_connection(cut) => Failure::new(
                Cause::Unreachable,
                "ends the connection in the middle of its answer",
            ),
            error => self.failure(error),
        })
    }

    /// What net/http says to a request without TLS on a port with it.
    fn wants_tls(&self, response: &mut Response<ureq::Body>) -> bool {
        let body = response.body_mut().with_config().limit(4096);
        body.read_to_string()
            .is_ok_and(|text| text.contains("HTTP request to an HTTPS server"))
    }

    fn timeout(&self) -> Failure {
        Failure::new(
            Cause::Timeout,
            format!("has not answered within {}", span(self.options.timeout)),
        )
    }

    fn failure(&self, error: &ureq::Error) -> Failure {
        match error {
            ureq::Error::Timeout(_) => self.timeout(),
            ureq::Error::BodyExceedsLimit(limit) => Failure::new(
                Cause::TooLarge,
                format!("answers with more than {}", bytes(*limit as f64)),
            ),
            ureq::Error::HostNotFound => Failure::new(Cause::Unreachable, "there is no such host"),
            ureq::Error::Io(error) => match error.kind() {
                std::io::ErrorKind::ConnectionRefused => {
                    Failure::new(Cause::Unreachable, "nobody listens there")
                }
                _ if ends_connection(error) => {
                    Failure::new(Cause::Unreachable, "ends the connection without an answer")
                }
                std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock => self.timeout(),
                // What TLS finds wrong comes wrapped.
                std::io::ErrorKind::InvalidData => {
                    Failure::new(Cause::Tls, format!("TLS fails: {}", tls_problem(error)))
                }
                _ => Failure::new(Cause::Unreachable, error.to_string()),
            },
            ureq::Error::Tls(why) => Failure::new(Cause::Tls, format!("TLS fails: {why}")),
            ureq::Error::Rustls(error) => Failure::new(Cause::Tls, format!("TLS fails: {error}")),
            ureq::Error::ConnectionFailed => {
                Failure::new(Cause::Unreachable, "can't be connected to")
            }
            ureq::Error::Protocol(_) => {
                Failure::new(Cause::Garbage, "does not speak HTTP as it should")
            }
            error => Failure::new(Cause::Garbage, error.to_string()),
        }
    }
}

/// Whether the other side has closed the connection.
fn ends_connection(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::ConnectionReset
            | std::io::ErrorKind::ConnectionAborted
            | std::io::ErrorKind::BrokenPipe
            | std::io::ErrorKind::UnexpectedEof
    )
}

/// What TLS says, and for what is met most often what to do.
fn tls_problem(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|e| e.downcast_ref());
    match inner {
        // The first bytes are of another protocol.
        Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) => {
            "it does not speak TLS, give an http:// URL".to_owned()
        }
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)) => {
            "nobody who is trusted vouches for its certificate, --ca names who does".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Where a redirect leads to, if it is the same host and no less safe.
fn next(url: &str, response: &Response<ureq::Body>) -> Result<String, Failure> {
    let refuse = |message: String| Err(Failure::new(Cause::Redirect, message));
    let location = response.headers().get(header::LOCATION);
    let Some(location) = location.and_then(|location| location.to_str().ok()) else {
        return refuse("sends on without saying where to".to_owned());
    };
    let (Ok(from), Ok(to)) = (url.parse::<Uri>(), location.parse::<Uri>()) else {
        return refuse("sends on to what is no address".to_owned());
    };
    let (Some(scheme), Some(authority)) = (from.scheme_str(), from.authority()) else {
        return refuse("sends on to what is no address".to_owned());
    };
    match (to.scheme_str(), to.authority()) {
        (None, _) if location.starts_with('/') && !location.starts_with("//") => {
            Ok(format!("{scheme}://{authority}{location}"))
        }
        (Some(to_scheme), Some(to_authority))
            if to_authority == authority && to_scheme == scheme =>
        {
            Ok(location.to_owned())
        }
        (Some("https"), Some(to_authority))
            if to_authority.host() == authority.host() && !to_authority.as_str().contains('@') =>
        {
            Ok(location.to_owned())
        }
        (_, Some(to_authority)) => {
            let host = to_authority.host();
            refuse(format!(
                "sends on to {host}, which is not followed: name that host if it is the service"
            ))
        }
        _ => refuse("sends on to what is no address".to_owned()),
    }
}
