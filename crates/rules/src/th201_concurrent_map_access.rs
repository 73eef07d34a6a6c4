//! TH201: two goroutines reach one map, and nothing keeps them apart.

use tophash_concurrency::{ConcurrencyFacts, Race, Together};
use tophash_finding::{Finding, Fix, RuleMeta, Severity};

use crate::Rule;
use crate::lock_conflict::{done, side};
use crate::registry::Finder;
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH201",
        name: "concurrent-map-access",
        severity: Severity::Error,
        default_on: true,
        since: "0.1.0",
        summary: "two goroutines reach one map, one of them writes, and no lock keeps them apart",
    },
    page: include_str!("../pages/TH201.md"),
    finder: Finder::Concurrency(findings),
};

/// Findings among the facts of a package, but for places that other rules have found.
fn findings(facts: &ConcurrencyFacts, sites: &Sites) -> Vec<Finding> {
    let told = |race: &&Race| {
        let mut conflicts = facts.conflicts.iter();
        conflicts.any(|c| c.here.at == race.here.at || c.here.at == race.other.at)
    };
    let races = facts.races.iter().filter(|race| !told(race));
    races.map(|race| finding(race, sites)).collect()
}

fn finding(race: &Race, sites: &Sites) -> Finding {
    let here = &race.here;
    let mut evidence = Vec::new();
    let started = match race.together {
        Together::Many => Some("the goroutine is started here, several times"),
        // The settings say so, and no place in the source.
        Together::Declared => None,
        _ => Some("the goroutine is started here"),
    };
    if let Some(started) = started {
        evidence.push(sites.evidence(race.started, &race.starter, started.into()));
    }
    if let Some(second) = race.started_other {
        let message = "the other goroutine is started here".to_owned();
        evidence.push(sites.evidence(second, &race.starter, message));
    }
    evidence.extend(side(here, "", sites));
    if race.other.at != here.at {
        evidence.extend(side(&race.other, "", sites));
    }
    Finding {
        code: RULE.meta.code.to_owned(),
        name: RULE.meta.name.to_owned(),
        severity: match race.together {
            Together::Method | Together::Function => Severity::Warning,
            _ => Severity::Error,
        },
        message: message(race, sites),
        place: sites.place(here.at),
        function: Some(here.function.to_string()),
        map: Some(race.map.clone()),
        evidence,
        fixes: vec![Fix {
            safe: false,
            message: "Hold one lock at both places, or give each goroutine a map of its own."
                .into(),
            edits: Vec::new(),
        }],
        fingerprint: String::new(),
    }
}

fn message(race: &Race, sites: &Sites) -> String {
    let (here, other) = (&race.here, &race.other);
    let what = format!("{} is {} here", here.text, done(here.kind));
    let started = sites.mention(race.started, here.at);
    let at = sites.mention(other.at, here.at);
    let same = other.at == here.at;
    match race.together {
        Together::Many if same => format!(
            "{what} without a lock, by several goroutines at once: they are started at {started}"
        ),
        Together::Many => format!(
            "{what} and {} at {at} by several goroutines at once, without a common lock: they are started at {started}",
            done(other.kind),
        ),
        Together::Declared if same => {
            format!("{what} without a lock, in a method that the settings say goroutines share")
        }
        Together::Declared => format!(
            "{what} and {} in {} ({at}), without a common lock: the settings say that goroutines share the object",
            done(other.kind),
            other.function,
        ),
        Together::Two => format!(
            "{what} and {} at {at} by another goroutine, without a common lock",
            done(other.kind),
        ),
        Together::Starter => format!(
            "{what} and {} at {at} at the same time, without a common lock: one of them in the goroutine started at {started}",
            done(other.kind),
        ),
        Together::Method | Together::Function => format!(
            "{what} and {} in {} ({at}), without a common lock, if that is called while the goroutine started at {started} is at work",
            done(other.kind),
            other.function,
        ),
    }
}
