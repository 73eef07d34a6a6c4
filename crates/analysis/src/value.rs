//! Abstract values.

use crate::origin::OriginId;
use crate::table::Table;
use crate::term::{Path, Root, Term, TermKind, Terms};
use std::collections::BTreeMap;
use std::rc::Rc;
use tophash_flow::{Const, FnId, FuncName};

/// A place in abstract memory.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Address {
    /// Where it starts.
    pub root: Root,
    /// Fields from there down.
    pub path: Path,
}

impl Address {
    /// The whole of a root.
    pub fn of(root: Root) -> Address {
        Address {
            root,
            path: Path::new(),
        }
    }

    /// One step further down.
    pub fn step(mut self, field: u32) -> Address {
        self.path.push(field);
        self
    }
}

/// What is known of a value. A zero struct is zero in all its parts, so one
/// [`Value::Zero`] stands for nil, false, 0 and structs alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Anything.
    Unknown,
    /// Anything, but the same wherever this term stands.
    Term(Term),
    /// The zero value. Of what a map may be in it is known where it comes from.
    Zero(Option<OriginId>),
    /// A map that is not nil.
    Made,
    /// Not the zero value: an error, true.
    NonZero,
    /// A constant that is not zero.
    Const(Const),
    /// A pointer to memory of this function, or a slice of it.
    Ref(Address),
    /// A closure of the unit.
    Closure(FnId),
    /// A declared function.
    Func(FuncName),
    /// A declared method with its receiver: `x.M` as a value.
    Bound(FuncName, Rc<Value>),
    /// A struct, or array, whose parts are known one by one.
    Struct(Rc<Aggregate>),
    /// The elements of a map, as the contents of what the map leads to.
    Table(Rc<Table>),
}

/// A struct whose parts are known one by one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Aggregate {
    /// What all other fields are the fields of.
    pub rest: Value,
    /// Fields that are known better.
    pub fields: BTreeMap<u32, Value>,
}

/// Whether a value is zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Truth {
    /// It is, with where that comes from.
    Zero(Option<OriginId>),
    /// It is not.
    NonZero,
}

impl Value {
    /// A constant.
    pub fn constant(value: Const) -> Value {
        match value {
            Const::Bool(false) | Const::Int(0) => Value::Zero(None),
            Const::Str(text) if text.as_str().is_empty() => Value::Zero(None),
            Const::Bool(true) => Value::NonZero,
            other => Value::Const(other),
        }
    }

    /// One step into a struct, array or slice element.
    pub fn project(&self, field: u32, terms: &mut Terms) -> Value {
        match self {
            Value::Zero(origin) => Value::Zero(*origin),
            Value::Term(term) => match terms.build(TermKind::Field(*term, field)) {
                Some(field) if !is_elem(field, terms) => Value::Term(field),
                _ => Value::Unknown,
            },
            Value::Struct(aggregate) => match aggregate.fields.get(&field) {
                Some(value) => value.clone(),
                None => aggregate.rest.project(field, terms),
            },
            _ => Value::Unknown,
        }
    }

    /// Several steps down.
    pub fn project_path(&self, path: &[u32], terms: &mut Terms) -> Value {
        match path {
            [] => self.clone(),
            [first, rest @ ..] => self.project(*first, terms).project_path(rest, terms),
        }
    }

    /// The value with the part at `path` replaced.
    pub fn replace(&self, path: &[u32], new: Value, terms: &mut Terms) -> Value {
        let [first, rest @ ..] = path else {
            return new;
        };
        let part = self.project(*first, terms).replace(rest, new, terms);
        let mut aggregate = match self {
            Value::Struct(aggregate) => (**aggregate).clone(),
            other => Aggregate {
                rest: other.clone(),
                fields: BTreeMap::new(),
            },
        };
        aggregate.fields.insert(*first, part);
        Value::Struct(Rc::new(aggregate))
    }

    /// Calls `f` with every value this one is made of, itself included.
    pub fn visit(&self, f: &mut impl FnMut(&Value)) {
        f(self);
        match self {
            Value::Struct(aggregate) => {
                aggregate.rest.visit(f);
                for value in aggregate.fields.values() {
                    value.visit(f);
                }
            }
            Value::Bound(_, receiver) => receiver.visit(f),
            Value::Table(table) => table.known.values().for_each(|value| value.visit(f)),
            _ => {}
        }
    }

    /// The value with each part that `f` gives a new value for replaced.
    pub fn map(&self, f: &impl Fn(&Value) -> Option<Value>) -> Option<Value> {
        if let Some(new) = f(self) {
            return Some(new);
        }
        if let Value::Bound(name, receiver) = self {
            return Some(Value::Bound(*name, Rc::new(receiver.map(f)?)));
        }
        if let Value::Table(table) = self {
            let changed: Vec<(Term, Value)> = table
                .known
                .iter()
                .filter_map(|(&key, value)| Some((key, value.map(f)?)))
                .collect();
            if changed.is_empty() {
                return None;
            }
            let mut new = (**table).clone();
            new.known.extend(changed);
            return Some(Value::Table(Rc::new(new)));
        }
        let Value::Struct(aggregate) = self else {
            return None;
        };
        let rest = aggregate.rest.map(f);
        let changed: Vec<(u32, Value)> = aggregate
            .fields
            .iter()
            .filter_map(|(&field, value)| Some((field, value.map(f)?)))
            .collect();
        if rest.is_none() && changed.is_empty() {
            return None;
        }
        let mut new = (**aggregate).clone();
        if let Some(rest) = rest {
            new.rest = rest;
        }
        new.fields.extend(changed);
        Some(Value::Struct(Rc::new(new)))
    }
}

/// An element of an unknown list has no name: two reads may mean two elements.
fn is_elem(term: Term, terms: &Terms) -> bool {
    matches!(terms.kind(term), TermKind::Field(_, crate::term::ELEM))
}
