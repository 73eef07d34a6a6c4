//! Forms of output, and the files they are written to.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Format {
    /// For people: source excerpts, evidence, help
    Text,
    /// For editors: file:line:col: CODE message
    Concise,
    /// For programs: one object, as docs/finding.schema.json describes it
    Json,
    /// For GitHub Actions: annotations of the lines
    Github,
    /// For code scanning: SARIF 2.1.0
    Sarif,
}

impl From<Format> for tophash_report::Format {
    fn from(format: Format) -> tophash_report::Format {
        match format {
            Format::Text => tophash_report::Format::Text,
            Format::Concise => tophash_report::Format::Concise,
            Format::Json => tophash_report::Format::Json,
            Format::Github => tophash_report::Format::Github,
            Format::Sarif => tophash_report::Format::Sarif,
        }
    }
}

/// A file to write, and in which form: `sarif=out.json`, `out.sarif`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct OutputFile {
    pub(super) format: Format,
    pub(super) path: PathBuf,
}

impl FromStr for OutputFile {
    type Err = String;

    fn from_str(text: &str) -> Result<OutputFile, String> {
        let named = text.split_once('=').and_then(|(name, path)| {
            let format = Format::from_str(name, true).ok()?;
            Some((format, Path::new(path)))
        });
        let extension = || match Path::new(text).extension()?.to_str()? {
            "sarif" => Some(Format::Sarif),
            "json" => Some(Format::Json),
            "txt" => Some(Format::Text),
            _ => None,
        };
        let (format, path) = named
            .or_else(|| Some((extension()?, Path::new(text))))
            .ok_or(
                "say in which form, as in sarif=FILE, or let the name end in .sarif, .json or .txt",
            )?;
        if path.as_os_str().is_empty() {
            return Err("there is no file name".to_owned());
        }
        let path = path.to_owned();
        Ok(OutputFile { format, path })
    }
}

/// Writes a file such that it is never seen half written: beside it first, then renamed.
///
/// # Errors
/// An error that names the file.
pub(super) fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    let named = |error: io::Error| {
        let message = format!("{}: can't be written: {error}", path.display());
        io::Error::new(error.kind(), message)
    };
    let known = std::fs::metadata(path).ok();
    // Pipes and devices can't be replaced.
    if known.as_ref().is_some_and(|known| !known.is_file()) {
        return std::fs::write(path, text).map_err(named);
    }
    // What a link leads to is replaced, not the link.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = target.file_name();
    let name = name.ok_or_else(|| named(ErrorKind::InvalidInput.into()))?;
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = target.with_file_name(beside);
    let written = File::create(&beside)
        .and_then(|mut file| file.write_all(text))
        .and_then(|()| match &known {
            Some(known) => std::fs::set_permissions(&beside, known.permissions()),
            None => Ok(()),
        })
        .and_then(|()| std::fs::rename(&beside, &target));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        named(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::TempDir::new().unwrap();
        let [file, link] = ["file", "link"].map(|name| dir.path().join(name));
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn forms_of_files() {
        for (text, want) in [
            ("out.sarif", Some((Format::Sarif, "out.sarif"))),
            ("a/b.json", Some((Format::Json, "a/b.json"))),
            ("sarif=out.json", Some((Format::Sarif, "out.json"))),
            ("Github=-", Some((Format::Github, "-"))),
            ("text=a=b", Some((Format::Text, "a=b"))),
            ("a=b.txt", Some((Format::Text, "a=b.txt"))),
            ("out", None),
            ("sarfi=out", None),
            ("sarif=", None),
            ("", None),
        ] {
            let got = text.parse::<OutputFile>().ok();
            let got = got.map(|file| (file.format, file.path));
            assert_eq!(got, want.map(|(f, p)| (f, PathBuf::from(p))), "{text}");
        }
    }
}
