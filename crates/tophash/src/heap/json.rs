//! The same as one object: the findings of docs/finding.schema.json, and all maps.

use std::io::{self, Write};

use serde_json::{Value, json};
use tophash_profile::maps::Map;
use tophash_profile::site::By;

use super::text::{codes, order};
use super::{Outcome, report};

pub(super) fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let maps: Vec<Value> = (order(outcome).into_iter())
        .filter_map(|(index, saves)| {
            let map = outcome.maps.get(index)?;
            Some(object(map, saves, &codes(outcome, index)))
        })
        .collect();
    let survey = outcome.surveys.last();
    let usage = |of: Option<tophash_profile::Usage>| {
        let of = of.unwrap_or_default();
        json!({"objects": of.objects, "bytes": of.bytes})
    };
    let extra = json!({
        "heap": {
            "profiles": outcome.profiles.iter().map(|p| &p.name).collect::<Vec<_>>(),
            "go": outcome.build.version.to_string(),
            "by_frames": survey.is_some_and(|s| s.has_frames),
            "period": outcome.profiles.last().map_or(0, |p| p.period),
            "nanoseconds": outcome.span,
            "allocated": usage(survey.map(|s| s.allocated)),
            "live": usage(survey.map(|s| s.live)),
            "maps": maps,
        }
    });
    tophash_report::render_json_with(&report(outcome, &outcome.findings), &extra, out)
}

fn object(map: &Map, saves: f64, codes: &[&str]) -> Value {
    let source = map.sites.iter().find_map(|site| site.source.as_ref());
    let (made, live) = map.count();
    let sites: Vec<Value> = (map.sites.iter())
        .map(|site| {
            let entries: Vec<Value> = (site.entries.iter())
                .map(|entry| {
                    json!({
                        "cause": entry.allocation.cause.as_str(),
                        "by": match entry.by {
                            By::Frames => "frames",
                            By::Types => "types",
                            By::Sizes => "sizes",
                        },
                        "block": entry.size,
                        "allocated": {"objects": entry.allocated.objects, "bytes": entry.allocated.bytes},
                        "live": {"objects": entry.live.objects, "bytes": entry.live.bytes},
                    })
                })
                .collect();
            json!({
                "function": site.function,
                "file": site.source.as_ref().map_or(&site.file, |s| &s.place.file),
                "line": site.line,
                "through": site.through,
                "allocations": entries,
            })
        })
        .collect();
    json!({
        "name": map.name,
        "type": source.map(|source| &source.type_name),
        "saves": saves.round(),
        "codes": codes,
        "allocated": {"objects": map.allocated.objects, "bytes": map.allocated.bytes},
        "live": {"objects": map.live.objects, "bytes": map.live.bytes},
        "series": map.series.iter().map(|(_, live)| live.bytes).collect::<Vec<_>>(),
        "made": made,
        "alive": live,
        "entries": map.estimate.filter(|e| e.sure).map(|e| json!({"least": e.entries, "most": e.capacity, "maps": e.maps.round()})),
        "sites": sites,
    })
}
