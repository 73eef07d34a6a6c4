//! Package variables and their types, from debug information.
//!
//! Most types of variables have a descriptor in the program, which debug information names. Those
//! that have none, as a slice type that no value on the heap has, are put together from what it
//! says.

use std::collections::VecDeque;
use std::sync::Arc;

use gimli::{AttributeValue, DwAt, Operation};
use rustc_hash::FxHashMap;

use super::debug_info::{DebugInfo, Reader};
use crate::types::{Field, Shape, Type, TypeId, Types};

/// A package variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name with that of its package: `main.cache`.
    pub name: Arc<str>,
    /// Its address in the process.
    pub address: u64,
    /// Its type.
    pub ty: TypeId,
}

/// Go's own attributes (cmd/internal/dwarf `DW_AT_go_kind` and its kin).
const GO_KIND: DwAt = DwAt(0x2900);
const GO_KEY: DwAt = DwAt(0x2901);
const GO_ELEM: DwAt = DwAt(0x2902);
const GO_EMBEDDED: DwAt = DwAt(0x2903);
const GO_RUNTIME_TYPE: DwAt = DwAt(0x2904);

/// Types without a descriptor that are put together at most.
const MAX_TYPES: usize = 1 << 18;

/// The variables of a program, those of package main first and those of the runtime last. Types
/// without a descriptor are added to `types`. `bias` is what is added to addresses of the file.
#[must_use]
pub fn variables(debug: &DebugInfo<'_>, types: &mut Types<'_>, bias: u64) -> Vec<Variable> {
    let dwarf = debug.dwarf();
    let mut units = Vec::new();
    let mut headers = dwarf.units();
    while let Ok(Some(header)) = headers.next() {
        if let Ok(unit) = dwarf.unit(header) {
            units.push(unit);
        }
    }
    let mut found = Vec::new();
    for (index, unit) in units.iter().enumerate() {
        // A damaged unit gives what comes before the damage.
        let _ = unit_variables(&dwarf, unit, index, bias, &mut found);
    }
    let mut maker = Maker {
        dwarf: &dwarf,
        units: &units,
        types,
        known: FxHashMap::default(),
        dies: FxHashMap::default(),
        pending: VecDeque::new(),
    };
    let mut variables = Vec::with_capacity(found.len());
    for (name, address, die) in found {
        if let Some(ty) = maker.id(die) {
            variables.push(Variable { name, address, ty });
        }
    }
    maker.finish();
    variables.sort_by(|a, b| rank(&a.name).cmp(&rank(&b.name)).then(a.name.cmp(&b.name)));
    variables
}

/// The order of variables: what a program's author knows best comes first.
fn rank(name: &str) -> u8 {
    let package = name.rsplit_once('/').map_or(name, |(_, last)| last);
    if name.starts_with("main.") {
        0
    } else if is_runtime(name) {
        3
    } else if name
        .split('/')
        .next()
        .is_some_and(|first| first.contains('.'))
        && name.contains('/')
    {
        // A domain: somebody's module.
        1
    } else {
        u8::from(!package.is_empty()) + 1
    }
}

/// Whether a variable is one of the runtime.
#[must_use]
pub fn is_runtime(name: &str) -> bool {
    name.starts_with("runtime.")
        || name.starts_with("runtime/")
        || name.starts_with("internal/runtime/")
}

/// The unit and the place in it of a type's entry.
type Die = (usize, gimli::UnitOffset);

fn unit_variables(
    dwarf: &gimli::Dwarf<Reader<'_>>,
    unit: &gimli::Unit<Reader<'_>>,
    index: usize,
    bias: u64,
    found: &mut Vec<(Arc<str>, u64, UnresolvedDie)>,
) -> Result<(), gimli::Error> {
    let mut entries = unit.entries();
    while let Some(entry) = entries.next_dfs()? {
        if entry.tag() != gimli::DW_TAG_variable || entry.depth() != 1 {
            continue;
        }
        let Some(AttributeValue::Exprloc(expression)) = entry.attr_value(gimli::DW_AT_location)
        else {
            continue;
        };
        let address = match expression.operations(unit.encoding()).next() {
            Ok(Some(Operation::Address { address })) => address,
            Ok(Some(Operation::AddressIndex { index })) => match dwarf.address(unit, index) {
                Ok(address) => address,
                Err(_) => continue,
            },
            _ => continue,
        };
        let Some(ty) = reference(entry.attr_value(gimli::DW_AT_type), index) else {
            continue;
        };
        let Some(value) = entry.attr_value(gimli::DW_AT_name) else {
            continue;
        };
        let Ok(name) = dwarf.attr_string(unit, value) else {
            continue;
        };
        let name = String::from_utf8_lossy(name.slice());
        // Variables of the compiler's making, as `main..stmp_0`.
        if name.contains("..") {
            continue;
        }
        found.push((name.into(), address.wrapping_add(bias), ty));
    }
    Ok(())
}

/// A reference as an entry has it: within a unit, or from the start of the section.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum UnresolvedDie {
    InUnit(Die),
    InSection(usize),
}

fn reference(value: Option<AttributeValue<Reader<'_>>>, unit: usize) -> Option<UnresolvedDie> {
    match value? {
        AttributeValue::UnitRef(offset) => Some(UnresolvedDie::InUnit((unit, offset))),
        AttributeValue::DebugInfoRef(offset) => Some(UnresolvedDie::InSection(offset.0)),
        _ => None,
    }
}

struct Maker<'a, 'd, 't, 'm> {
    dwarf: &'a gimli::Dwarf<Reader<'d>>,
    units: &'a [gimli::Unit<Reader<'d>>],
    types: &'t mut Types<'m>,
    known: FxHashMap<Die, Option<TypeId>>,
    /// The entries of types that were added.
    dies: FxHashMap<TypeId, Die>,
    /// Types that have a number, but not yet parts.
    pending: VecDeque<(Die, TypeId)>,
}

impl Maker<'_, '_, '_, '_> {
    fn resolve(&self, die: UnresolvedDie) -> Option<Die> {
        match die {
            UnresolvedDie::InUnit(die) => Some(die),
            UnresolvedDie::InSection(offset) => {
                let index = self
                    .units
                    .partition_point(|unit| start(unit) <= offset)
                    .checked_sub(1)?;
                let unit = self.units.get(index)?;
                let place = offset.checked_sub(start(unit))?;
                Some((index, gimli::UnitOffset(place)))
            }
        }
    }

    /// The type that an entry describes.
    fn id(&mut self, die: UnresolvedDie) -> Option<TypeId> {
        let die = self.resolve(die)?;
        if let Some(known) = self.known.get(&die) {
            return *known;
        }
        let id = self.work_out(die);
        self.known.insert(die, id);
        id
    }

    fn work_out(&mut self, mut die: Die) -> Option<TypeId> {
        // Typedefs without a kind of their own are names of the next.
        for _ in 0..8 {
            let entry = self.entry(die)?;
            if let Some(offset) = number(&entry, GO_RUNTIME_TYPE).filter(|&offset| offset != 0) {
                let module = self.types.modules().first()?.clone();
                let id = TypeId(module.start.checked_add(offset)?);
                if self.types.get(id).is_some() {
                    return Some(id);
                }
            }
            if entry.tag() == gimli::DW_TAG_typedef && number(&entry, GO_KIND).is_none() {
                die = self.resolve(reference(entry.attr_value(gimli::DW_AT_type), die.0)?)?;
                if let Some(known) = self.known.get(&die) {
                    return *known;
                }
                continue;
            }
            break;
        }
        if self.types.extra_len() >= MAX_TYPES {
            return None;
        }
        let id = self.types.add(|id| Type {
            id,
            name: "?".into(),
            size: 0,
            align: 1,
            pointer_bytes: 0,
            shape: Shape::Func,
        });
        self.known.insert(die, Some(id));
        self.dies.insert(id, die);
        self.pending.push_back((die, id));
        Some(id)
    }

    fn entry(&self, (unit, offset): Die) -> Option<gimli::DebuggingInformationEntry<Reader<'_>>> {
        self.units.get(unit)?.entry(offset).ok()
    }

    /// Gives their parts to the types that were numbered, and to those that these bring in.
    fn finish(&mut self) {
        let mut structs = Vec::new();
        while let Some((die, id)) = self.pending.pop_front() {
            if let Some(ty) = self.build(die, id) {
                if matches!(ty.shape, Shape::Struct(_) | Shape::Array { .. }) {
                    structs.push(id);
                }
                self.types.replace(id, ty);
            }
        }
        // Where pointers lie in structs and arrays is known when their parts are; a few rounds,
        // as they nest.
        for _ in 0..8 {
            for &id in &structs {
                self.types.complete(id);
            }
        }
    }

    fn build(&mut self, die: Die, id: TypeId) -> Option<Type> {
        let (name, kind, size, elem, key, target) = {
            let entry = self.entry(die)?;
            let unit = self.units.get(die.0)?;
            let name = entry
                .attr_value(gimli::DW_AT_name)
                .and_then(|value| self.dwarf.attr_string(unit, value).ok())
                .map(|name| String::from_utf8_lossy(name.slice()).into_owned());
            (
                name.unwrap_or_default(),
                number(&entry, GO_KIND)? as u8 & 31,
                number(&entry, gimli::DW_AT_byte_size),
                reference(entry.attr_value(GO_ELEM), die.0),
                reference(entry.attr_value(GO_KEY), die.0),
                reference(entry.attr_value(gimli::DW_AT_type), die.0),
            )
        };
        let word = 8;
        let (shape, size, pointer_bytes) = match kind {
            1 => (Shape::Bool, 1, 0),
            2..=6 => (Shape::Int, size?, 0),
            7..=12 => (Shape::Uint, size?, 0),
            13 | 14 => (Shape::Float, size?, 0),
            15 | 16 => (Shape::Complex, size?, 0),
            17 => {
                let elem = self.id(target?)?;
                let size = size?;
                let elem_size = self.size_of(elem).unwrap_or(0);
                let len = size.checked_div(elem_size).or_else(|| self.bound(die));
                let len = len.unwrap_or(0);
                (Shape::Array { elem, len }, size, size)
            }
            18 => (Shape::Chan(self.id(elem?)?), word, word),
            19 => (Shape::Func, word, word),
            20 => {
                let empty = name == "interface {}" || self.is_eface(target);
                (Shape::Interface { empty }, 2 * word, 2 * word)
            }
            21 => {
                let (key, elem) = (self.id(key?)?, self.id(elem?)?);
                (Shape::Map { key, elem }, word, word)
            }
            22 => match target {
                Some(target) => (Shape::Pointer(self.id(target)?), word, word),
                None => (Shape::UnsafePointer, word, word),
            },
            23 => (Shape::Slice(self.id(elem?)?), 3 * word, word),
            24 => (Shape::String, 2 * word, word),
            25 => (Shape::Struct(self.fields(die)?), size?, size?),
            26 => (Shape::UnsafePointer, word, word),
            _ => return None,
        };
        Some(Type {
            id,
            name: name.into(),
            size,
            align: size.clamp(1, word),
            pointer_bytes,
            shape,
        })
    }

    /// The size of a type by its entry if it is not built yet.
    fn size_of(&self, id: TypeId) -> Option<u64> {
        let ty = self.types.get(id)?;
        if ty.size > 0 {
            return Some(ty.size);
        }
        let entry = self.entry(*self.dies.get(&id)?)?;
        let kind = number(&entry, GO_KIND)? as u8 & 31;
        match kind {
            18 | 19 | 21 | 22 | 26 => Some(8),
            20 | 24 => Some(16),
            23 => Some(24),
            _ => number(&entry, gimli::DW_AT_byte_size),
        }
    }

    /// The length of an array, from its subrange.
    fn bound(&self, die: Die) -> Option<u64> {
        let unit = self.units.get(die.0)?;
        let mut tree = unit.entries_tree(Some(die.1)).ok()?;
        let mut children = tree.root().ok()?.children();
        while let Ok(Some(child)) = children.next() {
            if child.entry().tag() == gimli::DW_TAG_subrange_type {
                return number(child.entry(), gimli::DW_AT_count);
            }
        }
        None
    }

    /// Whether an interface's entry leads to `runtime.eface`.
    fn is_eface(&self, target: Option<UnresolvedDie>) -> bool {
        let name = target
            .and_then(|target| self.resolve(target))
            .and_then(|die| {
                let entry = self.entry(die)?;
                let value = entry.attr_value(gimli::DW_AT_name)?;
                let name = self.dwarf.attr_string(self.units.get(die.0)?, value).ok()?;
                Some(name.slice() == b"runtime.eface")
            });
        name.unwrap_or(false)
    }

    fn fields(&mut self, die: Die) -> Option<Vec<Field>> {
        let mut members = Vec::new();
        {
            let unit = self.units.get(die.0)?;
            let mut tree = unit.entries_tree(Some(die.1)).ok()?;
            let mut children = tree.root().ok()?.children();
            while let Ok(Some(child)) = children.next() {
                let entry = child.entry();
                if entry.tag() != gimli::DW_TAG_member {
                    continue;
                }
                let name = entry
                    .attr_value(gimli::DW_AT_name)
                    .and_then(|value| self.dwarf.attr_string(unit, value).ok());
                let name: Arc<str> = match name {
                    Some(name) => String::from_utf8_lossy(name.slice()).into(),
                    None => "_".into(),
                };
                let offset = number(entry, gimli::DW_AT_data_member_location)?;
                let ty = reference(entry.attr_value(gimli::DW_AT_type), die.0)?;
                let embedded = matches!(
                    entry.attr_value(GO_EMBEDDED),
                    Some(AttributeValue::Flag(true))
                );
                members.push((name, offset, ty, embedded));
            }
        }
        let mut fields = Vec::with_capacity(members.len());
        for (name, offset, ty, embedded) in members {
            fields.push(Field {
                name,
                offset,
                ty: self.id(ty)?,
                embedded,
            });
        }
        Some(fields)
    }
}

/// Where a unit starts in its section.
fn start(unit: &gimli::Unit<Reader<'_>>) -> usize {
    unit.header.offset().0
}

fn number(entry: &gimli::DebuggingInformationEntry<Reader<'_>>, at: DwAt) -> Option<u64> {
    match entry.attr_value(at)? {
        AttributeValue::Exprloc(_) => None,
        value => value.udata_value().or(match value {
            AttributeValue::Addr(address) => Some(address),
            _ => None,
        }),
    }
}
