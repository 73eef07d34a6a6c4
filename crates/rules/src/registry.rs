//! All rules.

use tophash_analysis::{Origins, PackageFacts};
use tophash_concurrency::ConcurrencyFacts;
use tophash_finding::{Finding, RuleMeta};

use crate::site::Sites;

use crate::{
    th001_unused_suppression, th101_nil_map_write, th102_uninitialised_map_field,
    th103_nil_map_argument, th104_nil_inner_map, th105_decoded_map_field,
    th106_unchecked_map_assertion, th107_lost_map_assignment, th108_nil_map_after_clear,
    th201_concurrent_map_access, th202_inconsistent_map_lock, th203_write_under_rlock,
    th204_guarded_map_escapes, th205_lock_copied, th206_sync_map_replaced,
    th207_sync_map_check_then_act, th208_snapshot_mutated, th209_context_carries_map,
    th210_cached_object_mutated, th211_map_handed_to_goroutine, th212_lock_not_covering_iteration,
};

/// A rule: what it says about itself, and its page.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Code, name, severity.
    pub meta: RuleMeta,
    /// Its page, in Markdown: what goes wrong at run time, a failing example, the
    /// example mended, how far the rule sees.
    pub page: &'static str,
    /// Where its findings come from.
    pub(crate) finder: Finder,
}

impl Rule {
    /// The page for readers: a line that is reported is marked by the rule's code instead
    /// of what a test of the page wants.
    pub fn page_text(&self) -> String {
        let mut text = String::with_capacity(self.page.len());
        for line in self.page.lines() {
            match line.split_once("// want ") {
                Some((code, _)) => text.extend([code, "// ", self.meta.code]),
                None => text.push_str(line),
            }
            text.push('\n');
        }
        text
    }

    /// Where the page is on the web.
    pub fn url(&self) -> String {
        let repository = env!("CARGO_PKG_REPOSITORY");
        format!(
            "{repository}/blob/main/crates/rules/pages/{}.md",
            self.meta.code
        )
    }
}

/// Where the findings of a rule come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Finder {
    /// The facts of one package.
    Facts(fn(&PackageFacts, &Origins, &Sites) -> Vec<Finding>),
    /// What one package does with locks and goroutines.
    Concurrency(fn(&ConcurrencyFacts, &Sites) -> Vec<Finding>),
    /// The comments that suppress what all other rules find.
    Directives,
}

static RULES: &[Rule] = &[
    th001_unused_suppression::RULE,
    th101_nil_map_write::RULE,
    th102_uninitialised_map_field::RULE,
    th103_nil_map_argument::RULE,
    th104_nil_inner_map::RULE,
    th105_decoded_map_field::RULE,
    th106_unchecked_map_assertion::RULE,
    th107_lost_map_assignment::RULE,
    th108_nil_map_after_clear::RULE,
    th201_concurrent_map_access::RULE,
    th202_inconsistent_map_lock::RULE,
    th203_write_under_rlock::RULE,
    th204_guarded_map_escapes::RULE,
    th205_lock_copied::RULE,
    th206_sync_map_replaced::RULE,
    th207_sync_map_check_then_act::RULE,
    th208_snapshot_mutated::RULE,
    th209_context_carries_map::RULE,
    th210_cached_object_mutated::RULE,
    th211_map_handed_to_goroutine::RULE,
    th212_lock_not_covering_iteration::RULE,
];

/// What the rules that are wanted, by their index, find among the facts of a package.
pub(crate) fn findings(
    wanted: &[bool],
    facts: &PackageFacts,
    origins: &Origins,
    sites: &Sites,
) -> Vec<Finding> {
    let wanted = RULES.iter().zip(wanted).filter(|(_, wanted)| **wanted);
    let found = wanted.map(|(rule, _)| match rule.finder {
        Finder::Facts(findings) => findings(facts, origins, sites),
        Finder::Concurrency(_) | Finder::Directives => Vec::new(),
    });
    found.flatten().collect()
}

/// What the rules that are wanted find in what a package does with locks and goroutines.
pub(crate) fn concurrency_findings(
    wanted: &[bool],
    facts: &ConcurrencyFacts,
    sites: &Sites,
) -> Vec<Finding> {
    let wanted = RULES.iter().zip(wanted).filter(|(_, wanted)| **wanted);
    let found = wanted.map(|(rule, _)| match rule.finder {
        Finder::Concurrency(findings) => findings(facts, sites),
        Finder::Facts(_) | Finder::Directives => Vec::new(),
    });
    found.flatten().collect()
}

/// Whether a rule on locks and goroutines is among those that are wanted.
pub(crate) fn wants_concurrency(wanted: &[bool]) -> bool {
    let mut wanted = RULES.iter().zip(wanted).filter(|(_, wanted)| **wanted);
    wanted.any(|(rule, _)| matches!(rule.finder, Finder::Concurrency(_)))
}

/// What all rules say about themselves, in the order of [`rules`].
pub fn metas() -> Vec<&'static RuleMeta> {
    RULES.iter().map(|rule| &rule.meta).collect()
}

/// Whether unused suppressions are wanted, given what is wanted of all rules.
pub(crate) fn wants_directives(wanted: &[bool]) -> bool {
    let mut wanted = RULES.iter().zip(wanted).filter(|(_, wanted)| **wanted);
    wanted.any(|(rule, _)| matches!(rule.finder, Finder::Directives))
}

/// The index of a rule among [`rules`].
pub(crate) fn index(code: &str) -> Option<usize> {
    RULES.binary_search_by(|rule| rule.meta.code.cmp(code)).ok()
}

/// All rules, by code.
pub fn rules() -> &'static [Rule] {
    RULES
}

/// The rule of a code or a name, in any case of letters.
pub fn find(code_or_name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| {
        rule.meta.code.eq_ignore_ascii_case(code_or_name)
            || rule.meta.name.eq_ignore_ascii_case(code_or_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_ordered_and_names_unique() {
        assert!(RULES.is_sorted_by(|a, b| a.meta.code < b.meta.code));
        for rule in RULES {
            assert_eq!(
                index(rule.meta.code).map(|i| RULES[i].meta.code),
                Some(rule.meta.code)
            );
            assert_eq!(
                find(rule.meta.name).map(|r| r.meta.code),
                Some(rule.meta.code)
            );
            assert_eq!(
                find(&rule.meta.code.to_lowercase()).map(|r| r.meta.code),
                Some(rule.meta.code)
            );
        }
    }

    #[test]
    fn pages_begin_with_code_and_name() {
        for rule in RULES {
            let title = format!("# {}: {}\n", rule.meta.code, rule.meta.name);
            assert!(rule.page.starts_with(&title), "{}", rule.meta.code);
            assert!(!rule.page_text().contains("// want "), "{}", rule.meta.code);
        }
    }
}
