//! `tophash core ... maps`.

use std::io::{self, Write};

use crate::output::{Status, complain};

use super::Session;

/// Not there yet
#[derive(clap::Args)]
#[command(hide = true)]
pub(super) struct Args {}

pub(super) fn run(_: &Session<'_>, _: &Args, _: &mut dyn Write) -> io::Result<Status> {
    complain("not there yet");
    Ok(Status::Failed)
}
