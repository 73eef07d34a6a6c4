//! The recordings, unpacked.

use std::io::Read;
use std::path::Path;

/// What a program printed.
pub struct Recording {
    /// `go1.27`
    pub version: String,
    /// The program.
    pub name: String,
    /// GOTRACEBACK.
    pub level: String,
    /// How it was built.
    pub build: String,
    /// All that it printed.
    pub text: Vec<u8>,
}

/// All recordings, those of the oldest version first.
pub fn recordings() -> Vec<Recording> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .expect("recordings")
        .map(|entry| entry.expect("entry").path())
        .collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let name = file.file_name().expect("name").to_string_lossy();
        let version = name.strip_suffix(".txt.gz").expect("a recording");
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(std::fs::File::open(&file).expect("open"))
            .read_to_end(&mut text)
            .expect("gzip");
        for line in text.split_inclusive(|&b| b == b'\n') {
            if let Some((name, level, build)) = heading(line) {
                all.push(Recording {
                    version: version.to_owned(),
                    name,
                    level,
                    build,
                    text: Vec::new(),
                });
            } else {
                let last: &mut Recording = all.last_mut().expect("a heading first");
                last.text.extend_from_slice(line);
            }
        }
    }
    all
}

fn heading(line: &[u8]) -> Option<(String, String, String)> {
    let line = std::str::from_utf8(line).ok()?.trim_end();
    let inside = line.strip_prefix("-- ")?.strip_suffix(" --")?;
    let mut words = inside.split(' ').map(str::to_owned);
    Some((words.next()?, words.next()?, words.next()?))
}
