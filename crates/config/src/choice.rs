//! What settings say of rules, layer by layer.

use std::sync::Arc;

use tophash_finding::Severity;

use crate::selector::Selector;

/// What settings say of one rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// Whether it runs.
    pub on: bool,
    /// How severe its findings are; None leaves that to the rule.
    pub severity: Option<Severity>,
    /// What says so: the path of a file, `command line`, or `default`.
    pub set_by: Arc<str>,
}

/// A severity that settings give, or none at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Level {
    At(Severity),
    Off,
}

/// What one file, one of its tables, or the command line says of rules.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// What it is called.
    pub(crate) name: Arc<str>,
    /// Whether what earlier layers select is dropped.
    pub(crate) replaces: bool,
    pub(crate) select: Vec<Selector>,
    pub(crate) ignore: Vec<Selector>,
    pub(crate) severity: Vec<(Selector, Level)>,
}

impl Layer {
    /// Refines what earlier layers say, one choice per rule.
    pub(crate) fn apply(&self, choices: &mut [Choice]) {
        if self.replaces {
            for choice in choices.iter_mut().filter(|choice| choice.on) {
                choice.on = false;
                choice.set_by = self.name.clone();
            }
        }
        for (index, choice) in choices.iter_mut().enumerate() {
            if let Some(on) = self.switch(index) {
                choice.on = on;
                choice.set_by = self.name.clone();
            }
            match self.level(index) {
                Some(Level::Off) => choice.on = false,
                Some(Level::At(severity)) => choice.severity = Some(severity),
                None => continue,
            }
            choice.set_by = self.name.clone();
        }
    }

    /// Turns off what this layer ignores, whatever was said since.
    pub(crate) fn insist(&self, choices: &mut [Choice]) {
        for (index, choice) in choices.iter_mut().enumerate() {
            if choice.on && self.switch(index) == Some(false) {
                choice.on = false;
                choice.set_by = self.name.clone();
            }
        }
    }

    /// Whether a rule is turned on or off. Of selectors equally specific, those that turn
    /// it off count.
    fn switch(&self, rule: usize) -> Option<bool> {
        let on = self.select.iter().map(|selector| (selector, true));
        let off = self.ignore.iter().map(|selector| (selector, false));
        let naming = on.chain(off).filter(|(s, _)| s.rules.contains(&rule));
        let strongest = naming.max_by_key(|(s, on)| (s.specificity, !on));
        strongest.map(|(_, on)| on)
    }

    fn level(&self, rule: usize) -> Option<Level> {
        let naming = self
            .severity
            .iter()
            .filter(|(s, _)| s.rules.contains(&rule));
        naming
            .max_by_key(|(s, _)| s.specificity)
            .map(|(_, level)| *level)
    }
}
