//! The maps of a session, and how they are written.

use std::io::{self, Write};

use serde_json::{Value, json};
use tophash_core::inventory::{Inventory, KeysFrom, Map};
use tophash_core::maps::guess::Source;
use tophash_core::maps::stats::{self, Bytes, Stats};

use super::{Session, bytes, grouped};

/// All maps of the process.
pub(super) fn load<'a>(session: &Session<'a>) -> Inventory<'a> {
    Inventory::load(session.program, session.goroutines, session.heap)
}

/// Size and state of a map by its headers; of one without a type, nothing but its count.
pub(super) fn quick(inventory: &Inventory<'_>, map: &Map) -> Stats {
    match &map.ty {
        Some((map_type, _)) => stats::quick(inventory.types.memory(), map_type, &map.header),
        None => Stats {
            entries: map.header.len(),
            ..Stats::default()
        },
    }
}

/// The name of a map's type, with a word of doubt where there is some.
pub(super) fn type_name(map: &Map) -> String {
    match &map.ty {
        None => "?".to_owned(),
        Some((ty, Source::Likely(others))) => {
            let plural = if *others == 1 { "" } else { "s" };
            format!("{} or {others} other{plural}", ty.name)
        }
        Some((ty, _)) => ty.name.to_string(),
    }
}

/// How a map's type is known, if not from a pointer to it.
pub(super) fn type_source(map: &Map) -> Option<&'static str> {
    match map.ty.as_ref()?.1 {
        Source::Pointer => None,
        Source::Allocator => Some("from what the allocator keeps of its memory"),
        Source::Size => Some("the only one whose buckets or groups have this size"),
        Source::Hashes => Some("the only one that the hashes of its entries fit"),
        Source::Likely(_) => Some("one of several that the hashes of its entries fit"),
    }
}

/// Bytes by part, for people.
pub(super) fn parts(parts: &Bytes) -> String {
    let named = [
        (parts.tables, "tables"),
        (parts.overflow, "overflow buckets"),
        (parts.old, "old buckets"),
        (parts.boxed, "keys and elements of their own"),
    ];
    let mut text = String::new();
    for (count, name) in named.into_iter().filter(|(count, _)| *count > 0) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&format!("{name} {}", bytes(count)));
    }
    if parts.unused > 0 {
        text.push_str(&format!("; {} of it in empty slots", bytes(parts.unused)));
    }
    text
}

/// A map as JSON.
pub(super) fn describe(inventory: &Inventory<'_>, map: &Map, stats: &Stats) -> Value {
    let header: serde_json::Map<String, Value> = map
        .header
        .fields()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect();
    json!({
        "address": format!("{:#x}", map.header.address),
        "type": map.ty.as_ref().map(|(ty, _)| ty.name.to_string()),
        "type_certain": map.ty.as_ref().map(|(_, source)| !matches!(source, Source::Likely(_))),
        "holder": inventory.holder(map),
        "entries": stats.entries,
        "slots": stats.slots,
        "load": (stats.load() * 1e4).round() / 1e4,
        "tombstones": stats.tombstones,
        "overflow_buckets": stats.overflow_buckets,
        "parts": stats.parts,
        "evacuated": stats.evacuated.map(|(done, of)| json!([done, of])),
        "writing": map.header.is_writing(),
        "bytes": {
            "total": stats.bytes.total(),
            "header": stats.bytes.header,
            "tables": stats.bytes.tables,
            "overflow": stats.bytes.overflow,
            "old": stats.bytes.old,
            "boxed": stats.bytes.boxed,
            "unused": stats.bytes.unused,
        },
        "header": header,
    })
}

/// Says what lacks when the hash keys are not known, or how they were found.
pub(super) fn keys_note(inventory: &Inventory<'_>) -> &'static str {
    match &inventory.keys {
        Some((_, KeysFrom::Symbols)) => "hash keys by their names",
        Some((_, KeysFrom::Trial)) => "hash keys found by trying them on the maps",
        None => "hash keys not found: hashes were not checked",
    }
}

/// Writes rows of columns, those named aligned to the right.
pub(super) fn table(
    head: &[&str],
    right: &[bool],
    rows: &[Vec<String>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut widths: Vec<usize> = head.iter().map(|name| name.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut write = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for ((cell, width), right) in cells.zip(&widths).zip(right) {
            let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
            if *right {
                line.push_str(&pad);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&pad);
            }
            line.push_str("  ");
        }
        writeln!(out, "{}", line.trim_end())
    };
    write(&mut head.iter().copied())?;
    for row in rows {
        write(&mut row.iter().map(String::as_str))?;
    }
    Ok(())
}

/// Text that fits a column: its end is cut.
pub(super) fn short(text: String, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text;
    }
    let mut cut: String = text.chars().take(limit.saturating_sub(3)).collect();
    cut.push_str("...");
    cut
}

/// `1 entry`, `2 entries`.
pub(super) fn entries(count: u64) -> String {
    match count {
        1 => "1 entry".to_owned(),
        _ => format!("{} entries", grouped(count)),
    }
}
