//! What is known of the elements of a map.
//!
//! Only maps whose elements lead to maps are followed, for what is written to in
//! `m[a][b] = v`. Such a map is a [`Value::Ref`] to its table, or a term whose
//! pointee the table is.

use crate::term::{Term, TermKind, Terms};
use crate::value::Value;
use std::collections::BTreeMap;
use tophash_flow::Const;

/// The elements of one map.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Table {
    /// Elements by the terms of their keys. Two terms may be one key.
    pub known: BTreeMap<Term, Value>,
    /// Whether there are no others.
    pub complete: bool,
    /// The name of the contents that nothing was stored to since.
    pub base: Option<Term>,
}

/// What a read of an element gives.
pub enum Element {
    /// That value; the element is there.
    Is(Value),
    /// There is none.
    Absent,
    /// Anything; a name for it, if reads of the same key are to give the same.
    Unknown(Option<TermKind>),
}

/// Elements that are told apart.
const MAX_KNOWN: usize = 8;

impl Table {
    /// A new map.
    pub fn empty() -> Table {
        Table {
            complete: true,
            ..Table::default()
        }
    }

    /// The table behind the contents of a root.
    pub fn of(contents: &Value) -> Table {
        match contents {
            Value::Table(table) => (**table).clone(),
            Value::Term(term) => Table {
                base: Some(*term),
                ..Table::default()
            },
            _ => Table::default(),
        }
    }

    /// Reads an element.
    pub fn read(&self, key: Option<Term>, terms: &Terms) -> Element {
        if let Some(key) = key {
            match self.known.get(&key) {
                Some(Value::Unknown) => return Element::Unknown(None),
                Some(value) => return Element::Is(value.clone()),
                None => {}
            }
        }
        let constant = |term: &Term| matches!(terms.kind(*term), TermKind::Const(_));
        let others = key.is_some_and(|key| constant(&key)) && self.known.keys().all(constant);
        match (
            self.known.is_empty() || others,
            self.complete,
            key,
            self.base,
        ) {
            (true, true, ..) => Element::Absent,
            (true, false, Some(key), Some(base)) => {
                Element::Unknown(Some(TermKind::At(base, key, 0)))
            }
            _ => Element::Unknown(None),
        }
    }

    /// Stores an element.
    pub fn store(&mut self, key: Option<Term>, value: Value, nonzero: bool, terms: &Terms) {
        let Some(key) = key.filter(|_| self.known.len() < MAX_KNOWN) else {
            self.complete = false;
            self.base = None;
            if !nonzero {
                self.known.clear();
            }
            return;
        };
        let constant = |term: &Term| matches!(terms.kind(*term), TermKind::Const(_));
        let apart = constant(&key) && self.known.keys().all(constant);
        if !apart && !nonzero {
            // It may be one of the others.
            for known in self.known.values_mut() {
                *known = Value::Unknown;
            }
        }
        self.known.insert(key, value);
    }

    /// Removes an element.
    pub fn delete(&mut self, key: Option<Term>) {
        match key {
            Some(key) if self.complete && self.known.keys().all(|&k| k == key) => {
                self.known.clear();
            }
            _ => *self = Table::default(),
        }
    }

    /// Forgets elements whose keys no longer mean what they meant.
    pub fn forget(&mut self, is_stale: impl Fn(Term) -> bool) {
        let before = self.known.len();
        self.known.retain(|&key, _| !is_stale(key));
        if self.known.len() < before {
            self.complete = false;
            self.base = None;
        }
        self.base = self.base.filter(|&base| !is_stale(base));
    }

    /// What holds of both of two tables.
    pub fn join(&self, other: &Table) -> Table {
        let keys = self.known.keys().chain(other.known.keys());
        let known = keys
            .map(|&key| {
                let value = match (self.known.get(&key), other.known.get(&key)) {
                    (Some(x), Some(y)) if x == y => x.clone(),
                    _ => Value::Unknown,
                };
                (key, value)
            })
            .collect();
        Table {
            known,
            complete: self.complete && other.complete,
            base: self.base.filter(|_| self.base == other.base),
        }
    }
}

/// The term that tells a key from others.
pub fn key_term(key: &Value, terms: &mut Terms) -> Option<Term> {
    match key {
        Value::Term(term) => Some(*term),
        Value::Const(Const::Other(_)) => None,
        Value::Const(constant) => Some(terms.intern(TermKind::Const(*constant))),
        Value::Zero(_) => Some(terms.intern(TermKind::Const(Const::Int(0)))),
        _ => None,
    }
}
