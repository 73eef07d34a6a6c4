//! The answer for people.

use std::io::{self, Write};

use tophash_runtime::footprint::{Footprint, Part, Shape};
use tophash_runtime::{Implementation, MapType, SLOTS};

use super::numbers::{bytes, count, grouped};
use super::report::{Filled, Question, Report};
use super::table::Table;
use super::{build_name, map_name};

/// Writes the answer.
pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let question = report.question;
    let map_type = &question.map_type;
    let build = map_type.build;
    writeln!(
        out,
        "{}, Go {}: {} map",
        question.text,
        build_name(build),
        map_name(build)
    )?;
    writeln!(out)?;
    layout(map_type, out)?;
    if let Some((main, versions)) = &report.main {
        let hint = question.hint;
        let shown = if hint.is_some() {
            &main.hinted
        } else {
            &main.plain
        };
        writeln!(out)?;
        summary(shown, map_type, out)?;
        writeln!(out)?;
        blocks(shown, out)?;
        writeln!(out)?;
        filling(main, out)?;
        advice(question, main, out)?;
        writeln!(out)?;
        compare(versions, out)?;
    }
    if !report.curve.is_empty() {
        writeln!(out)?;
        curve(report, out)?;
    }
    let pointed = map_type.key.has_pointers() || map_type.elem.has_pointers();
    if pointed {
        writeln!(out)?;
        writeln!(
            out,
            "Not counted: what keys and elements point to, such as the bytes of strings."
        )?;
    }
    Ok(())
}

/// What an entry is and how eight of them are held.
fn layout(map_type: &MapType, out: &mut dyn Write) -> io::Result<()> {
    let traits = &map_type.traits;
    let part = |name: &str, size: u64, boxed: bool| {
        let size = bytes(size as f64);
        match boxed {
            true => format!("{name} {size}, held by pointer"),
            false => format!("{name} {size}"),
        }
    };
    let key = part("key", map_type.key.size, traits.indirect_key);
    let elem = part("element", map_type.elem.size, traits.indirect_elem);
    let (chunk, parts) = match map_type.build.maps {
        Implementation::Classic => ("bucket", "tophash, keys, elements and overflow pointer"),
        Implementation::Swiss => ("group", "control word and slots"),
    };
    writeln!(
        out,
        "{key}; {elem}; a {chunk} for {SLOTS} entries takes {}: {parts}",
        bytes(map_type.chunk_size() as f64)
    )?;
    let scanned = if traits.pointers {
        format!("The garbage collector scans every {chunk}, as there are pointers in it.")
    } else {
        format!("The garbage collector does not scan the {chunk}s: there are no pointers in them.")
    };
    writeln!(out, "{scanned}")
}

fn summary(f: &Footprint, map_type: &MapType, out: &mut dyn Write) -> io::Result<()> {
    let made = match f.hint {
        0 => "made without a hint".to_owned(),
        hint => format!("made with hint {}", grouped(hint)),
    };
    writeln!(out, "{} entries, {made}", grouped(f.entries))?;
    let spread = match f.deviation / f.bytes() {
        part if part > 0.0005 => format!(" (±{:.1} % from run to run)", part * 200.0),
        _ => String::new(),
    };
    let mut line = |name: &str, value: String| writeln!(out, "  {name:<13} {value}");
    line("in use", format!("{}{spread}", bytes(f.bytes())))?;
    if f.entries > 0 {
        let payload = map_type.key.size + map_type.elem.size;
        line(
            "per entry",
            format!("{}, of which {payload} B are key and element", per_entry(f)),
        )?;
    }
    line("held in", shape(f))?;
    line("at most", format!("{} while it fills", bytes(f.peak_bytes)))?;
    line("GC scans", bytes(f.scanned_bytes()))
}

/// In what the entries are held, as a phrase.
fn shape(f: &Footprint) -> String {
    let full = |slots: f64| format!("{:.0} % of slots full", 100.0 * f.entries as f64 / slots);
    match f.shape {
        Shape::Empty => "the header alone: the first insertion allocates".to_owned(),
        Shape::SmallSwiss => format!("one group, {}", full(SLOTS as f64)),
        Shape::Swiss {
            tables,
            tables_deviation,
            groups,
        } => {
            let spread = match tables_deviation {
                d if d >= 0.5 => format!(" (±{:.0})", 2.0 * d),
                _ => String::new(),
            };
            let tables = match count(tables).as_str() {
                "1" => "1 table".to_owned(),
                tables => format!("{tables} tables{spread}"),
            };
            let slots = groups * SLOTS as f64;
            format!("{tables} with {} groups, {}", count(groups), full(slots))
        }
        Shape::Classic {
            buckets,
            spare,
            overflow,
            unmoved,
        } => {
            let slots = buckets as f64 * SLOTS as f64;
            let plural = if buckets == 1 { "" } else { "s" };
            let mut text = format!(
                "{} bucket{plural} and {} overflow buckets ({} came with the array), {}",
                grouped(buckets),
                count(overflow),
                grouped(spare),
                full(slots),
            );
            if let Some(unmoved) = unmoved {
                text.push_str(&format!(
                    "; growing, {} old buckets still to be moved",
                    count(unmoved)
                ));
            }
            text
        }
    }
}

/// Blocks that are expected less often than this are not shown.
const SHOWN: f64 = 0.05;

fn blocks(f: &Footprint, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(&["block", "count", "asked for", "size class", "bytes", "GC"]);
    for blocks in f.blocks.iter().filter(|blocks| blocks.count >= SHOWN) {
        let size = bytes(blocks.size as f64);
        table.row(vec![
            part_name(blocks.part).to_owned(),
            count(blocks.count),
            bytes(blocks.asked as f64),
            if blocks.small {
                size
            } else {
                format!("{size} in pages")
            },
            bytes(blocks.bytes()),
            if blocks.scanned {
                "scanned"
            } else {
                "not scanned"
            }
            .to_owned(),
        ]);
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// What a block holds, for people.
pub(super) fn part_name(part: Part) -> &'static str {
    match part {
        Part::Header => "header",
        Part::Extra => "mapextra",
        Part::Buckets => "buckets",
        Part::Overflow => "overflow bucket",
        Part::OverflowList => "list of overflow buckets",
        Part::OldBuckets => "old buckets",
        Part::OldOverflow => "old overflow bucket",
        Part::OldOverflowList => "list of old overflow buckets",
        Part::SmallGroup => "group",
        Part::Directory => "directory",
        Part::Tables => "table",
        Part::Groups => "groups of a table",
        Part::Keys => "key",
        Part::Elems => "element",
    }
}

fn filling(main: &Filled, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(&[
        "filling it",
        "allocated",
        "allocations",
        "growths",
        "entries moved",
        "bytes moved",
    ]);
    let hinted = format!("with hint {}", grouped(main.hinted.hint));
    for (name, f) in [("without a hint", &main.plain), (&hinted, &main.hinted)] {
        table.row(vec![
            name.to_owned(),
            bytes(f.allocated_bytes),
            count(f.allocations),
            count(f.growths),
            count(f.moved_entries),
            bytes(f.moved_bytes),
        ]);
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// What a hint is good for, in a sentence.
fn advice(question: &Question, main: &Filled, out: &mut dyn Write) -> io::Result<()> {
    let (plain, hinted) = (&main.plain, &main.hinted);
    let saved = plain.allocated_bytes - hinted.allocated_bytes;
    // Less is not worth a line of source.
    if saved < 0.01 * plain.allocated_bytes {
        return Ok(());
    }
    let more = hinted.bytes() - plain.bytes();
    let but = if more > 0.05 * plain.bytes() {
        format!(", and keeps {} more", bytes(more))
    } else {
        String::new()
    };
    writeln!(
        out,
        "make({}, {}) saves {} of allocation and the copying of {}{but}.",
        question.text,
        hinted.hint,
        bytes(saved),
        bytes(plain.moved_bytes - hinted.moved_bytes),
    )
}

fn per_entry(f: &Footprint) -> String {
    match f.entries {
        0 => "-".to_owned(),
        entries => match f.bytes() / entries as f64 {
            each if each < 9_999.5 => format!("{each:.1} B"),
            each => bytes(each),
        },
    }
}

fn compare(versions: &[Filled], out: &mut dyn Write) -> io::Result<()> {
    let hinted = versions.first().map_or(0, |filled| filled.hinted.hint);
    let hinted = format!("with hint {}", grouped(hinted));
    let mut table = Table::new(&[
        "Go version",
        "map",
        "in use",
        "per entry",
        "at most",
        "allocated",
        "growths",
        &hinted,
        "allocated",
        "growths",
    ]);
    for Filled {
        map_type,
        plain,
        hinted,
    } in versions
    {
        table.row(vec![
            build_name(map_type.build),
            map_name(map_type.build).to_owned(),
            bytes(plain.bytes()),
            per_entry(plain),
            bytes(plain.peak_bytes),
            bytes(plain.allocated_bytes),
            count(plain.growths),
            bytes(hinted.bytes()),
            bytes(hinted.allocated_bytes),
            count(hinted.growths),
        ]);
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "1.22 fills a bucket with 6.5 entries on average before it grows, not 6.0; 1.24 brought \
         the Swiss map."
    )
}

fn curve(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let hinted = match report.question.hint {
        Some(hint) => format!("with hint {}", grouped(hint)),
        None => "with hint".to_owned(),
    };
    let mut table = Table::new(&[
        "entries",
        "in use",
        "per entry",
        "at most",
        "allocated",
        "growths",
        "bytes moved",
        &hinted,
        "per entry",
        "allocated",
    ]);
    for Filled { plain, hinted, .. } in &report.curve {
        table.row(vec![
            grouped(plain.entries),
            bytes(plain.bytes()),
            per_entry(plain),
            bytes(plain.peak_bytes),
            bytes(plain.allocated_bytes),
            count(plain.growths),
            bytes(plain.moved_bytes),
            bytes(hinted.bytes()),
            per_entry(hinted),
            bytes(hinted.allocated_bytes),
        ]);
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
