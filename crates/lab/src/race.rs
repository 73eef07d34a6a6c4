//! Races: goroutines on one map without a lock, in every order of their accesses.

use serde::Serialize;
use tophash_runtime::Build;
use tophash_runtime::race::{Action, Damage, Ending, Found, Scenario, explore, sample};

use crate::picture::count;
use crate::script::{RaceStep, Word};
use crate::value::Value;

/// Entries of the map that a race can begin with.
pub(crate) const MAX_INITIAL: usize = 64;

/// What a race counts as, in map operations.
pub(crate) const WORK: u64 = 50_000;

/// States that are looked at before the search is given up.
const MAX_STATES: usize = 150_000;

/// Random runs for each way of scheduling.
const RUNS: u32 = 10_000;

/// Endings that are listed.
const MAX_ENDINGS: usize = 24;

/// What a goroutine does, with its values read.
pub(crate) enum Act {
    Put(Value, Value),
    Get(Value),
    Delete(Value),
    Clear,
    Iterate,
    Len,
}

impl Act {
    /// The key that it is about, if it is about one.
    pub(crate) fn key(&self) -> Option<&Value> {
        match self {
            Self::Put(key, _) | Self::Get(key) | Self::Delete(key) => Some(key),
            Self::Clear | Self::Iterate | Self::Len => None,
        }
    }
}

/// How goroutines on one map can end.
#[derive(Clone, Debug, Serialize)]
pub struct RaceView {
    /// What each goroutine does.
    pub goroutines: Vec<String>,
    /// What was looked at, in a sentence.
    pub extent: String,
    /// Every ending.
    pub endings: Vec<EndingView>,
    /// How likely they are.
    pub odds: Vec<Odds>,
    /// What that says.
    pub moral: String,
}

/// How bad an ending is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// As if the goroutines had run one after the other.
    Fine,
    /// Nobody is told, and something is wrong.
    Silent,
    /// The process dies, and says why.
    Dies,
    /// Anything may happen.
    Wild,
}

/// An ending and a shortest way to it.
#[derive(Clone, Debug, Serialize)]
pub struct EndingView {
    /// How bad it is.
    pub kind: Kind,
    /// What happens, in words.
    pub text: String,
    /// In how many final states a run can end so.
    pub states: u64,
    /// A shortest schedule.
    pub schedule: Vec<Access>,
}

/// One access of a schedule.
#[derive(Clone, Debug, Serialize)]
pub struct Access {
    /// Whose, from 0.
    pub goroutine: usize,
    /// The operation, if this is its first access.
    pub begins: Option<String>,
    /// What for.
    pub what: &'static str,
}

/// How often random runs end in which way.
#[derive(Clone, Debug, Serialize)]
pub struct Odds {
    /// Another goroutine takes over after one access in so many.
    pub switch: u64,
    /// Number of runs.
    pub runs: u32,
    /// Runs that end well.
    pub fine: u32,
    /// Runs with damage that nobody is told of.
    pub silent: u32,
    /// Runs that die of a fatal error.
    pub dies: u32,
    /// Runs in which memory is taken for what it is not.
    pub wild: u32,
}

/// Reads the values of a race.
pub(crate) fn read(
    goroutines: &[Vec<RaceStep>],
    value: &mut dyn FnMut(&Word, bool) -> Result<Value, String>,
) -> Result<Vec<Vec<Act>>, String> {
    let mut act = |step: &RaceStep| {
        Ok(match step {
            RaceStep::Put(key, elem) => Act::Put(value(key, true)?, value(elem, false)?),
            RaceStep::Get(key) => Act::Get(value(key, true)?),
            RaceStep::Delete(key) => Act::Delete(value(key, true)?),
            RaceStep::Clear => Act::Clear,
            RaceStep::Iterate => Act::Iterate,
            RaceStep::Len => Act::Len,
        })
    };
    goroutines
        .iter()
        .map(|steps| steps.iter().map(&mut act).collect())
        .collect()
}

/// Values as the numbers that the explorer works on. No element is 0, which is what one that has
/// not been written looks like.
#[derive(Default)]
struct Names(Vec<Value>);

impl Names {
    fn number(&mut self, value: &Value) -> u64 {
        let known = self.0.iter().position(|known| known.equals(value));
        let index = known.unwrap_or_else(|| {
            self.0.push(value.clone());
            self.0.len() - 1
        });
        index as u64 + 1
    }

    fn name(&self, number: u64) -> String {
        let value = number.checked_sub(1).and_then(|at| self.0.get(at as usize));
        value.map_or_else(|| format!("key {number}"), ToString::to_string)
    }
}

fn text_of(act: &Act) -> String {
    match act {
        Act::Put(key, elem) => format!("m[{key}] = {elem}"),
        Act::Get(key) => format!("_ = m[{key}]"),
        Act::Delete(key) => format!("delete(m, {key})"),
        Act::Clear => "clear(m)".to_owned(),
        Act::Iterate => "for range m".to_owned(),
        Act::Len => "len(m)".to_owned(),
    }
}

fn damage_text(damage: &Damage, keys: &Names) -> String {
    match damage {
        Damage::LostEntry(key) => format!("{} is lost", keys.name(*key)),
        Damage::DuplicateEntry(key) => format!("{} is in the map twice", keys.name(*key)),
        Damage::WrongElement(key) => {
            format!("{} has an element that nobody gave it", keys.name(*key))
        }
        Damage::UndeletedEntry(key) => format!("{} was deleted and is there", keys.name(*key)),
        Damage::WrongLength { len, entries } => {
            format!(
                "len(m) is {len}, with {} in the map",
                count(*entries, "entry")
            )
        }
        Damage::MissedRead(key) => format!(
            "a read missed {}, which was there all the time",
            keys.name(*key)
        ),
        Damage::TornRead(key) => format!(
            "a read saw {} with an element that nobody put",
            keys.name(*key)
        ),
        Damage::StuckFlag => {
            "the map stays marked as being written: whoever uses it next dies".to_owned()
        }
    }
}

fn ending_text(ending: &Ending, keys: &Names) -> (Kind, String) {
    match ending {
        Ending::Fine => (
            Kind::Fine,
            "fine, as if they had run one after the other".to_owned(),
        ),
        Ending::Silent(damage) => {
            let texts: Vec<String> = damage
                .iter()
                .map(|damage| damage_text(damage, keys))
                .collect();
            (
                Kind::Silent,
                format!("nobody is told: {}", texts.join("; ")),
            )
        }
        Ending::Dies { goroutine, message } => (
            Kind::Dies,
            format!("goroutine {} dies: {message}", goroutine + 1),
        ),
        Ending::Wild { goroutine } => (
            Kind::Wild,
            format!(
                "goroutine {} takes memory for what it is not: a crash, a hang, or any value",
                goroutine + 1
            ),
        ),
    }
}

fn kind_of(ending: &Ending) -> Kind {
    match ending {
        Ending::Fine => Kind::Fine,
        Ending::Silent(_) => Kind::Silent,
        Ending::Dies { .. } => Kind::Dies,
        Ending::Wild { .. } => Kind::Wild,
    }
}

/// Explores a race on a map with these entries.
pub(crate) fn run(
    build: Build,
    seed: u64,
    initial: &[(Value, Value)],
    goroutines: &[Vec<Act>],
) -> Result<RaceView, String> {
    let (mut keys, mut elems) = (Names::default(), Names::default());
    let nan = |value: &Value| {
        if value.is_nan() {
            Err("NaN keys can't be explored: no two of them are one key".to_owned())
        } else {
            Ok(())
        }
    };
    let mut entries = Vec::new();
    for (key, elem) in initial {
        nan(key)?;
        entries.push((keys.number(key), elems.number(elem)));
    }
    entries.sort_unstable();
    let mut scripts = Vec::new();
    for acts in goroutines {
        let mut script = Vec::new();
        for act in acts {
            act.key().map_or(Ok(()), nan)?;
            script.push(match act {
                Act::Put(key, elem) => Action::Put(keys.number(key), elems.number(elem)),
                Act::Get(key) => Action::Get(keys.number(key)),
                Act::Delete(key) => Action::Delete(keys.number(key)),
                Act::Clear => Action::Clear,
                Act::Iterate => Action::Range,
                Act::Len => Action::Len,
            });
        }
        scripts.push(script);
    }
    let scenario = Scenario {
        build,
        initial: entries,
        goroutines: scripts,
        max_states: MAX_STATES,
    };
    let report = explore(&scenario).map_err(|error| error.to_string())?;
    let texts: Vec<Vec<String>> = goroutines
        .iter()
        .map(|acts| acts.iter().map(text_of).collect())
        .collect();
    let number = report.endings.len();
    let endings = report
        .endings
        .iter()
        .take(MAX_ENDINGS)
        .map(|(ending, found)| {
            let (kind, text) = ending_text(ending, &keys);
            EndingView {
                kind,
                text,
                states: found.states,
                schedule: schedule(found, &texts),
            }
        })
        .collect();
    let odds = [2, 1000]
        .into_iter()
        .map(|switch| odds(&scenario, switch, seed))
        .collect::<Result<Vec<_>, String>>()?;
    let mut extent = if report.complete {
        format!(
            "every order of their accesses: {}, {}",
            count(report.states as u64, "state"),
            count(number as u64, "ending")
        )
    } else {
        format!(
            "the search was given up after {}: there may be more endings than these {number}",
            count(report.states as u64, "state")
        )
    };
    if number > MAX_ENDINGS {
        extent.push_str(&format!(", the first {MAX_ENDINGS} of them shown"));
    }
    Ok(RaceView {
        goroutines: texts.iter().map(|texts| texts.join("; ")).collect(),
        extent,
        moral: moral(&odds),
        endings,
        odds,
    })
}

fn schedule(found: &Found, texts: &[Vec<String>]) -> Vec<Access> {
    let mut current = vec![None; texts.len()];
    found
        .schedule
        .iter()
        .map(|event| {
            let begins = current.get_mut(event.goroutine).and_then(|current| {
                let is_new = *current != Some(event.action);
                *current = Some(event.action);
                let text = texts.get(event.goroutine)?.get(event.action)?;
                is_new.then(|| text.clone())
            });
            Access {
                goroutine: event.goroutine,
                begins,
                what: event.what,
            }
        })
        .collect()
}

fn odds(scenario: &Scenario, switch: u64, seed: u64) -> Result<Odds, String> {
    let endings = sample(scenario, RUNS, switch, seed).map_err(|error| error.to_string())?;
    let total = |kind| {
        endings
            .iter()
            .filter(|(ending, _)| kind_of(ending) == kind)
            .map(|(_, n)| n)
            .sum()
    };
    Ok(Odds {
        switch,
        runs: RUNS,
        fine: total(Kind::Fine),
        silent: total(Kind::Silent),
        dies: total(Kind::Dies),
        wild: total(Kind::Wild),
    })
}

fn moral(odds: &[Odds]) -> String {
    let (Some(often), Some(rare)) = (odds.first(), odds.last()) else {
        return String::new();
    };
    let bad = |odds: &Odds| odds.silent + odds.dies + odds.wild;
    if bad(often) == 0 && bad(rare) == 0 {
        return "no run went wrong".to_owned();
    }
    let unnoticed = match often.silent {
        0 => String::new(),
        n => format!(
            "; and with a switch after every other access, {n} of {} go wrong and nobody is told",
            often.runs
        ),
    };
    format!(
        "\"it has never crashed\" is no proof: with a switch after 1 access in {}, {} of {} runs end well, though any of these endings can come{unnoticed}",
        rare.switch, rare.fine, rare.runs
    )
}
