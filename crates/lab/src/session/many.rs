//! Many puts and deletes at once.

use tophash_runtime::swiss::{Storage, home_group};
use tophash_runtime::{ClassicEvent, Event};

use super::{Done, Operation, Session};
use crate::explain::Verb;
use crate::model::Model;
use crate::picture::{self, Index, count};
use crate::script::{MAX_ENTRIES, Target};
use crate::value::Value;

impl Session {
    /// Whether a key belongs to a bucket or group.
    fn belongs(&self, key: &Value, target: Target) -> bool {
        let Ok(hash) = self.model.hash(key) else {
            return false;
        };
        match (target, &self.model) {
            (Target::Bucket(n), Model::Classic(map)) => hash & ((1 << map.header().b) - 1) == n,
            (Target::Group(n), Model::Swiss(map)) => match map.storage() {
                Storage::Tables { directory, tables } => {
                    let depth = map.header().global_depth;
                    let place = if depth == 0 {
                        0
                    } else {
                        (hash >> (64 - depth)) as usize
                    };
                    place == 0
                        && directory
                            .first()
                            .and_then(|&id| tables.get(id as usize))
                            .is_some_and(|table| home_group(hash, table.groups.len() as u64) == n)
                }
                _ => n == 0,
            },
            _ => false,
        }
    }

    fn check_target(&self, target: Target) -> Result<(), String> {
        let (name, n, len) = match (target, &self.model) {
            (Target::Bucket(n), Model::Classic(map)) => ("bucket", n, 1_u64 << map.header().b),
            (Target::Group(n), Model::Swiss(map)) => {
                let len = match map.storage() {
                    Storage::Tables { directory, tables } => directory
                        .first()
                        .and_then(|&id| tables.get(id as usize))
                        .map_or(1, |table| table.groups.len() as u64),
                    _ => 1,
                };
                ("group", n, len)
            }
            (Target::Bucket(_), Model::Swiss(_)) => {
                return Err("a Swiss map has no buckets: `fill N group G` was expected".to_owned());
            }
            (Target::Group(_), Model::Classic(_)) => {
                return Err(
                    "a classic map has no groups: `fill N bucket B` was expected".to_owned(),
                );
            }
            (_, Model::Nil(_)) => return Ok(()),
        };
        if n >= len {
            return Err(format!(
                "there is no {name} {n}: a number from 0 to {} was expected",
                len - 1
            ));
        }
        Ok(())
    }

    pub(super) fn fill(&mut self, n: u64, target: Option<Target>) -> Done {
        let room = MAX_ENTRIES.saturating_sub(self.model.len() as u64);
        if n > room {
            return Err(format!(
                "fill {n}: a map of the lab holds at most {MAX_ENTRIES} entries, so at most {room} was expected"
            ));
        }
        if let Some(target) = target {
            self.check_target(target)?;
        }
        let mut sentences = Vec::new();
        let mut touched = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut done = 0;
        let mut tries = 0_u64;
        let mut numbers = Vec::new();
        while done < n {
            self.filled += 1;
            self.spend(1)?;
            let number = self.filled;
            let (Some(key), Some(elem)) =
                (self.key.nth(number, false), self.elem.nth(number, true))
            else {
                self.history.push(Operation::Fill(numbers));
                return Err(format!(
                    "there are no {n} more keys of type {} to put",
                    self.key
                ));
            };
            tries += 1;
            if tries > 1_000_000 {
                self.history.push(Operation::Fill(numbers));
                return Err("no key found that belongs there".to_owned());
            }
            if let Some(target) = target
                && !self.belongs(&key, target)
            {
                continue;
            }
            if matches!(self.model.get(&key), Ok(Some(_))) {
                continue;
            }
            self.trace.borrow_mut().clear();
            let before = self.model.len();
            if let Err(fault) = self.model.put(key.clone(), elem) {
                self.history.push(Operation::Fill(numbers));
                return Ok(self.failed(&fault));
            }
            done += u64::from(self.model.len() > before);
            numbers.push(number);
            let events = self.events();
            if n == 1 {
                sentences = self.told(Verb::Put, &events);
            } else {
                let told = self.told(Verb::Fill, &events);
                sentences.extend(
                    told.into_iter()
                        .map(|sentence| format!("{key}: {sentence}")),
                );
            }
            if n <= 8 || done == n {
                touched.extend(events);
            } else {
                touched.extend(
                    events.into_iter().filter(|event| {
                        matches!(event, Event::Classic(ClassicEvent::Grows { .. }))
                    }),
                );
            }
            if names.len() < 12 {
                names.push(key.to_string());
            } else if names.len() == 12 {
                names.push("…".to_owned());
            }
        }
        self.history.push(Operation::Fill(numbers));
        let first = match names.as_slice() {
            [] => "nothing to put".to_owned(),
            names => format!("put {}: {}", count(n, "new key"), names.join(" ")),
        };
        sentences.insert(0, first);
        // Of two growths within one fill only the last can be shown as one.
        let grows = touched
            .iter()
            .filter(|event| matches!(event, Event::Classic(ClassicEvent::Grows { .. })));
        if grows.count() > 1 {
            self.index = Index::default();
        }
        Ok(self.drawn(sentences, None, &touched))
    }

    /// Deletes the first entries, in the order of their slots.
    pub(super) fn drain(&mut self, n: u64, target: Option<Target>) -> Done {
        if let Some(target) = target {
            self.check_target(target)?;
        }
        let all = picture::entries(&self.model);
        self.spend(all.len() as u64)?;
        let keys: Vec<Value> = all
            .into_iter()
            .map(|(key, _)| key)
            .filter(|key| !key.is_nan() && target.is_none_or(|target| self.belongs(key, target)))
            .take(usize::try_from(n).unwrap_or(usize::MAX))
            .collect();
        if (keys.len() as u64) < n {
            return Err(format!(
                "only {} to delete {}; NaN keys don't count",
                count(keys.len() as u64, "entry"),
                if target.is_some() {
                    "there"
                } else {
                    "in the map"
                }
            ));
        }
        let mut frame = self.delete(&keys)?;
        if let ([key], None) = (keys.as_slice(), &frame.failure) {
            frame.sentences.insert(0, format!("delete {key}"));
        }
        Ok(frame)
    }
}
