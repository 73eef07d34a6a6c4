//! Who asks a service: the same options for all commands that do.

use std::path::PathBuf;

use tophash_watch::http::{Credential, Secret};

/// Files that say who asks, and whom to trust.
#[derive(clap::Args)]
pub(crate) struct Credentials {
    /// File with a bearer token for the service [default: TOPHASH_BEARER_TOKEN]
    #[arg(long, value_name = "FILE", conflicts_with = "basic_auth_file")]
    bearer_token_file: Option<PathBuf>,

    /// File with `name:password` for the service [default: TOPHASH_BASIC_AUTH]
    #[arg(long, value_name = "FILE")]
    basic_auth_file: Option<PathBuf>,

    /// Certificates of the authority that vouches for the service (PEM), instead of the public ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Credentials {
    /// What the files say, else the environment.
    pub(crate) fn credential(&self) -> Credential {
        let from = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (&self.bearer_token_file, &self.basic_auth_file) {
            (Some(file), _) => Credential::Bearer(Secret::File(file.clone())),
            (None, Some(file)) => Credential::Basic(Secret::File(file.clone())),
            (None, None) => match (from("TOPHASH_BEARER_TOKEN"), from("TOPHASH_BASIC_AUTH")) {
                (Some(token), _) => Credential::Bearer(Secret::Text(token)),
                (None, Some(pair)) => Credential::Basic(Secret::Text(pair)),
                (None, None) => Credential::None,
            },
        }
    }

    /// The certificates to trust.
    ///
    /// # Errors
    /// The file can't be read.
    pub(crate) fn authorities(&self) -> Result<Option<Vec<u8>>, String> {
        let read = self.ca.as_ref().map(|file| {
            std::fs::read(file).map_err(|error| format!("--ca {}: {error}", file.display()))
        });
        read.transpose()
    }
}
