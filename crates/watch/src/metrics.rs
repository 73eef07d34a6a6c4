//! What is known, as Prometheus metrics.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use crate::board::{BUCKETS, Snapshot, View};
use crate::breaker::State;

/// The type of what [`text`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics in the text form of OpenMetrics.
///
/// # Errors
/// There is no memory for it.
pub fn text(snapshot: Snapshot) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("tophash");
    registry.register_collector(Box::new(Metrics(snapshot)));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Metrics(Snapshot);

/// A value with its labels.
type Value<N> = (Vec<(&'static str, String)>, N);

/// Name, what it is, and its unit.
type About = (&'static str, &'static str, Option<Unit>);

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Metrics(snapshot) = self;
        let out = &mut encoder;
        let targets = &snapshot.targets;

        let failures = snapshot.failures.iter().map(|(key, count)| {
            let labels = vec![
                ("kind", key.kind.clone()),
                ("service", key.service.clone()),
                ("site", key.site.clone()),
            ];
            (labels, *count)
        });
        let about = ("map_failures", "Map failures seen in logs", None);
        counters(out, about, failures)?;
        let crashes = snapshot.crashes.iter();
        let about = ("crashes", "Crashes and recovered panics seen in logs", None);
        counters(
            out,
            about,
            crashes.clone().map(|(s, c)| (service(s), c.all)),
        )?;
        let about = (
            "map_failure_ratio",
            "Share of a service's crashes that are map failures",
            None,
        );
        let ratios = crashes.map(|(name, crashes)| {
            (
                service(name),
                crashes.of_maps as f64 / crashes.all.max(1) as f64,
            )
        });
        gauges(out, about, ratios)?;

        let heap = |view: &View, value: fn(&crate::model::HeapFigures) -> u64| {
            Some((labels(view), value(view.heap.as_ref()?)))
        };
        let live = targets
            .iter()
            .filter_map(|view| heap(view, |heap| heap.live_bytes));
        let about = ("heap_live", "Live heap", Some(Unit::Bytes));
        gauges(
            out,
            about,
            live.map(|(labels, value)| (labels, value as f64)),
        )?;
        let allocated = targets
            .iter()
            .filter_map(|view| heap(view, |heap| heap.allocated_bytes));
        let about = (
            "heap_allocated",
            "Bytes allocated since the process started",
            Some(Unit::Bytes),
        );
        counters(out, about, allocated)?;

        let about = (
            "map_memory",
            "Live bytes in maps, by the line that fills them",
            Some(Unit::Bytes),
        );
        let sites = targets.iter().flat_map(|view| {
            let shown: f64 = view.sites.iter().map(|site| site.live_bytes).sum();
            let other = view
                .map_bytes
                .map(|all| ("other".to_owned(), (all - shown).max(0.0)));
            let sites = view
                .sites
                .iter()
                .map(|site| (site.spot.short(), site.live_bytes));
            merged(sites.chain(other)).into_iter().map(|(site, bytes)| {
                let mut labels = labels(view);
                labels.push(("site", site));
                (labels, bytes)
            })
        });
        gauges(out, about, sites)?;
        let about = (
            "map_memory_ratio",
            "Share of the live heap that is maps",
            None,
        );
        let ratios = targets.iter().filter_map(|view| {
            let live = view.heap?.live_bytes;
            Some((labels(view), view.map_bytes? / (live as f64).max(1.0)))
        });
        gauges(out, about, ratios)?;

        let about = ("goroutines", "Goroutines", None);
        let all = targets
            .iter()
            .filter_map(|view| Some((labels(view), view.goroutines? as f64)));
        gauges(out, about, all)?;
        let about = (
            "goroutines_waiting_for_lock",
            "Goroutines that wait for a lock",
            None,
        );
        let all = targets
            .iter()
            .filter_map(|view| Some((labels(view), view.waiting? as f64)));
        gauges(out, about, all)?;

        let about = ("findings", "Findings that hold now", None);
        let mut counts = std::collections::BTreeMap::new();
        for standing in snapshot.findings.iter().filter(|standing| standing.active) {
            let key = (&standing.service, &standing.finding.name);
            *counts.entry(key).or_insert(0.0) += 1.0;
        }
        let findings = counts.into_iter().map(|((service, name), count)| {
            (
                vec![("service", service.clone()), ("finding", name.clone())],
                count,
            )
        });
        gauges(out, about, findings)?;

        let about = (
            "breaker_state",
            "1 for the state that a target's breaker is in",
            None,
        );
        let states = targets.iter().flat_map(|view| {
            State::ALL.into_iter().map(|state| {
                let mut labels = labels(view);
                labels.push(("state", state.as_str().to_owned()));
                (labels, f64::from(u8::from(view.breaker == state)))
            })
        });
        gauges(out, about, states)?;
        let about = ("up", "1 if the last poll succeeded", None);
        let asked = targets
            .iter()
            .filter(|view| view.answered.is_some() || view.error.is_some());
        let up = asked.map(|view| (labels(view), f64::from(u8::from(view.error.is_none()))));
        gauges(out, about, up)?;
        let about = ("poll_interval", "Time between polls", Some(Unit::Seconds));
        gauges(
            out,
            about,
            targets.iter().map(|view| (labels(view), view.interval)),
        )?;
        let about = ("poll_failures", "Polls that failed", None);
        let failed = targets.iter().flat_map(|view| {
            view.polls.failed.iter().map(|(cause, count)| {
                let mut labels = labels(view);
                labels.push(("cause", cause.as_str().to_owned()));
                (labels, *count)
            })
        });
        counters(out, about, failed)?;
        durations(out, targets)
    }
}

fn service(name: &str) -> Vec<(&'static str, String)> {
    vec![("service", name.to_owned())]
}

fn labels(view: &View) -> Vec<(&'static str, String)> {
    vec![
        ("service", view.service.clone()),
        ("target", view.target.clone()),
    ]
}

/// Lines of different packages may have the same short name.
fn merged(sites: impl Iterator<Item = (String, f64)>) -> Vec<(String, f64)> {
    let mut merged: std::collections::BTreeMap<String, f64> = Default::default();
    for (site, bytes) in sites {
        *merged.entry(site).or_insert(0.0) += bytes;
    }
    merged.into_iter().collect()
}

fn counters(
    out: &mut DescriptorEncoder<'_>,
    (name, help, unit): About,
    values: impl Iterator<Item = Value<u64>>,
) -> fmt::Result {
    let mut values = values.peekable();
    // A family without a value is left out.
    if values.peek().is_none() {
        return Ok(());
    }
    let mut family = out.encode_descriptor(name, help, unit.as_ref(), MetricType::Counter)?;
    for (labels, value) in values {
        family
            .encode_family(&labels)?
            .encode_counter::<NoLabelSet, u64, f64>(&value, None)?;
    }
    Ok(())
}

fn gauges(
    out: &mut DescriptorEncoder<'_>,
    (name, help, unit): About,
    values: impl Iterator<Item = Value<f64>>,
) -> fmt::Result {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return Ok(());
    }
    let mut family = out.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
    for (labels, value) in values {
        family.encode_family(&labels)?.encode_gauge(&value)?;
    }
    Ok(())
}

fn durations(out: &mut DescriptorEncoder<'_>, targets: &[View]) -> fmt::Result {
    let unit = Unit::Seconds;
    let help = "How long polls took";
    let mut family =
        out.encode_descriptor("poll_duration", help, Some(&unit), MetricType::Histogram)?;
    for view in targets {
        let polls = &view.polls;
        let bounds = BUCKETS.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(polls.buckets).collect();
        let count = polls.buckets.iter().sum();
        family
            .encode_family(&labels(view))?
            .encode_histogram::<NoLabelSet>(polls.seconds, count, &buckets, None)?;
    }
    Ok(())
}
