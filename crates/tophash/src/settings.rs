//! Options that choose rules and files of settings.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tophash_config::{CommandLine, ConfigError, Files, Request, Settings};

#[derive(clap::Args, Default)]
pub(crate) struct SettingsFlags {
    /// Rules to run and no others: codes (TH101), prefixes (TH1), names
    /// (nil-map-write), all; parted by commas
    #[arg(
        long,
        value_name = "RULES",
        value_delimiter = ',',
        help_heading = "Rules"
    )]
    select: Option<Vec<String>>,

    /// Rules to run as well
    #[arg(
        long,
        value_name = "RULES",
        value_delimiter = ',',
        help_heading = "Rules"
    )]
    extend_select: Vec<String>,

    /// Rules not to run
    #[arg(
        long,
        value_name = "RULES",
        value_delimiter = ',',
        help_heading = "Rules"
    )]
    ignore: Vec<String>,

    /// Files in which nothing is reported: a pattern such as 'gen/**' or '*.pb.go'
    #[arg(long, value_name = "GLOB", help_heading = "Rules")]
    exclude: Vec<String>,

    /// Read settings from FILE instead of the tophash.toml files
    #[arg(long, value_name = "FILE", help_heading = "Rules")]
    config: Option<PathBuf>,

    /// Read no settings
    #[arg(long, conflicts_with = "config", help_heading = "Rules")]
    isolated: bool,
}

impl SettingsFlags {
    /// Lets a rule run as well.
    pub(crate) fn add(&mut self, rule: &str) {
        self.extend_select.push(rule.to_owned());
    }

    /// Which files of settings count.
    pub(crate) fn files(&self) -> Files {
        match &self.config {
            Some(path) => Files::Only(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
            None if self.isolated => Files::None,
            None => Files::Tree,
        }
    }

    /// What is said of rules.
    pub(crate) fn command_line(&self) -> CommandLine {
        CommandLine {
            select: self.select.clone(),
            extend_select: self.extend_select.clone(),
            ignore: self.ignore.clone(),
            exclude: self.exclude.clone(),
            tests: None,
        }
    }
}

/// The settings for a directory.
///
/// # Errors
/// All that is wrong in them, in one error.
pub(crate) fn load(request: &Request, dir: &Path) -> io::Result<Settings> {
    Settings::load(request, &tophash_rules::metas(), [dir]).map_err(|errors| {
        let told: Vec<String> = errors.iter().map(ConfigError::to_string).collect();
        io::Error::new(ErrorKind::InvalidInput, told.join("\n"))
    })
}
