//! From a path of names, as a person writes it, to the value that it leads to.

use std::ops::ControlFlow;

use tophash_runtime::types::WORD;

use super::Root;
use super::plan::atomic_pointer;
use crate::literal::Literal;
use crate::maps::{Entry, Header, MapType, entries, search};
use crate::types::{Shape, Type, TypeId, Types};
use crate::value::{Limits, Reader};

/// A value of the process: its type and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its type.
    pub ty: TypeId,
    /// Its address.
    pub address: u64,
}

/// Steps of a path, and pointers followed in one step.
const MAX_STEPS: usize = 1 << 10;

/// The map that a path leads to: the address of its header and its type. `main.cache.byUser`,
/// `main.shards[2]`, `main.users["ann"].tags`; pointers and interfaces are followed wherever they
/// stand, stars and brackets around them are allowed.
///
/// # Errors
/// A sentence that says which step leads nowhere.
pub fn map(types: &Types<'_>, roots: &[Root], path: &str) -> Result<(u64, TypeId), String> {
    let place = place(types, roots, path)?;
    let place = through(types, place)?;
    let name = types.name(place.ty);
    let ty = types.get(place.ty);
    if !ty.is_some_and(|ty| matches!(ty.shape, Shape::Map { .. })) {
        return Err(format!("{path} is a {name}, not a map"));
    }
    match types.memory().u64(place.address) {
        Some(0) => Err(format!("{path} is nil: a {name} without a table")),
        Some(address) => Ok((address, place.ty)),
        None => Err(format!("{path} at {:#x} can't be read", place.address)),
    }
}

/// The value that a path leads to.
fn place(types: &Types<'_>, roots: &[Root], path: &str) -> Result<Place, String> {
    let path = path.trim();
    let text = path.trim_start_matches(['*', '(', '&']);
    let (root, mut rest) = root(roots, text).ok_or_else(|| unknown(roots, text))?;
    let mut place = Place {
        ty: root.ty,
        address: root.address,
    };
    for _ in 0..MAX_STEPS {
        rest = rest.trim_start_matches(')');
        if rest.is_empty() {
            return Ok(place);
        }
        let done = &path[..path.len() - rest.len()];
        if let Some(after) = rest.strip_prefix(".(") {
            // An assertion of a type: what is there tells.
            let end = after.find(')').ok_or("a bracket is missing")?;
            rest = after.get(end + 1..).unwrap_or_default();
        } else if let Some(after) = rest.strip_prefix(".Load()") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            place = field(types, place, name, done)?;
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let end = closing(after).ok_or_else(|| format!("a bracket is missing in {path}"))?;
            let (index, after) = after.split_at(end);
            place = element(types, place, index.trim(), done)?;
            rest = after.strip_prefix(']').unwrap_or_default();
        } else {
            return Err(format!("{rest:?} can't follow {done}"));
        }
    }
    Err(format!("{path} is too long"))
}

/// The variable that a text starts with, and what follows.
fn root<'r, 't>(roots: &'r [Root], text: &'t str) -> Option<(&'r Root, &'t str)> {
    let starts = |name: &str| {
        let rest = text.strip_prefix(name)?;
        (rest.is_empty() || rest.starts_with(['.', '[', ')'])).then_some(rest)
    };
    let full = roots
        .iter()
        .filter_map(|root| Some((root, starts(&root.name)?)))
        .min_by_key(|(_, rest)| rest.len());
    if full.is_some() {
        return full;
    }
    // Without the directories of the package's path.
    let mut short = roots.iter().filter_map(|root| {
        let (_, last) = root.name.rsplit_once('/')?;
        Some((root, starts(last)?))
    });
    let first = short.next();
    if first.is_some() && short.next().is_none() {
        return first;
    }
    None
}

fn unknown(roots: &[Root], text: &str) -> String {
    if roots.is_empty() {
        return format!(
            "{text} can't be found by name: the program has no debug information; give an address"
        );
    }
    let end = text.find(['[', ')']).unwrap_or(text.len());
    let wanted = text.get(..end).unwrap_or(text);
    let last = wanted.rsplit('.').next().unwrap_or(wanted).to_lowercase();
    let mut near: Vec<&str> = roots
        .iter()
        .map(|root| &*root.name)
        .filter(|name| !last.is_empty() && name.to_lowercase().contains(&last))
        .take(5)
        .collect();
    near.sort_by_key(|name| name.len());
    match near.as_slice() {
        [] => format!("there is no variable {wanted}"),
        near => format!(
            "there is no variable {wanted}; there are {}",
            near.join(", ")
        ),
    }
}

/// Where the bracket closes that a text is inside of, strings and inner brackets apart.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut quote = None;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        if let Some(end) = quote {
            if escaped {
                escaped = false;
            } else if c == '\\' && end == '"' {
                escaped = true;
            } else if c == end {
                quote = None;
            }
            continue;
        }
        match c {
            '"' | '`' => quote = Some(c),
            '[' => depth += 1,
            ']' if depth == 0 => return Some(i),
            ']' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Follows pointers and interfaces until there is something else.
fn through(types: &Types<'_>, mut place: Place) -> Result<Place, String> {
    let memory = types.memory();
    for _ in 0..MAX_STEPS {
        let Some(ty) = types.get(place.ty) else {
            return Err(format!("the type at {:#x} is not known", place.address));
        };
        let word = |index: u64| {
            let address = place.address.checked_add(WORD * index);
            let word = address.and_then(|address| memory.u64(address));
            word.ok_or_else(|| format!("a {} at {:#x} can't be read", ty.name, place.address))
        };
        let nil = || Err(format!("a {} on the way is nil", ty.name));
        place = match &ty.shape {
            Shape::Pointer(elem) => match word(0)? {
                0 => return nil(),
                address => Place { ty: *elem, address },
            },
            Shape::Interface { .. } => {
                let (first, data) = (word(0)?, word(1)?);
                if first == 0 {
                    return nil();
                }
                let Some(dynamic) = types.dynamic(first) else {
                    return Err(format!("the interface at {:#x} is damaged", place.address));
                };
                let address = if types.is_direct(dynamic) {
                    place.address + WORD
                } else {
                    data
                };
                Place {
                    ty: dynamic,
                    address,
                }
            }
            Shape::Struct(_) => match atomic_pointer(types, &ty) {
                Some((offset, elem)) => {
                    let address = place.address.checked_add(offset);
                    match address.and_then(|address| memory.u64(address)) {
                        Some(address) if address != 0 => Place { ty: elem, address },
                        _ => return nil(),
                    }
                }
                None => return Ok(place),
            },
            _ => return Ok(place),
        };
    }
    Err("pointers go in circles".to_owned())
}

fn field(types: &Types<'_>, place: Place, name: &str, done: &str) -> Result<Place, String> {
    let place = through(types, place)?;
    let ty = types.get(place.ty).ok_or("a type is not known")?;
    let Some((offset, field)) = find_field(types, &ty, name, 8) else {
        return Err(format!(
            "{done} is a {}, which has no field {name}",
            ty.name
        ));
    };
    Ok(Place {
        ty: field,
        address: place.address.wrapping_add(offset),
    })
}

/// A field by its name, in embedded structs too.
fn find_field(types: &Types<'_>, ty: &Type, name: &str, depth: u32) -> Option<(u64, TypeId)> {
    let Shape::Struct(fields) = &ty.shape else {
        return None;
    };
    if let Some(field) = fields.iter().find(|field| *field.name == *name) {
        return Some((field.offset, field.ty));
    }
    let depth = depth.checked_sub(1)?;
    let embedded = fields.iter().filter(|field| field.embedded);
    embedded.into_iter().find_map(|field| {
        let (offset, ty) = find_field(types, &*types.get(field.ty)?, name, depth)?;
        Some((field.offset + offset, ty))
    })
}

fn element(types: &Types<'_>, place: Place, index: &str, done: &str) -> Result<Place, String> {
    let place = through(types, place)?;
    let memory = types.memory();
    let ty = types.get(place.ty).ok_or("a type is not known")?;
    let number = || {
        let number = index.parse::<u64>();
        number.map_err(|_| format!("{index:?} is no index of {done}, a {}", ty.name))
    };
    let at = |data: u64, elem: TypeId, len: u64| {
        let index = number()?;
        if index >= len {
            return Err(format!("{done} has {len} elements"));
        }
        let size = types.get(elem).map_or(0, |ty| ty.size);
        let address = size.checked_mul(index).and_then(|n| data.checked_add(n));
        let address = address.ok_or("an absurd address")?;
        Ok(Place { ty: elem, address })
    };
    match &ty.shape {
        Shape::Array { elem, len } => at(place.address, *elem, *len),
        Shape::Slice(elem) => {
            let data = memory.u64(place.address);
            let len = place.address.checked_add(WORD).and_then(|a| memory.u64(a));
            match (data, len) {
                (Some(data), Some(len)) => at(data, *elem, len),
                _ => Err(format!("{done} can't be read")),
            }
        }
        Shape::Map { .. } => {
            let header = memory
                .u64(place.address)
                .filter(|&address| address != 0)
                .and_then(|address| Header::read(memory, types.build(), address))
                .ok_or_else(|| format!("{done} is nil"))?;
            let map_type = MapType::read(types, place.ty)
                .ok_or_else(|| format!("the type of {done} is damaged"))?;
            let entry = find(types, &map_type, &header, index)?;
            let entry = entry.ok_or_else(|| format!("{done} has no key {index}"))?;
            Ok(Place {
                ty: map_type.elem,
                address: entry.elem,
            })
        }
        _ => Err(format!("{done} is a {}, which has no elements", ty.name)),
    }
}

/// Looks in all of a map for a key as people type it. Keys that can't be typed, as interfaces, are
/// compared by how they are printed.
///
/// # Errors
/// The text is not of the key's type.
pub fn find(
    types: &Types<'_>,
    map_type: &MapType,
    header: &Header,
    key: &str,
) -> Result<Option<Entry>, String> {
    match Literal::parse(types, map_type.key, key) {
        Ok(literal) => Ok(search(types, map_type, header, &literal, &literal.bytes)),
        Err(error) => {
            let ty = types.get(map_type.key);
            if !ty.is_some_and(|ty| matches!(ty.shape, Shape::Interface { .. } | Shape::Struct(_)))
            {
                return Err(error.to_string());
            }
            let reader = Reader::new(types, Limits::generous());
            let mut found = None;
            entries(types.memory(), map_type, header, &mut |entry| {
                if reader.read(map_type.key, entry.key).to_string() == key {
                    found = Some(entry);
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            });
            Ok(found)
        }
    }
}
