//! What a misspelt word may have meant.

use tophash_finding::RuleMeta;

/// Less alike than this, two words have nothing to do with each other.
const ALIKE: f64 = 0.75;

/// The candidate most like `word`, if one is like it.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let likeness = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        strsim::normalized_damerau_levenshtein(&word, &candidate)
            .max(strsim::jaro_winkler(&word, &candidate) - 0.1)
    };
    let scored = candidates.into_iter().map(|c| (likeness(c), c));
    let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    (best.0 >= ALIKE).then_some(best.1)
}

/// The rule whose code or name is most like `word`, if one is like it.
pub fn nearest_rule<'a>(
    word: &str,
    rules: impl IntoIterator<Item = &'a RuleMeta> + Clone,
) -> Option<&'a RuleMeta> {
    let words = rules.clone().into_iter().flat_map(|r| [r.code, r.name]);
    let found = nearest(word, words)?;
    rules
        .into_iter()
        .find(|r| r.code == found || r.name == found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_seen_and_other_words_are_not() {
        let words = [
            "select",
            "ignore",
            "severity",
            "TH101",
            "TH102",
            "nil-map-write",
        ];
        for (word, want) in [
            ("selct", Some("select")),
            ("igonre", Some("ignore")),
            ("severities", Some("severity")),
            ("th1O1", Some("TH101")),
            ("TH1022", Some("TH102")),
            ("nil_map_writes", Some("nil-map-write")),
            ("colour", None),
            ("SA5000", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, words), want, "{word}");
        }
    }
}
