//! `tophash rules`: what `check` looks for.

use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::json;
use tophash_rules::{Rule, rules};

use crate::output::Status;

/// List the rules
///
/// `tophash explain CODE` says more of one, `tophash config` which of them run in a
/// directory.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Form of the output
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Format {
    /// A table
    Text,
    /// A list of objects
    Json,
}

pub(crate) fn run(args: Args) -> io::Result<Status> {
    let mut out = io::stdout().lock();
    match args.format {
        Format::Text => table(&mut out)?,
        Format::Json => {
            let all: Vec<_> = rules().iter().map(object).collect();
            serde_json::to_writer_pretty(&mut out, &all)?;
            writeln!(out)?;
        }
    }
    Ok(Status::Clean)
}

fn table(out: &mut dyn Write) -> io::Result<()> {
    let width = rules().iter().map(|rule| rule.meta.name.len()).max();
    let width = width.unwrap_or_default();
    for rule in rules() {
        let meta = &rule.meta;
        let on = if meta.default_on { "on" } else { "off" };
        writeln!(
            out,
            "{}  {:width$}  {:7}  {on:3}  {}",
            meta.code,
            meta.name,
            meta.severity.as_str(),
            meta.summary
        )?;
    }
    Ok(())
}

fn object(rule: &Rule) -> serde_json::Value {
    let meta = &rule.meta;
    json!({
        "code": meta.code,
        "name": meta.name,
        "summary": meta.summary,
        "severity": meta.severity,
        "default": meta.default_on,
        "since": meta.since,
        "url": rule.url(),
    })
}
