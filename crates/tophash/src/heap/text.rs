//! The table and the findings, for a terminal.

use std::io::{self, Write};

use tophash_finding::numbers::{bytes, grouped};
use tophash_profile::Form;
use tophash_profile::findings::short;
use tophash_profile::maps::Map;
use tophash_profile::site::By;

use super::{Args, Outcome, report, sources};

pub(super) fn write(args: &Args, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    head(outcome, out)?;
    table(args, outcome, out)?;
    let color = args.color.on_stdout();
    let mut sources = sources(args);
    for finding in &outcome.findings {
        writeln!(out)?;
        let report = report(outcome, std::slice::from_ref(finding));
        let format = tophash_report::Format::Text;
        tophash_report::render(&report, format, &mut sources, color, out)?;
    }
    Ok(())
}

/// What the profiles hold, and how much of it is maps'.
fn head(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let (Some(profile), Some(survey)) = (outcome.profiles.last(), outcome.surveys.last()) else {
        return Ok(());
    };
    let (allocated, live) = map_totals(outcome);
    let share = |part: i64, all: i64| 100.0 * part as f64 / all.max(1) as f64;
    writeln!(
        out,
        "{}: {} alive, of it maps {} ({:.0} %); {} allocated, for maps {} ({:.0} %)",
        profile.name,
        bytes(survey.live.bytes as f64),
        bytes(live as f64),
        share(live, survey.live.bytes),
        bytes(survey.allocated.bytes as f64),
        bytes(allocated as f64),
        share(allocated, survey.allocated.bytes),
    )?;
    writeln!(out, "{}", ground(outcome))
}

/// Bytes of all maps: allocated, alive.
pub(super) fn map_totals(outcome: &Outcome) -> (i64, i64) {
    let sum = |of: fn(&Map) -> i64| outcome.maps.iter().map(of).fold(0i64, i64::saturating_add);
    (sum(|map| map.allocated.bytes), sum(|map| map.live.bytes))
}

/// What the figures rest on.
pub(super) fn ground(outcome: &Outcome) -> String {
    let has_frames = outcome.surveys.last().is_some_and(|s| s.has_frames);
    let form = outcome.profiles.last().map(|p| p.form);
    let how = match (has_frames, form) {
        (true, _) => "told by the runtime's frames",
        (false, Some(Form::Text)) => {
            "told by sizes of blocks: the runtime's frames have no names, --binary gives them"
        }
        (false, _) => {
            "told by sizes of blocks: the profile has no frames of the runtime, heap?debug=1 has"
        }
    };
    let period = outcome.profiles.last().map_or(0, |p| p.period);
    let sampled = match period {
        0 | 1 => String::new(),
        period => format!("; estimates from a sample every {}", bytes(period as f64)),
    };
    let map = match outcome.build.maps {
        tophash_runtime::Implementation::Swiss => "Swiss",
        tophash_runtime::Implementation::Classic => "classic",
    };
    let guessed = match outcome.guessed {
        true => " (assumed, see --go)",
        false => "",
    };
    let series = match (outcome.profiles.len(), outcome.span) {
        (0 | 1, _) => String::new(),
        (n, Some(span)) => format!("; {n} profiles in {:.0} s", span as f64 / 1e9),
        (n, None) => format!("; {n} profiles"),
    };
    format!(
        "Go {}{guessed}, {map} map; {how}{sampled}{series}",
        outcome.build.version
    )
}

/// A row for each map: those that something can be saved on first.
pub(super) fn order(outcome: &Outcome) -> Vec<(usize, f64)> {
    let mut rows: Vec<(usize, f64)> = (0..outcome.maps.len())
        .map(|index| {
            let of = outcome.advice.iter().filter(|a| a.map == index);
            (index, of.map(|a| a.saves).fold(0.0, f64::max))
        })
        .collect();
    rows.sort_by(|a, b| {
        let size = |index: usize| {
            let map = outcome.maps.get(index);
            map.map_or(0, |m| m.live.bytes.max(m.allocated.bytes))
        };
        (b.1.total_cmp(&a.1)).then(size(b.0).cmp(&size(a.0)))
    });
    rows
}

/// The codes that are given for a map.
pub(super) fn codes(outcome: &Outcome, map: usize) -> Vec<&str> {
    let of = outcome.advice.iter().filter(|a| a.map == map);
    of.map(|a| a.finding.code.as_str()).collect()
}

/// What a map is called, and where it is.
pub(super) fn label(map: &Map) -> (String, String) {
    let Some(site) = map.sites.first() else {
        return (map.name.clone(), String::new());
    };
    match &site.source {
        Some(source) => (
            format!("{} {}", source.name, source.type_name),
            format!("{}:{}", source.place.file, source.place.line),
        ),
        None => {
            let file = site.file.rsplit('/').next().unwrap_or(&site.file);
            let name = short(&site.function).to_owned();
            let name = match &site.through {
                Some(through) => format!("{name} > {}", short(through)),
                None => name,
            };
            (name, format!("{file}:{}", site.line))
        }
    }
}

fn table(args: &Args, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let rows = order(outcome);
    if rows.is_empty() {
        let told = outcome.surveys.iter().all(|s| s.has_frames) || args.src.is_some();
        return writeln!(
            out,
            "\n{}",
            match told {
                true => "no memory of maps in it",
                false =>
                    "no memory that sizes alone show to be a map's: --src or the runtime's frames may show more",
            }
        );
    }
    let heads = [
        "can save",
        "alive",
        "allocated",
        "made",
        "live maps",
        "map",
        "where",
        "why",
    ];
    let mut cells: Vec<[String; 8]> = vec![heads.map(str::to_owned)];
    for &(index, saves) in rows.iter().take(args.top) {
        let Some(map) = outcome.maps.get(index) else {
            continue;
        };
        let (made, live) = map.count();
        let number = |n: i64| match n {
            0 => "-".to_owned(),
            n => grouped(n.unsigned_abs()),
        };
        let (name, place) = label(map);
        let by_size = map.entries().any(|entry| entry.by == By::Sizes);
        let place = match by_size {
            true => format!("{place} ?"),
            false => place,
        };
        cells.push([
            if saves >= 1.0 {
                bytes(saves)
            } else {
                "-".to_owned()
            },
            bytes(map.live.bytes as f64),
            bytes(map.allocated.bytes as f64),
            number(made),
            number(live),
            name,
            place,
            codes(outcome, index).join(" "),
        ]);
    }
    let widths: Vec<usize> = (0..8)
        .map(|column| {
            let of = cells.iter().filter_map(|row| row.get(column));
            of.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    writeln!(out)?;
    for row in &cells {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
            // Numbers to the right, words to the left.
            if column < 5 {
                line.push_str(&format!("{pad}{cell}  "));
            } else {
                line.push_str(&format!("{cell}{pad}  "));
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    let more = rows.len().saturating_sub(args.top);
    if more > 0 {
        writeln!(out, "{more} more maps: see --top")?;
    }
    let guessed = cells
        .iter()
        .any(|row| row.get(6).is_some_and(|p| p.ends_with(" ?")));
    if guessed {
        writeln!(
            out,
            "?: taken for a map because its blocks have the sizes of one that grows"
        )?;
    }
    Ok(())
}
