//! Shared memory, and goroutines that touch it one access at a time.

use crate::fault::{Fault, Race};

/// Words that goroutines share. Objects are allocated one after the other and never freed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Memory {
    words: Vec<u64>,
}

/// What an object is. A word before each object says so, for the model's own use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Group = 1,
    Table,
    Directory,
    Array,
    Bucket,
}

/// Why a goroutine does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It has made its one access; the next one is another step.
    Yield,
    /// The process ends.
    Fault(Fault),
    /// It follows a pointer to memory that is something else: anything may happen.
    Wild,
}

impl From<Race> for Stop {
    fn from(race: Race) -> Self {
        Self::Fault(Fault::Race(race))
    }
}

pub(super) type Step<T> = Result<T, Stop>;

impl Memory {
    pub(super) fn new(words: Vec<u64>) -> Self {
        Self { words }
    }

    /// A word, without this being an access of a goroutine.
    pub(super) fn word(&self, address: u64) -> u64 {
        self.words
            .get(address as usize)
            .copied()
            .unwrap_or_default()
    }

    /// Makes an object and gives its address, which is never 0.
    pub(super) fn allocate(&mut self, object: Object, words: &[u64]) -> u64 {
        self.words.push(object as u64);
        let address = self.words.len() as u64;
        self.words.extend_from_slice(words);
        address
    }
}

/// A goroutine in the middle of an operation.
///
/// The operation is run again from its start for every access, with what it has read so far; so
/// it needs no state of its own but that log.
pub(super) struct Goroutine<'a> {
    memory: &'a mut Memory,
    log: &'a mut Vec<u64>,
    position: usize,
    /// How many accesses it may still make.
    budget: usize,
    /// What the last access was for.
    pub(super) label: &'static str,
}

impl<'a> Goroutine<'a> {
    pub(super) fn new(memory: &'a mut Memory, log: &'a mut Vec<u64>, budget: usize) -> Self {
        Self {
            memory,
            log,
            position: 0,
            budget,
            label: "",
        }
    }

    fn access(
        &mut self,
        label: &'static str,
        act: impl FnOnce(&mut Memory) -> Step<u64>,
    ) -> Step<u64> {
        let value = match self.log.get(self.position) {
            Some(&value) => value,
            None if self.budget == 0 => return Err(Stop::Yield),
            None => {
                self.budget -= 1;
                self.label = label;
                let value = act(self.memory)?;
                self.log.push(value);
                value
            }
        };
        self.position += 1;
        Ok(value)
    }

    /// Reads a word.
    pub(super) fn load(&mut self, address: u64, label: &'static str) -> Step<u64> {
        self.access(label, |memory| {
            memory
                .words
                .get(address as usize)
                .copied()
                .ok_or(Stop::Wild)
        })
    }

    /// Writes a word.
    pub(super) fn store(&mut self, address: u64, value: u64, label: &'static str) -> Step<()> {
        self.access(label, |memory| {
            *memory.words.get_mut(address as usize).ok_or(Stop::Wild)? = value;
            Ok(0)
        })?;
        Ok(())
    }

    /// Writes one byte of a word.
    pub(super) fn store_byte(
        &mut self,
        address: u64,
        byte: usize,
        value: u8,
        label: &'static str,
    ) -> Step<()> {
        self.access(label, |memory| {
            let word = memory.words.get_mut(address as usize).ok_or(Stop::Wild)?;
            let shift = 8 * (byte & 7);
            *word = *word & !(0xff << shift) | u64::from(value) << shift;
            Ok(0)
        })?;
        Ok(())
    }

    /// Sets bits of a word in one access: `atomic.Or8`.
    pub(super) fn set_bits(&mut self, address: u64, bits: u64, label: &'static str) -> Step<()> {
        self.access(label, |memory| {
            *memory.words.get_mut(address as usize).ok_or(Stop::Wild)? |= bits;
            Ok(0)
        })?;
        Ok(())
    }

    /// Adds to a word, as a load and a store: the processor's instruction is not atomic.
    pub(super) fn add(&mut self, address: u64, by: i64, labels: [&'static str; 2]) -> Step<()> {
        let value = self.load(address, labels[0])?;
        self.store(address, value.wrapping_add_signed(by), labels[1])
    }

    /// Flips bits of a word, as a load and a store.
    pub(super) fn toggle(
        &mut self,
        address: u64,
        bits: u64,
        labels: [&'static str; 2],
    ) -> Step<()> {
        let value = self.load(address, labels[0])?;
        self.store(address, value ^ bits, labels[1])
    }

    /// Makes objects and writes a pointer to the one that `make` gives; all is one step, since
    /// nobody sees them before.
    pub(super) fn publish(
        &mut self,
        address: u64,
        label: &'static str,
        make: impl FnOnce(&mut Memory) -> u64,
    ) -> Step<u64> {
        self.access(label, |memory| {
            let new = make(memory);
            *memory.words.get_mut(address as usize).ok_or(Stop::Wild)? = new;
            Ok(new)
        })
    }

    /// Follows a pointer that was read: what it leads to must be what the code takes it for.
    pub(super) fn expect(&self, address: u64, object: Object) -> Step<u64> {
        let before = address
            .checked_sub(1)
            .map(|before| self.memory.word(before));
        if before == Some(object as u64) {
            Ok(address)
        } else {
            Err(Stop::Wild)
        }
    }
}
