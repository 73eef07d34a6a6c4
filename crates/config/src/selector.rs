//! Names for one rule or several: `TH101`, `nil-map-write`, `TH1`, `TH10*`, `all`.

use tophash_finding::RuleMeta;

use crate::nearest::nearest_rule;

/// Every rule that settings may speak of; elsewhere a rule is its index in this list.
pub(crate) type Rules<'a> = &'a [&'static RuleMeta];

/// A word that names rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Selector {
    /// Of two selectors that name a rule, the more specific counts: 0 for `all`, the
    /// length of a prefix, the most for the rule's own code or name.
    pub(crate) specificity: usize,
    /// The rules it names.
    pub(crate) rules: Vec<usize>,
}

impl Selector {
    /// Reads a selector, in any case of letters.
    ///
    /// # Errors
    /// A sentence that says what may have been meant, if it names no rule.
    pub(crate) fn parse(text: &str, rules: Rules<'_>) -> Result<Selector, String> {
        let every = 0..rules.len();
        if text.eq_ignore_ascii_case("all") {
            return Ok(Selector {
                specificity: 0,
                rules: every.collect(),
            });
        }
        let exact = every.clone().find(|&i| {
            rules[i].code.eq_ignore_ascii_case(text) || rules[i].name.eq_ignore_ascii_case(text)
        });
        if let Some(rule) = exact {
            return Ok(Selector {
                specificity: usize::MAX,
                rules: vec![rule],
            });
        }
        let prefix = text.strip_suffix('*').unwrap_or(text);
        let begins = |code: &str| {
            let head = code.as_bytes().get(..prefix.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
        };
        let named: Vec<usize> = every.filter(|&i| begins(rules[i].code)).collect();
        if prefix.is_empty() || named.is_empty() {
            return Err(unknown(text, rules));
        }
        Ok(Selector {
            specificity: prefix.len(),
            rules: named,
        })
    }
}

fn unknown(text: &str, rules: Rules<'_>) -> String {
    let meant = match nearest_rule(text, rules.iter().copied()) {
        Some(rule) => format!("did you mean {} ({})?", rule.code, rule.name),
        None => "`tophash rules` lists the rules".to_owned(),
    };
    format!("no rule is called {text:?}: {meant}")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use tophash_finding::Severity;

    const fn rule(code: &'static str, name: &'static str, default_on: bool) -> RuleMeta {
        RuleMeta {
            code,
            name,
            severity: Severity::Error,
            default_on,
            since: "0.1.0",
            summary: "",
        }
    }

    static METAS: [RuleMeta; 5] = [
        rule("TH101", "nil-map-write", true),
        rule("TH102", "uninitialised-map-field", true),
        rule("TH110", "ten", true),
        rule("TH201", "concurrent-map-access", true),
        rule("TH302", "order-dependent-range", false),
    ];

    /// Rules to try settings on.
    pub(crate) fn rules() -> Vec<&'static RuleMeta> {
        METAS.iter().collect()
    }

    #[test]
    fn codes_names_and_prefixes() {
        let rules = rules();
        for (text, want) in [
            ("all", vec![0, 1, 2, 3, 4]),
            ("TH101", vec![0]),
            ("th101", vec![0]),
            ("Nil-Map-Write", vec![0]),
            ("TH1", vec![0, 1, 2]),
            ("th10*", vec![0, 1]),
            ("TH*", vec![0, 1, 2, 3, 4]),
            ("TH101*", vec![0]),
        ] {
            let got = Selector::parse(text, &rules).map(|s| s.rules);
            assert_eq!(got, Ok(want), "{text}");
        }
    }

    #[test]
    fn specificity_grows_with_what_is_said() {
        let rules = rules();
        let of = |text| Selector::parse(text, &rules).unwrap().specificity;
        let words = ["all", "TH*", "TH1", "TH10", "TH101*", "TH101"];
        assert!(words.is_sorted_by_key(|w| of(w)), "{words:?}");
        assert_eq!(of("TH101"), of("nil-map-write"));
    }

    #[test]
    fn what_names_no_rule_is_told() {
        let rules = rules();
        for (text, meant) in [
            ("TH103", "did you mean TH101 (nil-map-write)?"),
            ("nil-map-writes", "did you mean TH101 (nil-map-write)?"),
            ("SA4006", "`tophash rules` lists the rules"),
            ("*", "`tophash rules` lists the rules"),
            ("", "`tophash rules` lists the rules"),
            ("日本", "`tophash rules` lists the rules"),
        ] {
            let want = format!("no rule is called {text:?}: {meant}");
            assert_eq!(Selector::parse(text, &rules), Err(want));
        }
    }
}
