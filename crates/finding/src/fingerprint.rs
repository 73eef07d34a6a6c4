//! Names for findings that outlive edits elsewhere in the file.

use std::collections::HashMap;

use crate::Finding;

/// Bytes of the hash that a fingerprint keeps. 64 bits: two of a million findings
/// coincide with a chance of 1 in 37 million.
const BYTES: usize = 8;

/// Gives every finding its fingerprint.
///
/// It is made of the rule, the file, the function, the map and the text of the
/// line, so that moving the line or editing others keeps it; findings alike in all
/// of these are told apart by their order. `findings` must be sorted.
///
/// `line_text` gives the text of a line (from 1) of a file, if it can be read.
/// White space in it does not count.
pub fn assign_fingerprints(
    findings: &mut [Finding],
    mut line_text: impl FnMut(&str, u32) -> Option<String>,
) {
    let mut seen: HashMap<[u8; 32], u32> = HashMap::new();
    for finding in findings {
        let text = line_text(&finding.place.file, finding.place.line).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        let identity = hash(&[
            &finding.code,
            &finding.place.file,
            finding.function.as_deref().unwrap_or_default(),
            finding.map.as_deref().unwrap_or_default(),
            &words.join(" "),
        ]);
        let ordinal = seen.entry(identity).and_modify(|n| *n += 1).or_insert(0);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&identity);
        hasher.update(&ordinal.to_le_bytes());
        finding.fingerprint = hex(&hasher.finalize().as_bytes()[..BYTES]);
    }
}

/// Each part goes in behind its length, so that no two lists give the same bytes.
fn hash(parts: &[&str]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Place, Severity};

    fn findings(lines: &[u32]) -> Vec<Finding> {
        lines
            .iter()
            .map(|&line| Finding {
                code: "TH101".into(),
                name: "nil-map-write".into(),
                severity: Severity::Error,
                message: format!("line {line}"),
                place: Place::new("a.go", (line, 2), (line, 8)),
                function: Some("f".into()),
                map: Some("m".into()),
                evidence: Vec::new(),
                fixes: Vec::new(),
                fingerprint: String::new(),
            })
            .collect()
    }

    fn prints(source: &str, lines: &[u32]) -> Vec<String> {
        let mut all = findings(lines);
        assign_fingerprints(&mut all, |_, line| {
            source.lines().nth(line as usize - 1).map(str::to_owned)
        });
        all.into_iter().map(|f| f.fingerprint).collect()
    }

    #[test]
    fn moves_with_its_line() {
        let before = prints("m[1] = 1\nx\nm[1] = 1\nm[2] = 2\n", &[1, 3, 4]);
        let after = prints("new\nm[1]  =  1\nx\n\tm[1] = 1\n\n\tm[2] = 2\n", &[2, 4, 6]);
        assert_eq!(before, after);
    }

    #[test]
    fn tells_like_lines_apart() {
        let got = prints("m[1] = 1\nm[1] = 1\n", &[1, 2]);
        assert_ne!(got[0], got[1]);
    }

    /// Baselines written on one machine are read on another.
    #[test]
    fn is_the_same_everywhere() {
        assert_eq!(prints("m[1] = 1", &[1]), ["5c75efd94d9164fa"]);
    }
}
