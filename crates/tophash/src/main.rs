//! The command.
//!
//! Arguments, one file per subcommand, exit statuses. Everything it prints is
//! printed here; the crates below only return.

mod build_flags;
mod check;
mod config;
mod core;
mod crash;
mod credentials;
mod debug;
mod deep_stack;
mod explain;
mod heap;
mod lab;
mod markdown;
mod output;
mod progress;
mod rules;
mod settings;
mod size;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use output::Status;

/// Finds, explains and prevents Go map failures.
#[derive(Parser)]
#[command(name = "tophash", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Args),
    Rules(rules::Args),
    Explain(explain::Args),
    Config(config::Args),
    Core(core::Args),
    Lab(lab::Args),
    Size(size::Args),
    Crash(crash::Args),
    Heap(heap::Args),
    Watch(watch::Args),
    #[command(subcommand, hide = true)]
    Debug(debug::Command),
}

fn main() -> ExitCode {
    let cli = Cli::parse_from(core::verb_last(std::env::args_os().collect()));
    let result = match cli.command {
        Command::Check(args) => check::run(args),
        Command::Rules(args) => rules::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Config(args) => config::run(args),
        Command::Core(args) => core::run(args),
        Command::Lab(args) => lab::run(args),
        Command::Size(args) => size::run(args),
        Command::Crash(args) => crash::run(args),
        Command::Heap(args) => heap::run(args),
        Command::Watch(args) => watch::run(args),
        Command::Debug(command) => debug::run(command),
    };
    match result {
        Ok(status) => status.into(),
        // Whoever reads the output has left.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Status::Clean.into(),
        Err(error) => {
            output::complain(&error.to_string());
            Status::Failed.into()
        }
    }
}
