//! The answer for programs, as docs/size.schema.json describes it.

use std::io::{self, Write};

use serde::Serialize;
use tophash_runtime::footprint::{Blocks, Footprint, Part, Shape};
use tophash_runtime::types::GoType;
use tophash_runtime::{Build, Implementation, MapType};

use super::report::{Filled, Report};

#[derive(Serialize)]
struct Answer<'a> {
    schema: u32,
    tool: &'static str,
    version: &'static str,
    command: &'static str,
    #[serde(rename = "type")]
    text: &'a str,
    key: Type,
    elem: Type,
    #[serde(flatten)]
    layout: Layout,
    /// The map asked for, or maps of several sizes.
    sizes: Vec<Pair>,
    /// The map asked for in other builds.
    versions: Vec<Version>,
}

#[derive(Serialize)]
struct Type {
    size: u64,
    align: u64,
    pointers: bool,
    boxed: bool,
}

/// A build and how it holds eight entries.
#[derive(Serialize)]
struct Layout {
    go: String,
    experiment: Option<&'static str>,
    map: &'static str,
    chunk_bytes: u64,
    chunk_scanned: bool,
}

#[derive(Serialize)]
struct Version {
    #[serde(flatten)]
    layout: Layout,
    #[serde(flatten)]
    pair: Pair,
}

#[derive(Serialize)]
struct Pair {
    entries: u64,
    without_hint: Figures,
    with_hint: Figures,
}

#[derive(Serialize)]
struct Figures {
    hint: u64,
    bytes: f64,
    bytes_deviation: f64,
    bytes_per_entry: Option<f64>,
    scanned_bytes: f64,
    peak_bytes: f64,
    allocated_bytes: f64,
    allocations: f64,
    growths: f64,
    moved_entries: f64,
    moved_bytes: f64,
    #[serde(flatten)]
    shape: Held,
    blocks: Vec<BlockRow>,
}

/// In what the entries are held; what a kind of map does not have is left out.
#[derive(Default, Serialize)]
struct Held {
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spare_overflow_buckets: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overflow_buckets: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_buckets_to_move: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tables: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<f64>,
}

#[derive(Serialize)]
struct BlockRow {
    part: &'static str,
    count: f64,
    asked: u64,
    size: u64,
    size_class: bool,
    scanned: bool,
}

/// Writes the answer.
pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let question = report.question;
    let map_type = &question.map_type;
    let main = report.main.iter();
    let versions = main.clone().flat_map(|(_, versions)| versions);
    let sizes = main.map(|(filled, _)| filled).chain(&report.curve);
    let answer = Answer {
        schema: 1,
        tool: "tophash",
        version: env!("CARGO_PKG_VERSION"),
        command: "size",
        text: &question.text,
        key: ty(&map_type.key, map_type.traits.indirect_key),
        elem: ty(&map_type.elem, map_type.traits.indirect_elem),
        layout: layout(map_type),
        sizes: sizes.map(pair).collect(),
        versions: versions
            .map(|filled| Version {
                layout: layout(&filled.map_type),
                pair: pair(filled),
            })
            .collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &answer)?;
    writeln!(out)
}

fn ty(ty: &GoType, boxed: bool) -> Type {
    Type {
        size: ty.size,
        align: ty.align,
        pointers: ty.has_pointers(),
        boxed,
    }
}

fn layout(map_type: &MapType) -> Layout {
    let build = map_type.build;
    Layout {
        go: build.version.to_string(),
        experiment: experiment(build),
        map: match build.maps {
            Implementation::Classic => "classic",
            Implementation::Swiss => "swiss",
        },
        chunk_bytes: map_type.chunk_size(),
        chunk_scanned: map_type.traits.pointers,
    }
}

fn experiment(build: Build) -> Option<&'static str> {
    if build.split_groups {
        Some("mapsplitgroup")
    } else if build.maps != build.version.default_maps() {
        Some("noswissmap")
    } else {
        None
    }
}

fn pair(filled: &Filled) -> Pair {
    Pair {
        entries: filled.plain.entries,
        without_hint: figures(&filled.plain),
        with_hint: figures(&filled.hinted),
    }
}

fn figures(f: &Footprint) -> Figures {
    Figures {
        hint: f.hint,
        bytes: round(f.bytes()),
        bytes_deviation: round(f.deviation),
        bytes_per_entry: (f.entries > 0).then(|| round(f.bytes() / f.entries as f64)),
        scanned_bytes: round(f.scanned_bytes()),
        peak_bytes: round(f.peak_bytes),
        allocated_bytes: round(f.allocated_bytes),
        allocations: round(f.allocations),
        growths: round(f.growths),
        moved_entries: round(f.moved_entries),
        moved_bytes: round(f.moved_bytes),
        shape: held(f.shape),
        blocks: f.blocks.iter().map(block_row).collect(),
    }
}

/// Expectations are good to three decimals.
fn round(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}

fn held(shape: Shape) -> Held {
    match shape {
        Shape::Empty => Held::default(),
        Shape::SmallSwiss => Held {
            tables: Some(0.0),
            groups: Some(1.0),
            ..Held::default()
        },
        Shape::Swiss { tables, groups, .. } => Held {
            tables: Some(round(tables)),
            groups: Some(round(groups)),
            ..Held::default()
        },
        Shape::Classic {
            buckets,
            spare,
            overflow,
            unmoved,
        } => Held {
            buckets: Some(buckets),
            spare_overflow_buckets: Some(spare),
            overflow_buckets: Some(round(overflow)),
            old_buckets_to_move: unmoved.map(round),
            ..Held::default()
        },
    }
}

fn block_row(blocks: &Blocks) -> BlockRow {
    BlockRow {
        part: part_name(blocks.part),
        count: round(blocks.count),
        asked: blocks.asked,
        size: blocks.size,
        size_class: blocks.small,
        scanned: blocks.scanned,
    }
}

fn part_name(part: Part) -> &'static str {
    match part {
        Part::Header => "header",
        Part::Extra => "extra",
        Part::Buckets => "buckets",
        Part::Overflow => "overflow_bucket",
        Part::OverflowList => "overflow_list",
        Part::OldBuckets => "old_buckets",
        Part::OldOverflow => "old_overflow_bucket",
        Part::OldOverflowList => "old_overflow_list",
        Part::SmallGroup => "group",
        Part::Directory => "directory",
        Part::Tables => "table",
        Part::Groups => "groups",
        Part::Keys => "key",
        Part::Elems => "element",
    }
}
