//! Options that choose packages and platform, the same for every command that
//! reads Go source.

use std::io::{self, Read};
use std::path::PathBuf;

use clap::ArgAction;
use tophash_rules::{CommandLine, Options};
use tophash_workspace::{is_known_arch, is_known_os};

use crate::settings::{self, SettingsFlags};

#[derive(clap::Args, Clone)]
pub(crate) struct BuildFlags {
    /// Packages: ./..., directories, import paths, std, .go files, or - for
    /// standard input; the current directory if there is none
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,

    /// Change to DIR before doing anything; paths are reported relative to it
    #[arg(short = 'C', value_name = "DIR", help_heading = "Packages")]
    dir: Option<PathBuf>,

    /// Build tags to hold satisfied, parted by commas
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        help_heading = "Packages"
    )]
    tags: Option<Vec<String>>,

    /// Target operating system [default: $GOOS, or this machine's]
    #[arg(long, value_name = "OS", help_heading = "Packages")]
    goos: Option<String>,

    /// Target architecture [default: $GOARCH, or this machine's]
    #[arg(long, value_name = "ARCH", help_heading = "Packages")]
    goarch: Option<String>,

    /// Whether _test.go files are read [default: true]
    #[arg(
        long,
        value_name = "BOOL",
        help_heading = "Packages",
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = ArgAction::Set
    )]
    tests: Option<bool>,
}

impl BuildFlags {
    /// Changes to the directory asked for, gathers the environment and reads standard
    /// input if a pattern asks for it.
    ///
    /// # Errors
    /// If there is no such directory or platform, or standard input can't be read.
    pub(crate) fn options(self) -> io::Result<Options> {
        self.options_by(&SettingsFlags::default())
    }

    /// The same with settings: where these flags say nothing, those for the directory do.
    ///
    /// # Errors
    /// Those of [`BuildFlags::options`], and what is wrong in settings for the directory.
    pub(crate) fn options_by(self, settings: &SettingsFlags) -> io::Result<Options> {
        if let Some(dir) = &self.dir {
            std::env::set_current_dir(dir)
                .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", dir.display())))?;
        }
        let known = |kind: &str, name: &Option<String>, is_known: fn(&str) -> bool| match name {
            Some(name) if !is_known(name) => {
                let message = format!("--{kind}: Go knows no {name:?}");
                Err(io::Error::new(io::ErrorKind::InvalidInput, message))
            }
            _ => Ok(()),
        };
        known("goos", &self.goos, is_known_os)?;
        known("goarch", &self.goarch, is_known_arch)?;
        let mut variables: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let mut set = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                variables.retain(|(n, _)| n != name);
                variables.push((name.to_owned(), value));
            }
        };
        set("GOOS", self.goos);
        set("GOARCH", self.goarch);
        let mut stdin = Vec::new();
        if self.patterns.iter().any(|pattern| pattern == "-") {
            io::stdin().lock().read_to_end(&mut stdin)?;
        }
        let mut options = Options {
            dir: std::env::current_dir()?,
            patterns: self.patterns,
            variables,
            stdin,
            config: settings.files(),
            command_line: CommandLine {
                tests: self.tests,
                ..settings.command_line()
            },
            ..Options::default()
        };
        let here = settings::load(&options.settings(), &options.dir)?;
        let here = here.dir(&options.dir);
        options.tests = self.tests.or(here.tests()).unwrap_or(true);
        let tags = self.tags.as_deref().or(here.tags()).unwrap_or_default();
        // Before Go 1.13 tags were parted by spaces, and still may be.
        let tags = tags.iter().flat_map(|tags| tags.split_whitespace());
        options.tags = tags.map(str::to_owned).collect();
        Ok(options)
    }
}
