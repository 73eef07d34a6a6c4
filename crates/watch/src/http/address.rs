//! What a target is called on the command line.

use std::fmt;

/// Where a target is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// The base URL of a service, without a slash at the end and without `/debug/pprof`.
    Url(String),
    /// A process of this machine.
    Process(u32),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Url(url) => f.write_str(url),
            Address::Process(pid) => write!(f, "process {pid}"),
        }
    }
}

/// A target and the service that it is an instance of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// The service: what stood before `=`, or the host and port, or the process.
    pub service: String,
    /// Where it is.
    pub address: Address,
}

/// Reads `[NAME=]URL`, `[NAME=]HOST:PORT`, `[NAME=]:PORT` or `[NAME=]PID`.
///
/// # Errors
/// One sentence on what is wrong; it holds no credential.
pub fn parse(text: &str) -> Result<Named, String> {
    let (name, target) = match text.split_once('=') {
        Some((name, target)) if !name.is_empty() && !name.contains(['/', ':', '?']) => {
            (Some(name), target)
        }
        _ => (None, text),
    };
    if let Ok(pid) = target.parse::<u32>() {
        return Ok(Named {
            service: name.map_or_else(|| format!("pid-{pid}"), str::to_owned),
            address: Address::Process(pid),
        });
    }
    let (scheme, rest) = match target.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (scheme, rest),
        Some((scheme, _)) => {
            return Err(format!(
                "{scheme}:// is not understood: give an http:// or https:// URL"
            ));
        }
        None => ("http", target),
    };
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (host, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    if host.contains('@') {
        return Err(
            "the URL holds a name or password, which others see in the list of processes: \
             put it into a file for --basic-auth-file"
                .to_owned(),
        );
    }
    let host = match host.strip_prefix(':') {
        Some(port) => format!("localhost:{port}"),
        None => host.to_owned(),
    };
    let path = match path.find("/debug/pprof") {
        Some(at) => &path[..at],
        None => path.trim_end_matches('/'),
    };
    let url = format!("{scheme}://{host}{path}");
    let valid = !host.is_empty()
        && url.parse::<ureq::http::Uri>().is_ok_and(|uri| {
            // A name alone is more likely a mistake than a host.
            uri.host().is_some() && (target.contains("://") || uri.port_u16().is_some())
        });
    if !valid {
        return Err(format!(
            "{target} is neither a URL such as http://localhost:6060 nor the number of a process"
        ));
    }
    Ok(Named {
        service: name.map_or(host, str::to_owned),
        address: Address::Url(url),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_name_a_target() {
        for (text, service, address) in [
            ("http://shop:6060", "shop:6060", "http://shop:6060"),
            (
                "http://shop:6060/debug/pprof/heap?x=1",
                "shop:6060",
                "http://shop:6060",
            ),
            ("https://h/admin/", "h", "https://h/admin"),
            ("localhost:6060", "localhost:6060", "http://localhost:6060"),
            (":6060", "localhost:6060", "http://localhost:6060"),
            ("shop=:6060", "shop", "http://localhost:6060"),
            ("4711", "pid-4711", "process 4711"),
            ("shop=4711", "shop", "process 4711"),
            ("http://[::1]:6060/", "[::1]:6060", "http://[::1]:6060"),
        ] {
            let named = parse(text).unwrap();
            assert_eq!(
                (named.service.as_str(), named.address.to_string().as_str()),
                (service, address)
            );
        }
    }

    #[test]
    fn what_is_none() {
        for (text, says) in [
            ("shop", "neither a URL"),
            ("", "neither a URL"),
            ("ftp://h/", "ftp:// is not understood"),
            ("http://", "neither a URL"),
            ("http://a b/", "neither a URL"),
            ("-5", "neither a URL"),
            ("http://ann:geheim@h:1/", "--basic-auth-file"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
            assert!(!error.contains("geheim"));
        }
    }
}
