//! Range loops, whole and step by step.

use std::collections::HashSet;

use tophash_runtime::Event;
use tophash_runtime::swiss::Storage;

use super::{Done, Frame, MAX_LISTED, Running, Session};
use crate::explain::Verb;
use crate::model::{Iteration, Model};
use crate::picture::count;
use crate::script::MAX_ENTRIES;

impl Session {
    pub(super) fn iterate(&mut self) -> Done {
        self.spend(1 + self.model.len() as u64)?;
        let mut iteration = self.model.iterate();
        let mut listed = Vec::new();
        let mut visited = 0_usize;
        let start = self.start(&iteration);
        loop {
            match iteration.next(&self.model) {
                Ok(Some((key, elem))) => {
                    visited += 1;
                    if listed.len() < MAX_LISTED {
                        listed.push(format!("{key}:{elem}"));
                    }
                }
                Ok(None) => break,
                Err(fault) => return Ok(self.failed(&fault)),
            }
        }
        self.trace.borrow_mut().clear();
        if visited > listed.len() {
            listed.push(format!("and {} more", visited - listed.len()));
        }
        let mut sentences = start;
        sentences.push(match visited {
            0 => "nothing to visit".to_owned(),
            n => format!("visited {}", count(n as u64, "entry")),
        });
        Ok(Frame {
            sentences,
            result: (!listed.is_empty()).then(|| listed.join(" ")),
            ..Frame::default()
        })
    }

    /// Where an iteration starts.
    fn start(&self, iteration: &Iteration) -> Vec<String> {
        match (iteration, &self.model) {
            (Iteration::Classic(iter), _) => iter.start().map(|(bucket, offset)| {
                format!("a random start: bucket {bucket}, and slot {offset} first in every bucket")
            }),
            (Iteration::Swiss(iter), Model::Swiss(map)) => iter.start().map(|(entry, place)| {
                match map.storage() {
                    Storage::Tables { directory, tables } => {
                        let place = place as usize & (directory.len() - 1);
                        let table = directory.get(place).and_then(|&id| tables.get(id as usize));
                        let mask = table.map_or(7, |table| u64::from(table.capacity) - 1);
                        let entry = entry & mask;
                        let at = format!("group {}, slot {}", entry / 8, entry % 8);
                        if directory.len() == 1 {
                            format!("a random start: {at}")
                        } else {
                            format!("a random start: table {}, {at}; every table from its own such place", table.map_or(0, |t| t.index))
                        }
                    }
                    _ => format!("a random start: slot {}", entry & 7),
                }
            }),
            _ => None,
        }
        .into_iter()
        .collect()
    }

    pub(super) fn range(&mut self) -> Done {
        self.spend(1)?;
        let iteration = self.model.iterate();
        let mut sentences = self.start(&iteration);
        if sentences.is_empty() {
            sentences.push("the map is empty: the loop ends before it begins".to_owned());
        } else {
            sentences.push("`step` visits the next entry; put, del and clear in between are what a loop's body might do".to_owned());
        }
        self.running = Some(Running {
            iteration,
            seen: HashSet::new(),
            visited: 0,
        });
        Ok(self.drawn(sentences, None, &[]))
    }

    pub(super) fn step(&mut self, n: u64) -> Done {
        let Some(mut running) = self.running.take() else {
            return Err("no iteration is in progress: `range` begins one".to_owned());
        };
        let n = n.clamp(1, MAX_ENTRIES);
        let mut sentences = Vec::new();
        let mut results = Vec::new();
        let mut all = Vec::new();
        let mut last = None;
        let mut end = None;
        let (mut looked_up, mut gone) = (0, 0);
        for _ in 0..n {
            self.spend(1)?;
            let next = match running.iteration.next(&self.model) {
                Ok(next) => next,
                Err(fault) => return Ok(self.failed(&fault)),
            };
            let events = self.events();
            sentences.extend(self.told(Verb::Iterate, &events));
            let tries = events
                .iter()
                .filter(|event| matches!(event, Event::Hashed(_)))
                .count();
            if tries > 0 {
                looked_up += usize::from(next.is_some());
                gone += tries - usize::from(next.is_some());
            }
            all.extend(events);
            match next {
                Some((key, elem)) => {
                    running.visited += 1;
                    running.seen.insert(key.identity());
                    if results.len() < MAX_LISTED {
                        results.push(format!("{key}:{elem}"));
                    }
                    last = Some(key);
                }
                None => {
                    end = Some(format!(
                        "the loop ends: it has visited {}, and the map has {} now",
                        count(running.visited, "entry"),
                        self.model.len()
                    ));
                    break;
                }
            }
        }
        self.running = Some(running);
        let ended = end.is_some();
        sentences.extend(self.told_of_lookups(looked_up, gone));
        sentences.extend(end);
        let mut frame = self.drawn(sentences, last.as_ref(), &all);
        if ended {
            self.running = None;
        }
        frame.result = (!results.is_empty()).then(|| results.join(" "));
        Ok(frame)
    }

    /// What the loop looked up in the map as it is now, because what it walks is an old state.
    fn told_of_lookups(&self, found: usize, gone: usize) -> Option<String> {
        let keys = |n: usize| count(n as u64, "key");
        let skipped = match gone {
            0 => String::new(),
            n => format!(
                "; {} no longer there and skipped",
                if n == 1 {
                    "1 key was".to_owned()
                } else {
                    format!("{n} keys were")
                }
            ),
        };
        let all = keys(found + gone);
        match (found + gone, &self.model) {
            (0, _) => None,
            (_, Model::Classic(_)) => Some(format!(
                "{all} had moved to the new array since the loop began and had to be looked up there, so that changes are seen{skipped}"
            )),
            _ => Some(format!(
                "the loop walks a table (or small group) that has been replaced since it began: that only gives the keys, and {all} had to be looked up in the map as it is now, so that changes are seen{skipped}"
            )),
        }
    }
}
