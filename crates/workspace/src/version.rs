//! Go versions as the language knows them: `1.22`, without patch levels.

use std::fmt;

/// A language version. Patch releases never change the language, so
/// `go 1.22.3` in a `go.mod` is `1.22` here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GoVersion {
    /// The `1` of `1.22`.
    pub major: u16,
    /// The `22` of `1.22`.
    pub minor: u16,
}

impl GoVersion {
    /// What a module without a `go` line is written in
    /// (cmd/go/internal/gover, `DefaultGoModVersion`).
    pub const OF_MODULE_WITHOUT_GO_LINE: GoVersion = GoVersion::new(1, 16);

    /// The newest release this program knows; assumed when no GOROOT is there.
    pub const NEWEST: GoVersion = GoVersion::new(1, 27);

    /// Version `major.minor`.
    pub const fn new(major: u16, minor: u16) -> GoVersion {
        GoVersion { major, minor }
    }

    /// Reads `1.22`, `1.22.3`, `1.23rc1`, each also with the prefix `go`, and the
    /// development form `devel go1.28-0123abc`.
    pub fn parse(text: &str) -> Option<GoVersion> {
        let text = text.trim();
        let text = text.strip_prefix("devel ").unwrap_or(text);
        let text = text.strip_prefix("go").unwrap_or(text);
        let mut numbers = text.split('.');
        let major = numbers.next()?.parse().ok()?;
        let minor = match numbers.next() {
            None => 0,
            Some(rest) => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                rest[..digits].parse().ok()?
            }
        };
        Some(GoVersion { major, minor })
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::GoVersion;

    #[test]
    fn reads_every_form() {
        let v = |t| GoVersion::parse(t).map(|v| v.to_string());
        assert_eq!(v("1.22").as_deref(), Some("1.22"));
        assert_eq!(v("go1.21.5").as_deref(), Some("1.21"));
        assert_eq!(v("1.23rc1").as_deref(), Some("1.23"));
        assert_eq!(v("devel go1.28-0123abc").as_deref(), Some("1.28"));
        assert_eq!(v("go1").as_deref(), Some("1.0"));
        assert_eq!(v("local"), None);
        assert_eq!(v(""), None);
        assert_eq!(v("1.x"), None);
    }
}
