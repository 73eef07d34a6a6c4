//! A service that serves net/http/pprof.

mod address;
mod client;

use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use tophash_profile::{Call, Profile, symbols};

use crate::model::{Goroutines, Group, HeapFigures, Sample, Spot};
use crate::sites::{MAX_FRAMES, Sites, spot};
use crate::source::{Answer, Cause, Extent, Failure, Request, Source};

pub use address::{Address, Named, parse};
pub use client::{Body, Client, Credential, Options, Secret};

/// Names of addresses that are kept for the next time.
const MAX_NAMES: usize = 100_000;

/// Different stacks of goroutines that are kept: those with the most goroutines.
const MAX_GROUPS: usize = 2000;

/// A service that is asked over HTTP.
pub struct Service {
    base: String,
    client: Client,
    /// What addresses stand for, in the process that runs there now.
    names: FxHashMap<u64, String>,
}

impl Service {
    /// For the base URL of a service.
    #[must_use]
    pub fn new(base: &str, client: Client) -> Service {
        Service {
            base: base.to_owned(),
            client,
            names: FxHashMap::default(),
        }
    }

    fn get(&self, path: &str, requests: &mut Vec<Request>) -> Result<Vec<u8>, Failure> {
        let url = format!("{}/debug/pprof/{path}", self.base);
        self.client.ask(&url, Body::None, requests)
    }

    fn profile(&self, path: &str, requests: &mut Vec<Request>) -> Result<Profile, Failure> {
        let text = self.get(path, requests)?;
        // A page of a proxy, a login form: what it is, is not ours to say.
        tophash_profile::read(path, &text).map_err(|error| {
            let message = format!("answers with what is no profile ({error})");
            Failure::new(Cause::Garbage, message)
        })
    }

    fn sample(&mut self, requests: &mut Vec<Request>) -> Result<Sample, Failure> {
        let mut sample = Sample::default();
        let mut heap = self.profile("heap?debug=1", requests)?;
        if let Err(failure) = self.name(&mut heap, requests) {
            sample.gaps.push(format!(
                "/debug/pprof/symbol {failure}: maps can't be told from other memory"
            ));
        } else {
            let mut sites = Sites::default();
            for sample in &heap.samples {
                sites.add(heap.stack(sample), sample.live(), sample.allocated());
            }
            sample.sites = Some(sites.largest());
        }
        sample.heap = heap.mem_stats.map(|stats| HeapFigures {
            live_bytes: stats.heap_alloc,
            live_objects: stats.mallocs.saturating_sub(stats.frees),
            allocated_bytes: stats.total_alloc,
            allocated_objects: stats.mallocs,
            system_bytes: stats.sys,
            collections: stats.num_gc,
        });
        if heap.period == 0 {
            sample
                .gaps
                .push("it records no allocations (MemProfileRate is 0)".to_owned());
        }
        match self.profile("goroutine?debug=1", requests) {
            Ok(profile) => sample.goroutines = Some(goroutines(&profile)),
            Err(failure) => {
                sample
                    .gaps
                    .push(format!("/debug/pprof/goroutine {failure}"));
            }
        }
        Ok(sample)
    }

    /// Gives names to the runtime's frames, which the text leaves out. Names stay the same while
    /// the process runs; a name that is not known means that another runs.
    fn name(&mut self, profile: &mut Profile, requests: &mut Vec<Request>) -> Result<(), Failure> {
        let mut unnamed = profile.unnamed();
        if unnamed
            .iter()
            .any(|address| !self.names.contains_key(address))
        {
            if self.names.len() > MAX_NAMES {
                self.names.clear();
            }
            unnamed.retain(|address| !self.names.contains_key(address));
            for batch in unnamed.chunks(symbols::BATCH) {
                let path = format!("symbol?{}", symbols::query(batch));
                let answer = self.get(&path, requests)?;
                let answer = symbols::answer(&String::from_utf8_lossy(&answer))
                    .ok_or_else(|| Failure::new(Cause::Garbage, "answers with something else"))?;
                for address in batch {
                    // One that has no name need not be asked for again.
                    let name = answer.get(address).cloned().unwrap_or_default();
                    self.names.insert(*address, name);
                }
            }
        }
        let names = &self.names;
        profile.name(|address| match names.get(&address) {
            Some(name) if !name.is_empty() => vec![Call {
                function: name.clone(),
                file: String::new(),
                line: 0,
            }],
            _ => Vec::new(),
        });
        Ok(())
    }
}

impl Source for Service {
    fn ask(&mut self, extent: Extent) -> Answer {
        let start = Instant::now();
        let mut requests = Vec::new();
        let result = match extent {
            Extent::Full => self.sample(&mut requests),
            Extent::Probe => self
                .get("cmdline", &mut requests)
                .map(|_| Sample::default()),
        };
        if result.is_err() {
            // Whatever answers next may be another process.
            self.names.clear();
        }
        Answer {
            result,
            took: start.elapsed().max(Duration::from_micros(1)),
            requests,
        }
    }
}

fn goroutines(profile: &Profile) -> Goroutines {
    let mut groups: FxHashMap<Vec<Spot>, u64> = FxHashMap::default();
    let mut total = 0u64;
    for sample in &profile.samples {
        let [count, ..] = sample.values;
        let count = u64::try_from(count).unwrap_or(0);
        total = total.saturating_add(count);
        let frames = profile.stack(sample).take(MAX_FRAMES);
        let named = frames.filter(|frame| !frame.function.is_empty());
        let frames: Vec<Spot> = named.map(|frame| spot(&frame)).collect();
        // The same stack may stand there several times, with other labels.
        *groups.entry(frames).or_insert(0) += count;
    }
    let groups = groups.into_iter();
    let mut groups: Vec<Group> = groups
        .map(|(frames, count)| Group { count, frames })
        .collect();
    groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.frames.cmp(&b.frames)));
    groups.truncate(MAX_GROUPS);
    Goroutines { total, groups }
}
