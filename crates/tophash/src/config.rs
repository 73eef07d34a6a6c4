//! `tophash config`: the settings that count for a file.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use tophash_config::{DirSettings, FileSettings, Request};
use tophash_rules::rules;

use crate::output::Status;
use crate::rules::Format;
use crate::settings::{SettingsFlags, load};

/// Show the settings that count for a file or directory
///
/// Which tophash.toml files do, which rules run, how severe they are, and what says so.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file, or a directory for any file in it
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,

    #[command(flatten)]
    settings: SettingsFlags,

    /// Form of the output
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
}

/// A file that stands for any in its directory.
const ANY: &str = "any.go";

pub(crate) fn run(args: Args) -> io::Result<Status> {
    let path = std::fs::canonicalize(&args.path).map_err(|error| {
        let message = format!("{}: {error}", args.path.display());
        io::Error::new(error.kind(), message)
    })?;
    let (dir, file) = match path.is_dir() {
        true => (path.as_path(), path.join(ANY)),
        false => (path.parent().unwrap_or(&path), path.clone()),
    };
    let request = Request {
        dir: std::fs::canonicalize(std::env::current_dir()?)?,
        files: args.settings.files(),
        command_line: args.settings.command_line(),
    };
    let settings = load(&request, dir)?;
    let (of_dir, of_file) = (settings.dir(dir), settings.file(&file));
    let mut out = io::stdout().lock();
    match args.format {
        Format::Text => text(&args.path, of_dir, &of_file, &mut out)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &object(of_dir, &of_file))?;
            writeln!(out)?;
        }
    }
    Ok(Status::Clean)
}

fn text(
    path: &Path,
    dir: &DirSettings,
    file: &FileSettings<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let files: Vec<&str> = dir.files().collect();
    match files.as_slice() {
        [] => writeln!(out, "no tophash.toml for {}", path.display())?,
        files => writeln!(out, "settings for {}: {}", path.display(), files.join(", "))?,
    }
    if file.excluded {
        writeln!(out, "excluded: nothing is reported here")?;
    }
    if let Some(tests) = dir.tests() {
        writeln!(out, "tests: {tests}")?;
    }
    if let Some(tags) = dir.tags() {
        writeln!(out, "tags: {}", tags.join(", "))?;
    }
    writeln!(out)?;
    let width = rules().iter().map(|rule| rule.meta.name.len()).max();
    let width = width.unwrap_or_default();
    for (index, rule) in rules().iter().enumerate() {
        let runs = if file.runs(index) { "on" } else { "off" };
        let severity = file.severity(index, rule.meta.severity).as_str();
        let (code, name) = (rule.meta.code, rule.meta.name);
        let set_by = file
            .choice(index)
            .map_or("default", |choice| &choice.set_by);
        writeln!(
            out,
            "{code}  {name:width$}  {runs:3}  {severity:7}  {set_by}"
        )?;
    }
    Ok(())
}

fn object(dir: &DirSettings, file: &FileSettings<'_>) -> serde_json::Value {
    let rules = rules().iter().enumerate().map(|(index, rule)| {
        json!({
            "code": rule.meta.code,
            "name": rule.meta.name,
            "runs": file.runs(index),
            "severity": file.severity(index, rule.meta.severity),
            "set_by": file.choice(index).map_or("default", |choice| &choice.set_by),
        })
    });
    json!({
        "files": dir.files().collect::<Vec<_>>(),
        "excluded": file.excluded,
        "tests": dir.tests().unwrap_or(true),
        "tags": dir.tags().unwrap_or_default(),
        "rules": rules.collect::<Vec<_>>(),
    })
}
