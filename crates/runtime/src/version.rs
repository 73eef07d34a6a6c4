//! Go versions and which map implementation a program of that version has.

use std::fmt;
use std::str::FromStr;

/// A minor Go version that this crate knows. Patch releases do not change maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GoVersion {
    /// Go 1.21, the first with `clear`; load factor 6.0.
    Go1_21,
    /// Go 1.22.
    Go1_22,
    /// Go 1.23, the last with the classic map only.
    Go1_23,
    /// Go 1.24, the first with the Swiss map.
    Go1_24,
    /// Go 1.25, the last that can be built with `GOEXPERIMENT=noswissmap`.
    Go1_25,
    /// Go 1.26.
    Go1_26,
    /// Go 1.27.
    Go1_27,
}

impl GoVersion {
    /// All versions, oldest first.
    pub const ALL: [Self; 7] = [
        Self::Go1_21,
        Self::Go1_22,
        Self::Go1_23,
        Self::Go1_24,
        Self::Go1_25,
        Self::Go1_26,
        Self::Go1_27,
    ];

    /// The newest version.
    pub const LATEST: Self = Self::Go1_27;

    /// The minor number: 21 for Go 1.21.
    #[must_use]
    pub fn minor(self) -> u32 {
        self as u32 + 21
    }

    /// The version with this minor number, if this crate knows it.
    #[must_use]
    pub fn from_minor(minor: u32) -> Option<Self> {
        let index = minor.checked_sub(21)?;
        Self::ALL.get(index as usize).copied()
    }

    /// The map implementation of an ordinary build of this version.
    #[must_use]
    pub fn default_maps(self) -> Implementation {
        if self < Self::Go1_24 {
            Implementation::Classic
        } else {
            Implementation::Swiss
        }
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor())
    }
}

/// A text that is not a Go version between 1.21 and 1.27.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownVersion(pub String);

impl fmt::Display for UnknownVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a Go version from 1.21 to 1.27", self.0)
    }
}

impl std::error::Error for UnknownVersion {}

impl FromStr for GoVersion {
    type Err = UnknownVersion;

    /// Reads `1.23`, `go1.23` and `go1.23.9`; release candidates too.
    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        let rest = text.strip_prefix("go").unwrap_or(text);
        let minor = rest.strip_prefix("1.").and_then(|rest| {
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            rest.get(..end)?.parse().ok()
        });
        minor
            .and_then(Self::from_minor)
            .ok_or_else(|| UnknownVersion(text.to_owned()))
    }
}

/// The two ways in which Go has built its maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Implementation {
    /// Buckets of eight with overflow chains and incremental evacuation (runtime/map.go).
    Classic,
    /// Swiss tables under an extendible directory (internal/runtime/maps).
    Swiss,
}

/// A build of a Go program as far as maps are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Build {
    /// The toolchain's version.
    pub version: GoVersion,
    /// The map implementation it was built with.
    pub maps: Implementation,
    /// `GOEXPERIMENT=mapsplitgroup` (1.27): a group holds eight keys, then eight elements.
    pub split_groups: bool,
}

impl Build {
    /// An ordinary build of a version.
    #[must_use]
    pub fn of(version: GoVersion) -> Self {
        Self {
            version,
            maps: version.default_maps(),
            split_groups: false,
        }
    }

    /// A build with `GOEXPERIMENT=noswissmap`, which only 1.24 and 1.25 know.
    #[must_use]
    pub fn without_swiss(version: GoVersion) -> Option<Self> {
        matches!(version, GoVersion::Go1_24 | GoVersion::Go1_25).then_some(Self {
            version,
            maps: Implementation::Classic,
            split_groups: false,
        })
    }

    /// Reads what `runtime.Version()` and build info say: `go1.24.11 X:noswissmap`.
    ///
    /// # Errors
    /// The version is not one that this crate knows.
    pub fn from_version_string(text: &str) -> Result<Self, UnknownVersion> {
        let mut words = text.split([' ', '-']);
        let version = words.next().unwrap_or_default().parse()?;
        let experiments: Vec<&str> = words
            .filter_map(|word| word.strip_prefix("X:"))
            .flat_map(|list| list.split(','))
            .collect();
        let mut build = Self::of(version);
        if experiments.contains(&"noswissmap")
            && let Some(classic) = Self::without_swiss(version)
        {
            build = classic;
        }
        build.split_groups = version >= GoVersion::Go1_27 && experiments.contains(&"mapsplitgroup");
        Ok(build)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_strings() {
        let read = |text| Build::from_version_string(text).unwrap();
        assert_eq!(
            read("go1.24.11 X:noswissmap"),
            Build::without_swiss(GoVersion::Go1_24).unwrap()
        );
        assert_eq!(
            read("go1.27.3-X:nosizespecializedmalloc"),
            Build::of(GoVersion::Go1_27)
        );
        assert!(read("go1.27.3 X:mapsplitgroup").split_groups);
        assert_eq!(read("1.21"), Build::of(GoVersion::Go1_21));
        assert!("1.28".parse::<GoVersion>().is_err());
        assert!("banana".parse::<GoVersion>().is_err());
    }
}
