//! Build information: what `go version -m` shows (debug/buildinfo).

use crate::image::Binary;

const MAGIC: &[u8] = b"\xff Go buildinf:";

/// More than any build information; what claims more is damaged.
const LIMIT: u64 = 1 << 24;

/// What the linker wrote about the build.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct BuildInfo {
    /// The toolchain: `go1.27.3`, `go1.24.11 X:noswissmap`.
    pub go_version: String,
    /// Path of the main package.
    pub path: Option<String>,
    /// The main module with its version.
    pub module: Option<String>,
    /// Settings: `-ldflags`, `GOARCH`, `vcs.revision`.
    pub settings: Vec<(String, String)>,
}

impl BuildInfo {
    /// Reads the build information of a program of Go 1.18 or later.
    #[must_use]
    pub fn read(binary: &Binary) -> Option<Self> {
        if let Some(range) = binary.section_range(".go.buildinfo") {
            return Self::parse(binary.at(range.start)?);
        }
        // Without section headers: at a multiple of 16 in a data segment.
        binary.segments.iter().find_map(|segment| {
            let bytes = binary.at(segment.address)?;
            let mut offsets = (0..bytes.len()).step_by(16);
            offsets.find_map(|offset| {
                let bytes = bytes.get(offset..)?;
                bytes.starts_with(MAGIC).then(|| Self::parse(bytes))?
            })
        })
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        // Magic, size of a pointer, flags: 2 means that the strings follow.
        if !bytes.starts_with(MAGIC) || bytes.get(15)? & 2 == 0 {
            return None;
        }
        let mut rest = bytes.get(32..)?;
        let go_version = string(&mut rest)?;
        let mut info = Self {
            go_version: String::from_utf8_lossy(go_version).into_owned(),
            ..Self::default()
        };
        // Module information lies between two marks of 16 bytes.
        let Some(module) = string(&mut rest) else {
            return Some(info);
        };
        let module = module.get(16..module.len().saturating_sub(16));
        let text = String::from_utf8_lossy(module.unwrap_or_default());
        for line in text.lines() {
            let mut words = line.split('\t');
            match (words.next(), words.next()) {
                (Some("path"), Some(path)) => info.path = Some(path.to_owned()),
                (Some("mod"), Some(name)) => {
                    let version = words.next().unwrap_or_default();
                    info.module = Some(format!("{name} {version}").trim_end().to_owned());
                }
                (Some("build"), Some(setting)) => {
                    let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
                    let pair = (key.to_owned(), value.trim_matches('"').to_owned());
                    info.settings.push(pair);
                }
                _ => {}
            }
        }
        Some(info)
    }

    /// A setting of the build.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&str> {
        let mut settings = self.settings.iter();
        settings
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }
}

/// A string behind its length in base 128.
fn string<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut len = 0u64;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        len |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let len = usize::try_from(len).ok().filter(|_| len <= LIMIT)?;
            let (text, rest) = bytes.split_at_checked(len)?;
            *bytes = rest;
            return Some(text);
        }
    }
    None
}
