//! `tophash core ... maps`: all maps, the largest first.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::{self, Write};

use rayon::prelude::*;
use serde::{Serialize, Serializer};
use serde_json::json;
use tophash_core::inventory::{Inventory, Map};
use tophash_core::maps::parts;
use tophash_core::maps::stats::Stats;
use tophash_core::retained::Graph;
use tophash_runtime::{Build, layout};

use crate::output::Status;

use super::inventory::{self, describe, quick, short, table, type_name};
use super::{Format, Session, bytes, counted, grouped};

/// List all maps with type, size, load and holder, the largest first
///
/// LOAD is entries per slot, EMPTY the bytes in slots that hold none.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only maps whose type contains this text
    #[arg(long = "type", value_name = "TEXT")]
    ty: Option<String>,

    /// Only maps whose holder contains this text
    #[arg(long, value_name = "TEXT")]
    holder: Option<String>,

    /// Only maps of at least this many bytes: 4096, 10KB, 1.5MB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    min_bytes: Option<u64>,

    /// How many to show; 0 for all [default: 50, all with --format json]
    #[arg(short, value_name = "N")]
    n: Option<usize>,

    /// Say how much memory each of the maps shown keeps alive, all that only it leads to included;
    /// takes a look at the whole heap for each [shows 10 unless -n is given]
    #[arg(long, conflicts_with = "by_type")]
    retained: bool,

    /// One line for each type instead of each map
    #[arg(long)]
    by_type: bool,
}

/// A size as people write it.
fn size(text: &str) -> Result<u64, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let number: f64 = digits
        .parse()
        .map_err(|_| format!("{text:?} is not a size"))?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(format!("{unit:?} is not a unit of size")),
    };
    Ok((number * factor) as u64)
}

/// Rows that a person is shown unless more are asked for.
const SHOWN: usize = 50;
/// The same, where each takes a look at the whole heap.
const SHOWN_RETAINED: usize = 10;

/// A map of the list. What more is shown of it is reckoned when it is shown: there may be millions.
struct Row<'i> {
    map: &'i Map,
    /// All its bytes.
    total: u64,
    /// Bytes in slots that hold no entry.
    unused: u64,
}

pub(super) fn run(session: &Session<'_>, args: &Args, out: &mut dyn Write) -> io::Result<Status> {
    let inventory = inventory::load(session);
    let mut rows: Vec<Row<'_>> = inventory
        .maps
        .par_iter()
        .filter(|map| match &args.ty {
            Some(text) => map
                .ty
                .as_ref()
                .is_some_and(|(ty, _)| ty.name.contains(text)),
            None => true,
        })
        .map(|map| {
            let bytes = quick(&inventory, map).bytes;
            Row {
                map,
                total: bytes.total(),
                unused: bytes.unused,
            }
        })
        .filter(|row| args.min_bytes.is_none_or(|least| row.total >= least))
        .collect();
    if let Some(text) = &args.holder {
        rows.retain(|row| inventory.holder(row.map).contains(text));
    }
    rows.par_sort_unstable_by_key(|row| (Reverse(row.total), row.map.header.address));
    if session.format == Format::Json {
        let default = if args.retained {
            SHOWN_RETAINED
        } else {
            usize::MAX
        };
        rows.truncate(match args.n {
            Some(0) => usize::MAX,
            Some(n) => n,
            None => default,
        });
        let list = List {
            retained: args.retained.then(|| retained(session, &inventory, &rows)),
            rows: RefCell::new(rows),
            inventory: &inventory,
        };
        session.json(&[], &Document { maps: list }, out)?;
        return Ok(Status::Clean);
    }
    let limit = match args.n {
        Some(0) => usize::MAX,
        Some(n) => n,
        None if args.retained => SHOWN_RETAINED,
        None => SHOWN,
    };
    let sum = |part: &dyn Fn(&Row<'_>) -> u64| {
        rows.iter()
            .fold(0_u64, |sum, row| sum.saturating_add(part(row)))
    };
    let total = sum(&|row| row.total);
    let unused = sum(&|row| row.unused);
    writeln!(
        out,
        "{}, {}, {} of it in empty slots",
        counted(rows.len(), "map"),
        bytes(total),
        bytes(unused)
    )?;
    if inventory.is_cut() {
        writeln!(
            out,
            "Too many objects lead to maps: some holders are not found"
        )?;
    }
    if rows.is_empty() {
        return Ok(Status::Clean);
    }
    writeln!(out)?;
    let left = if args.by_type {
        by_type(&inventory, &rows, limit, out)?
    } else {
        let shown = rows.get(..limit.min(rows.len())).unwrap_or_default();
        let retained = args.retained.then(|| retained(session, &inventory, shown));
        each(&inventory, &rows, limit, retained.as_deref(), out)?
    };
    if left > 0 {
        writeln!(out, "\n{} more; -n 0 shows all", grouped(left as u64))?;
    }
    Ok(Status::Clean)
}

/// How much memory each map keeps alive.
fn retained(session: &Session<'_>, inventory: &Inventory<'_>, rows: &[Row<'_>]) -> Vec<u64> {
    session.program.image.hold();
    let graph = Graph::new(session.program, session.goroutines, session.heap);
    let size = header_size(session.program.build);
    rows.par_iter()
        .map(|Row { map, total, .. }| {
            let start = map.header.address;
            let ty = map.ty.as_ref().map(|(ty, _)| &**ty);
            let parts = parts(inventory.types.memory(), ty, &map.header);
            let kept = graph.retained(start..start.saturating_add(size), &parts);
            // A small map may lie on a stack, outside of the heap.
            kept.max(*total)
        })
        .collect()
}

/// Bytes of a map's header.
fn header_size(build: Build) -> u64 {
    let swiss = layout::swiss_map(build).map(|layout| layout.size);
    swiss
        .or_else(|| layout::hmap(build).map(|layout| layout.size))
        .unwrap_or(0)
}

/// One line for each map. Gives how many were left out.
fn each(
    inventory: &Inventory<'_>,
    rows: &[Row<'_>],
    limit: usize,
    retained: Option<&[u64]>,
    out: &mut dyn Write,
) -> io::Result<usize> {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .take(limit)
        .enumerate()
        .map(|(index, Row { map, .. })| {
            let stats = quick(inventory, map);
            let mut holder = short(inventory.holder(map), 100);
            if let Some((done, of)) = stats.evacuated {
                holder.push_str(&format!("  (growing: {done} of {of} buckets moved)"));
            }
            if map.header.is_writing() {
                holder.push_str("  (being written to)");
            }
            let kept = retained.and_then(|retained| retained.get(index));
            let mut cells = vec![
                bytes(stats.bytes.total()),
                bytes(stats.bytes.unused),
                grouped(stats.entries),
                load(&stats),
                grouped(stats.tombstones),
                format!("{:#x}", map.header.address),
                short(type_name(map), 60),
                holder,
            ];
            if let Some(kept) = kept {
                cells.insert(0, bytes(*kept));
            }
            cells
        })
        .collect();
    let mut head = vec![
        "BYTES",
        "EMPTY",
        "ENTRIES",
        "LOAD",
        "TOMBSTONES",
        "ADDRESS",
        "TYPE",
        "HOLDER",
    ];
    let mut right = vec![true, true, true, true, true, false, false, false];
    if retained.is_some() {
        head.insert(0, "RETAINED");
        right.insert(0, true);
    }
    table(&head, &right, &cells, out)?;
    Ok(rows.len() - cells.len())
}

/// One line for each type. Gives how many were left out.
fn by_type(
    inventory: &Inventory<'_>,
    rows: &[Row<'_>],
    limit: usize,
    out: &mut dyn Write,
) -> io::Result<usize> {
    let mut sums: HashMap<String, (u64, Stats)> = HashMap::new();
    for Row { map, .. } in rows {
        let stats = quick(inventory, map);
        let (count, sum) = sums.entry(type_name(map)).or_default();
        *count += 1;
        sum.entries = sum.entries.saturating_add(stats.entries);
        sum.slots = sum.slots.saturating_add(stats.slots);
        sum.tombstones = sum.tombstones.saturating_add(stats.tombstones);
        sum.bytes.tables = sum.bytes.tables.saturating_add(stats.bytes.total());
        sum.bytes.unused = sum.bytes.unused.saturating_add(stats.bytes.unused);
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|(a, (_, x)), (b, (_, y))| {
        y.bytes.tables.cmp(&x.bytes.tables).then_with(|| a.cmp(b))
    });
    let cells: Vec<Vec<String>> = sums
        .iter()
        .take(limit)
        .map(|(name, (count, sum))| {
            vec![
                bytes(sum.bytes.tables),
                bytes(sum.bytes.unused),
                grouped(*count),
                grouped(sum.entries),
                load(sum),
                grouped(sum.tombstones),
                name.clone(),
            ]
        })
        .collect();
    let head = [
        "BYTES",
        "EMPTY",
        "MAPS",
        "ENTRIES",
        "LOAD",
        "TOMBSTONES",
        "TYPE",
    ];
    let right = [true, true, true, true, true, true, false];
    table(&head, &right, &cells, out)?;
    Ok(sums.len() - cells.len())
}

fn load(stats: &Stats) -> String {
    if stats.slots == 0 {
        return "-".to_owned();
    }
    format!("{:.0}%", 100.0 * stats.load())
}

/// What JSON has besides what every command has.
#[derive(Serialize)]
struct Document<'i, 'a> {
    maps: List<'i, 'a>,
}

/// Maps, each described when it is written.
struct List<'i, 'a> {
    rows: RefCell<Vec<Row<'i>>>,
    retained: Option<Vec<u64>>,
    inventory: &'i Inventory<'a>,
}

impl Serialize for List<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.rows.take();
        serializer.collect_seq(rows.iter().enumerate().map(|(index, Row { map, .. })| {
            let stats = quick(self.inventory, map);
            if map.ty.is_some() {
                let mut value = describe(self.inventory, map, &stats);
                let kept = self.retained.as_ref().and_then(|all| all.get(index));
                if let (Some(kept), Some(object)) = (kept, value.as_object_mut()) {
                    object.insert("retained".to_owned(), (*kept).into());
                }
                value
            } else {
                json!({
                    "address": format!("{:#x}", map.header.address),
                    "type": null,
                    "holder": self.inventory.holder(map),
                    "entries": stats.entries,
                })
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("1.5MB"), Ok(1_500_000));
        assert_eq!(size("2KiB"), Ok(2048));
        assert!(size("many").is_err());
        assert!(size("1 parsec").is_err());
    }
}
