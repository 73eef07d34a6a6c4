//! The keys that a process hashes with: by the names of their variables, or, in a stripped
//! program, by trying what lies among its variables on the keys of its maps.

use std::ops::ControlFlow;

use tophash_runtime::classic::top_hash;
use tophash_runtime::layout::hash_symbols;
use tophash_runtime::{Build, HashKeys, Implementation};

use crate::image::{Arch, Span};
use crate::maps::{Header, MapType, entries, hash};
use crate::memory::Memory;
use crate::program::Program;
use crate::types::Types;

/// Bytes of `aeskeysched`.
const SCHEDULE: usize = 128;

/// The hash keys of a process whose program has symbols; none if it has none, or if they can't be
/// read.
#[must_use]
pub fn by_symbols(program: &Program<'_>) -> Option<HashKeys> {
    let symbols = hash_symbols(program.build.version);
    let uses_aes = program.image.u8(program.symbol(symbols.use_aeshash)?)? != 0;
    let (build, arch) = (program.build, program.image.binary.arch);
    if uses_aes {
        aes(
            program.image,
            build,
            arch,
            program.symbol(symbols.aeskeysched)?,
        )
    } else {
        multiply(program.image, build, program.symbol(symbols.hashkey)?)
    }
}

fn aes(memory: &dyn Memory, build: Build, arch: Arch, address: u64) -> Option<HashKeys> {
    let bytes = memory.read(address, SCHEDULE)?;
    Some(aes_of(build, arch, bytes.first_chunk()?))
}

fn aes_of(build: Build, arch: Arch, schedule: &[u8; SCHEDULE]) -> HashKeys {
    match arch {
        Arch::Amd64 => HashKeys::aes(schedule),
        Arch::Arm64 => HashKeys::aes_arm64(build.version, schedule),
    }
}

fn multiply(memory: &dyn Memory, build: Build, address: u64) -> Option<HashKeys> {
    let mut keys = [0; 4];
    for (key, offset) in keys.iter_mut().zip([0, 8, 16, 24]) {
        *key = memory.u64(address.checked_add(offset)?)?;
    }
    Some(HashKeys::multiply(build.version, keys))
}

/// What a map keeps of the hash of one of its keys.
#[derive(Clone, Debug)]
struct Sample<'a> {
    map_type: &'a MapType,
    seed: u64,
    key: Vec<u8>,
    byte: u8,
    classic: bool,
}

impl Sample<'_> {
    fn fits(&self, types: &Types<'_>, keys: &HashKeys) -> bool {
        match hash(self.map_type, keys, types, &self.key, self.seed) {
            Ok(Some(hash)) if self.classic => top_hash(hash) == self.byte,
            Ok(Some(hash)) => (hash & 0x7f) as u8 == self.byte,
            _ => false,
        }
    }
}

/// Samples that are taken: seven bits each, so that a wrong key fits all of them never.
const SAMPLES: usize = 64;
/// Samples that a candidate is tried on before all others.
const FIRST: usize = 8;

/// Looks among a program's variables for what makes the hashes that its maps keep: of the maps
/// given, enough have to be intact. None if nothing does, or if the maps have too few keys; `each` is
/// how many keys are taken of one map.
#[must_use]
pub fn by_trial(
    types: &Types<'_>,
    arch: Arch,
    variables: &[Span],
    maps: &mut dyn Iterator<Item = (Header, &MapType)>,
    each: usize,
) -> Option<HashKeys> {
    let samples = samples(types, maps, each);
    if samples.len() < FIRST {
        return None;
    }
    let fit = |keys: &HashKeys| {
        // Most, not all: a damaged map may be among them.
        let most = |samples: &[Sample<'_>]| {
            let mut misses = samples.len() / 4 + 1;
            samples.iter().all(|sample| {
                misses -= usize::from(!sample.fits(types, keys));
                misses > 0
            })
        };
        most(samples.get(..FIRST).unwrap_or_default()) && most(&samples)
    };
    let (memory, build) = (types.memory(), types.build());
    for span in variables {
        let mut address = span.start.next_multiple_of(8);
        while address < span.end {
            // The schedule first: nearly every processor has the instructions.
            if memory.u64(address).is_some_and(|word| word != 0) {
                if let Some(keys) = aes(memory, build, arch, address)
                    && fit(&keys)
                {
                    return Some(keys);
                }
                if let Some(keys) = multiply(memory, build, address)
                    && fit(&keys)
                {
                    return Some(keys);
                }
            }
            address += 8;
        }
    }
    None
}

/// Keys of some maps, a few of each.
fn samples<'a>(
    types: &Types<'_>,
    maps: &mut dyn Iterator<Item = (Header, &'a MapType)>,
    each: usize,
) -> Vec<Sample<'a>> {
    let mut samples = Vec::new();
    let classic = types.build().maps == Implementation::Classic;
    let memory = types.memory();
    for (header, map_type) in maps {
        if samples.len() >= SAMPLES {
            break;
        }
        if map_type.hash.is_none() || map_type.key_size == 0 || header.is_empty() {
            continue;
        }
        let mut left = each;
        entries(memory, map_type, &header, &mut |entry| {
            // The byte lies at the start of the bucket or group, as many bytes in as its slot.
            let offset = if map_type.indirect_key {
                return ControlFlow::Break(());
            } else {
                map_type.chunk.key(entry.at.slot)
            };
            let at = entry.key.wrapping_sub(offset) + entry.at.slot as u64;
            let key = memory.read(entry.key, map_type.key_size as usize);
            if let (Some(key), Some(byte)) = (key, memory.u8(at)) {
                samples.push(Sample {
                    map_type,
                    seed: header.seed(),
                    key: key.into_owned(),
                    byte,
                    classic,
                });
            }
            left -= 1;
            if left == 0 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    }
    samples
}
