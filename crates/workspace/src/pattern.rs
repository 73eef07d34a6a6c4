//! Patterns with the wildcard `...` (cmd/internal/pkgpattern, Go 1.26).

/// A pattern over slash-separated names.
pub(crate) struct Pattern {
    /// A name matches if it matches one of these; `...` stands between the parts.
    /// Without any, every name matches.
    alternatives: Vec<Vec<String>>,
    /// What every match starts with.
    prefix: String,
    has_wildcard: bool,
}

/// Stands for a `vendor` element that is not the last: wildcards don't match it.
const VENDOR: &str = "\0";

impl Pattern {
    pub(crate) fn new(text: &str) -> Pattern {
        let prefix = text.split("...").next().unwrap_or_default().to_owned();
        let replaced = replace_vendor(text);
        let vendored_tail = format!("/{VENDOR}/...");
        let mut alternatives = vec![replaced.clone()];
        // `net/...` matches `net`, `x/vendor/...` matches `x/vendor`.
        if let Some(stem) = replaced.strip_suffix(&vendored_tail) {
            alternatives.push(format!("{stem}/vendor"));
        } else if let Some(stem) = replaced.strip_suffix("/...") {
            alternatives.push(stem.to_owned());
        }
        let parts = |text: &String| text.split("...").map(str::to_owned).collect();
        Pattern {
            alternatives: alternatives.iter().map(parts).collect(),
            prefix,
            has_wildcard: text.contains("..."),
        }
    }

    /// The pattern that every name matches, vendored ones included.
    pub(crate) fn all() -> Pattern {
        Pattern {
            alternatives: Vec::new(),
            prefix: String::new(),
            has_wildcard: true,
        }
    }

    /// Whether the name matches.
    pub(crate) fn matches(&self, name: &str) -> bool {
        if self.alternatives.is_empty() {
            return true;
        }
        let name = replace_vendor(name);
        self.alternatives
            .iter()
            .any(|parts| match_parts(parts, &name))
    }

    /// Whether the name or one below it can match.
    pub(crate) fn may_match_below(&self, name: &str) -> bool {
        let is_above = self.prefix.strip_prefix(name).is_some_and(|rest| {
            name.is_empty() || rest.is_empty() || rest.starts_with('/') || name.ends_with('/')
        });
        is_above || self.has_wildcard && name.starts_with(&self.prefix)
    }
}

/// Whether `name` is the parts with anything but a vendored path between them.
fn match_parts(parts: &[String], name: &str) -> bool {
    let Some((first, rest)) = parts.split_first() else {
        return false;
    };
    let Some(mut name) = name.strip_prefix(first.as_str()) else {
        return false;
    };
    let Some((last, middle)) = rest.split_last() else {
        return name.is_empty();
    };
    for part in middle {
        let Some(at) = name.find(part.as_str()) else {
            return false;
        };
        if name[..at].contains(VENDOR) {
            return false;
        }
        name = &name[at + part.len()..];
    }
    name.strip_suffix(last.as_str())
        .is_some_and(|wild| !wild.contains(VENDOR))
}

fn replace_vendor(name: &str) -> String {
    if !name.contains("vendor") {
        return name.to_owned();
    }
    let mut elements: Vec<&str> = name.split('/').collect();
    if let Some((_, inner)) = elements.split_last_mut() {
        inner
            .iter_mut()
            .filter(|e| **e == "vendor")
            .for_each(|e| *e = VENDOR);
    }
    elements.join("/")
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    /// From the tests of cmd/internal/pkgpattern.
    #[test]
    fn matching() {
        let cases = [
            ("...", "foo", true),
            ("net", "net", true),
            ("net", "net/http", false),
            ("net/http", "net", false),
            ("net...", "netchan", true),
            ("net...", "not/http/httputil", false),
            ("net...", "net/http", true),
            ("net/...", "net/http", true),
            ("net/...", "net", true),
            ("net/...", "netchan", false),
            ("abc.../def", "abcxyz/def", true),
            ("abc.../def", "xyz/abcxyz/def", false),
            ("x/.../y/...", "x/a/y", true),
            ("x/.../y/...", "x/a/y/z", true),
            ("x/.../y/...", "x/a/z", false),
            ("./...", "./vendor", true),
            ("./...", "./vendor/foo", false),
            ("./...", "./vendor/foo/vendor", false),
            (".../vendor/...", "x/vendor/y", true),
            (".../vendor/...", "x/vendor", true),
            ("./vendor/...", "./vendor/foo/bar", true),
            ("./vendor/...", "./vendor", true),
            ("mycode/...", "mycode/vendor/foo", false),
            ("mycode/vendor/...", "mycode/vendor/foo", true),
            ("x/vendor/y", "x/vendor/y", true),
            ("x/vendor/y", "x/vendor", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(
                Pattern::new(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn subtrees() {
        let below = |pattern: &str, name: &str| Pattern::new(pattern).may_match_below(name);
        assert!(below("net/...", "net") && below("net/...", "net/http"));
        assert!(below("net/http", "net") && below("net/http", "") && below("...", "x"));
        assert!(!below("net/...", "os") && !below("net/http", "net/httputil"));
        assert!(below("net...", "netchan"));
    }
}
