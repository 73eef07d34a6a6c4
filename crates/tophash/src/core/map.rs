//! `tophash core ... map`: one map, inside and out.

use std::cell::RefCell;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use serde::{Serialize, Serializer, ser::SerializeSeq};
use serde_json::{Value as Json, json};
use tophash_core::holders::resolve;
use tophash_core::inventory::{Holder, Inventory, Map};
use tophash_core::literal::Literal;
use tophash_core::maps::guess::Source;
use tophash_core::maps::stats::{self, Stats};
use tophash_core::maps::{Entry, Header, MapType, Words, entries, look_up, picture, search};
use tophash_core::types::TypeId;
use tophash_core::value::{Limits, Reader, Value};

use crate::output::{Status, complain};

use super::inventory::{self, describe, keys_note, parts, type_name, type_source};
use super::{Format, Session, bytes, grouped};

/// Show one map: header, tables or buckets, entries
///
/// A map is named by its address or by a path from a variable: 0xc000123450, main.cache,
/// main.cache.byUser, main.shards[2], 'main.users["ann"].tags'.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Its address, or a path that leads to it
    #[arg(value_name = "ADDR|PATH")]
    which: String,

    /// Look one key up by its hash: 42, "text", '{1, "a"}'
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// How many entries to show: a number or all [default: 20, all with --format json]
    #[arg(long, value_name = "N", value_parser = how_many)]
    entries: Option<u64>,

    /// Draw which slots are full
    #[arg(long)]
    picture: bool,

    /// Take an address for a map of the type whose name contains this text
    #[arg(long = "type", value_name = "TEXT")]
    ty: Option<String>,

    /// How many pointers and interfaces to follow from keys and elements on
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(..=64))]
    pointers: u32,

    /// How deep structs and lists are shown
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(..=64))]
    depth: u32,

    /// Bytes shown of a string
    #[arg(long, value_name = "N", default_value_t = 120)]
    bytes: u64,

    /// Elements shown of a list
    #[arg(long, value_name = "N", default_value_t = 16)]
    elements: u64,
}

fn how_many(text: &str) -> Result<u64, String> {
    if text == "all" {
        return Ok(u64::MAX);
    }
    text.parse()
        .map_err(|_| format!("{text:?} is neither a number nor `all`"))
}

/// Entries and lines of a picture that a person is shown unless more are asked for.
const SHOWN: u64 = 20;
const PICTURE_LINES: u64 = 200;

pub(super) fn run(session: &Session<'_>, args: &Args, out: &mut dyn Write) -> io::Result<Status> {
    let inventory = inventory::load(session);
    let map = match find(&inventory, args) {
        Ok(map) => map,
        Err(message) => {
            complain(&message);
            return Ok(Status::Failed);
        }
    };
    // Entries lead all over the heap.
    session.program.image.hold();
    let limits = Limits {
        pointers: args.pointers,
        depth: args.depth,
        bytes: args.bytes,
        elements: args.elements,
    };
    let shown = Shown {
        inventory: &inventory,
        map: &map,
        limits,
    };
    match (session.format, &args.key) {
        (Format::Json, Some(key)) => shown.key_json(session, key, out),
        (Format::Json, None) => shown.json(session, args.entries.unwrap_or(u64::MAX), out),
        (Format::Text, Some(key)) => shown.key_text(key, out),
        (Format::Text, None) => {
            shown.text(out)?;
            if args.picture {
                return shown.picture(out);
            }
            shown.entries(args.entries.unwrap_or(SHOWN), out)
        }
    }
}

/// The address of the map that is meant, and its type if a path tells.
fn meant(inventory: &Inventory<'_>, text: &str) -> Result<(u64, Option<TypeId>), String> {
    let text = text.trim();
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match digits.map(|digits| u64::from_str_radix(digits, 16)) {
        Some(Ok(address)) => Ok((address, None)),
        Some(Err(_)) => Err(format!("{text} is not an address")),
        None => {
            let (address, ty) = resolve::map(&inventory.types, &inventory.roots, text)?;
            Ok((address, Some(ty)))
        }
    }
}

/// The address of the map that is meant.
///
/// # Errors
/// A sentence that says why there is none.
pub(super) fn address(inventory: &Inventory<'_>, text: &str) -> Result<u64, String> {
    meant(inventory, text).map(|(address, _)| address)
}

/// The map that is meant.
fn find(inventory: &Inventory<'_>, args: &Args) -> Result<Map, String> {
    let (address, ty) = meant(inventory, &args.which)?;
    let known = inventory.at(address);
    if let Some(map) = known
        && args.ty.is_none()
    {
        return Ok(map.clone());
    }
    let types = &inventory.types;
    let header = Header::read(types.memory(), types.build(), address)
        .ok_or_else(|| format!("memory at {address:#x} can't be read"))?;
    let holder = known.map_or(Holder::Unknown, |map| map.holder.clone());
    let ty = match (&args.ty, ty) {
        (Some(name), _) => {
            let found = types.maps().into_iter().find(|ty| {
                let known = types.name(*ty);
                *known == **name
            });
            let near = || {
                let mut all = types.maps().into_iter();
                all.find(|ty| types.name(*ty).contains(name.as_str()))
            };
            Some(
                found
                    .or_else(near)
                    .ok_or_else(|| format!("the program has no map type {name:?}"))?,
            )
        }
        (None, ty) => ty,
    };
    let Some(ty) = ty else {
        return Err(format!(
            "no map is known at {address:#x}; --type says what it is to be taken for"
        ));
    };
    let map_type = MapType::read(types, ty)
        .ok_or_else(|| format!("the type {} is damaged", types.name(ty)))?;
    Ok(Map {
        header,
        ty: Some((Arc::new(map_type), Source::Pointer)),
        layout: None,
        holder,
    })
}

/// A map to be shown.
struct Shown<'i, 'a> {
    inventory: &'i Inventory<'a>,
    map: &'i Map,
    limits: Limits,
}

/// What a look-up gave.
enum Answer {
    /// By its hash, with what was looked into on the way.
    Found(Entry, String),
    /// By its hash, not there.
    Absent(String),
    /// There, but where its hash does not lead.
    Astray(Entry, String),
    /// By looking everywhere, as hashes are not known.
    Searched(Option<Entry>),
    /// No key is printed so, which is all that the text can be compared with; one that is there,
    /// as it is printed.
    Unlike(Option<String>),
}

impl Shown<'_, '_> {
    fn map_type(&self) -> Option<&MapType> {
        self.map.ty.as_ref().map(|(ty, _)| &**ty)
    }

    fn stats(&self) -> Stats {
        match self.map_type() {
            Some(ty) => stats::full(self.inventory.types.memory(), ty, &self.map.header),
            None => inventory::quick(self.inventory, self.map),
        }
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let (map, stats) = (self.map, self.stats());
        writeln!(
            out,
            "{}  {} at {:#x}",
            self.inventory.holder(map),
            type_name(map),
            map.header.address
        )?;
        if let Some(source) = type_source(map) {
            writeln!(out, "  type: {source}")?;
        }
        let percent = 100.0 * stats.load();
        writeln!(
            out,
            "  {} in {} slots ({percent:.0}%), {}",
            inventory::entries(stats.entries),
            grouped(stats.slots),
            stats::shape(&map.header, &stats)
        )?;
        let (total, parts) = (bytes(stats.bytes.total()), parts(&stats.bytes));
        match &*parts {
            "" => writeln!(out, "  {total}")?,
            parts => writeln!(out, "  {total}: {parts}")?,
        }
        if stats.tombstones > 0 {
            writeln!(out, "  {} tombstones", grouped(stats.tombstones))?;
        }
        if stats.longest_chain > 1 {
            writeln!(out, "  longest chain: {} buckets", stats.longest_chain)?;
        }
        if let Some((done, of)) = stats.evacuated {
            writeln!(
                out,
                "  growing: {} of {} old buckets evacuated",
                grouped(done),
                grouped(of)
            )?;
        }
        if map.header.is_writing() {
            writeln!(
                out,
                "  {} is set: a goroutine is in the middle of a write",
                map.header.writing_name()
            )?;
        }
        for damage in stats.damage.iter().take(10) {
            writeln!(out, "  damaged: {damage}")?;
        }
        writeln!(out, "\nheader")?;
        let fields = map.header.fields();
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in fields {
            writeln!(out, "  {name:width$}  {value}")?;
        }
        Ok(())
    }

    fn untyped(&self) -> Status {
        complain(&format!(
            "the type of the map at {:#x} is not known, so that its entries can't be read; --type \
             says what it is to be taken for",
            self.map.header.address
        ));
        Status::Failed
    }

    fn picture(&self, out: &mut dyn Write) -> io::Result<Status> {
        let Some(map_type) = self.map_type() else {
            return Ok(self.untyped());
        };
        let memory = self.inventory.types.memory();
        writeln!(out)?;
        let mut result = Ok(());
        let left = picture::draw(
            memory,
            map_type,
            &self.map.header,
            PICTURE_LINES,
            &mut |line| {
                if result.is_ok() {
                    result = writeln!(out, "{line}");
                }
            },
        );
        result?;
        if left > 0 {
            writeln!(out, "and {} more lines", grouped(left))?;
        }
        let classic = matches!(self.map.header.words, Words::Classic(_));
        writeln!(out, "\n{}", picture::legend(classic))?;
        Ok(Status::Clean)
    }

    fn entries(&self, limit: u64, out: &mut dyn Write) -> io::Result<Status> {
        let Some(map_type) = self.map_type() else {
            return Ok(self.untyped());
        };
        let types = &self.inventory.types;
        let reader = Reader::new(types, self.limits);
        let mut shown = 0;
        let mut more = false;
        let mut result = Ok(());
        writeln!(out, "\nentries")?;
        let damage = entries(types.memory(), map_type, &self.map.header, &mut |entry| {
            if shown >= limit {
                more = true;
                return ControlFlow::Break(());
            }
            shown += 1;
            let key = reader.read(map_type.key, entry.key);
            let elem = reader.read(map_type.elem, entry.elem);
            result = writeln!(out, "  {key}: {elem}");
            match result {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        result?;
        if shown == 0 {
            writeln!(out, "  none")?;
        }
        if more {
            let left = self.map.header.len().saturating_sub(shown);
            writeln!(
                out,
                "  and {} more; --entries all shows them",
                grouped(left)
            )?;
        }
        Ok(if damage.is_empty() {
            Status::Clean
        } else {
            Status::Findings
        })
    }

    fn json(&self, session: &Session<'_>, limit: u64, out: &mut dyn Write) -> io::Result<Status> {
        let stats = self.stats();
        let document = Document {
            map: describe(self.inventory, self.map, &stats),
            entries: Entries {
                shown: self,
                limit,
                damage: RefCell::new(Vec::new()),
            },
        };
        session.json(&[], &document, out)?;
        if self.map.ty.is_none() {
            return Ok(self.untyped());
        }
        Ok(if document.entries.damage.borrow().is_empty() {
            Status::Clean
        } else {
            Status::Findings
        })
    }

    fn look_up(&self, map_type: &MapType, key: &str) -> Result<Answer, String> {
        let types = &self.inventory.types;
        let header = &self.map.header;
        let Some((keys, _)) = &self.inventory.keys else {
            return resolve::find(types, map_type, header, key).map(Answer::Searched);
        };
        let Ok(literal) = Literal::parse(types, map_type.key, key) else {
            // An interface, or no key of this type: what it is like is said there.
            return Ok(match resolve::find(types, map_type, header, key)? {
                Some(entry) => Answer::Searched(Some(entry)),
                None => Answer::Unlike(self.a_key(map_type)),
            });
        };
        let found = look_up(types, map_type, header, keys, &literal, &literal.bytes)
            .map_err(|error| format!("{key} can't be looked up: {error}"))?;
        let Some(found) = found else {
            return Ok(Answer::Searched(None));
        };
        let kept = match header.words {
            Words::Classic(_) => "tophash",
            Words::Swiss(_) => "H2",
        };
        let path: Vec<String> = found.path.iter().map(ToString::to_string).collect();
        let path = match path.len() {
            0 => "nothing is allocated".to_owned(),
            _ => format!("looked into {}", path.join("; ")),
        };
        let way = format!(
            "hash {:#018x}, {kept} {:#04x}; {path}",
            found.hash, found.byte
        );
        if let Some(entry) = found.found {
            return Ok(Answer::Found(entry, way));
        }
        Ok(
            match search(types, map_type, header, &literal, &literal.bytes) {
                Some(entry) => Answer::Astray(entry, way),
                None => Answer::Absent(way),
            },
        )
    }

    /// One of the keys, as it is printed.
    fn a_key(&self, map_type: &MapType) -> Option<String> {
        let types = &self.inventory.types;
        let reader = Reader::new(types, Limits::generous());
        let mut first = None;
        entries(types.memory(), map_type, &self.map.header, &mut |entry| {
            first = Some(reader.read(map_type.key, entry.key).to_string());
            ControlFlow::Break(())
        });
        first
    }

    fn value(&self, map_type: &MapType, entry: &Entry) -> (Value, Value) {
        let reader = Reader::new(&self.inventory.types, self.limits);
        (
            reader.read(map_type.key, entry.key),
            reader.read(map_type.elem, entry.elem),
        )
    }

    /// What the look-up of a key gives; an error has been written.
    fn answer(&self, key: &str) -> Result<(&MapType, Answer), Status> {
        let Some(map_type) = self.map_type() else {
            return Err(self.untyped());
        };
        match self.look_up(map_type, key) {
            Ok(answer) => Ok((map_type, answer)),
            Err(message) => {
                complain(&message);
                Err(Status::Failed)
            }
        }
    }

    fn key_text(&self, key: &str, out: &mut dyn Write) -> io::Result<Status> {
        let (map_type, answer) = match self.answer(key) {
            Ok(answer) => answer,
            Err(status) => return Ok(status),
        };
        let mut line = |entry: &Entry| {
            let (key, elem) = self.value(map_type, entry);
            writeln!(out, "{key}: {elem}")?;
            writeln!(out, "  in {}", entry.at)
        };
        match answer {
            Answer::Found(entry, way) => {
                line(&entry)?;
                writeln!(out, "  {way}")?;
                Ok(Status::Clean)
            }
            Answer::Searched(Some(entry)) => {
                line(&entry)?;
                writeln!(
                    out,
                    "  found by looking at all entries ({})",
                    keys_note(self.inventory)
                )?;
                Ok(Status::Clean)
            }
            Answer::Astray(entry, way) => {
                line(&entry)?;
                writeln!(out, "  {way}")?;
                writeln!(
                    out,
                    "  look-ups miss it: it is not where its hash leads; the map is damaged"
                )?;
                Ok(Status::Findings)
            }
            Answer::Absent(way) => {
                writeln!(out, "{key} is not there\n  {way}")?;
                Ok(Status::Clean)
            }
            Answer::Searched(None) => {
                writeln!(out, "{key} is not there")?;
                Ok(Status::Clean)
            }
            Answer::Unlike(like) => {
                writeln!(out, "no key is printed as {key}")?;
                if let Some(like) = like {
                    writeln!(out, "  keys of this map look like {like}")?;
                }
                Ok(Status::Clean)
            }
        }
    }

    fn key_json(
        &self,
        session: &Session<'_>,
        key: &str,
        out: &mut dyn Write,
    ) -> io::Result<Status> {
        let (map_type, answer) = match self.answer(key) {
            Ok(answer) => answer,
            Err(status) => return Ok(status),
        };
        let (entry, way, astray) = match answer {
            Answer::Found(entry, way) => (Some(entry), Some(way), false),
            Answer::Astray(entry, way) => (Some(entry), Some(way), true),
            Answer::Absent(way) => (None, Some(way), false),
            Answer::Searched(entry) => (entry, None, false),
            Answer::Unlike(_) => (None, None, false),
        };
        let value = entry.map(|entry| {
            let (key, elem) = self.value(map_type, &entry);
            json!({ "key": key, "value": elem, "at": entry.at.to_string() })
        });
        let document = json!({
            "look_up": { "key": key, "found": value, "way": way, "astray": astray },
        });
        session.json(&[], &document, out)?;
        Ok(if astray {
            Status::Findings
        } else {
            Status::Clean
        })
    }
}

/// What JSON has besides what every command has.
#[derive(Serialize)]
struct Document<'s, 'i, 'a> {
    map: Json,
    entries: Entries<'s, 'i, 'a>,
}

/// Entries of a map, read when they are written.
struct Entries<'s, 'i, 'a> {
    shown: &'s Shown<'i, 'a>,
    limit: u64,
    damage: RefCell<Vec<String>>,
}

#[derive(Serialize)]
struct Pair {
    key: Value,
    value: Value,
}

impl Serialize for Entries<'_, '_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let Some(map_type) = self.shown.map_type() else {
            return list.end();
        };
        let types = &self.shown.inventory.types;
        let mut left = self.limit;
        let mut result = Ok(());
        let header = &self.shown.map.header;
        let damage = entries(types.memory(), map_type, header, &mut |entry| {
            let Some(rest) = left.checked_sub(1) else {
                return ControlFlow::Break(());
            };
            left = rest;
            let (key, value) = self.shown.value(map_type, &entry);
            result = list.serialize_element(&Pair { key, value });
            match result {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        result?;
        let damage = damage.iter().map(ToString::to_string).collect();
        *self.damage.borrow_mut() = damage;
        list.end()
    }
}
