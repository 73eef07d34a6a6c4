//! Where bytes and dynamic types come from while keys are hashed and compared: a model's own
//! heap, or the memory of a dead process.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::types::GoType;

/// Memory that values point into.
pub trait Memory {
    /// The `len` bytes at an address, if they can be read: borrowed where they lie in one piece.
    fn bytes(&self, address: u64, len: u64) -> Option<Cow<'_, [u8]>>;

    /// The dynamic type that the first word of an interface value stands for: the address of a
    /// type descriptor for `any`, of an itab otherwise.
    fn dynamic_type(&self, word: u64) -> Option<Arc<GoType>>;
}

/// Memory in which nothing can be read: enough for keys without pointers.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMemory;

impl Memory for NoMemory {
    fn bytes(&self, _: u64, len: u64) -> Option<Cow<'_, [u8]>> {
        (len == 0).then_some(Cow::Borrowed(&[]))
    }

    fn dynamic_type(&self, _: u64) -> Option<Arc<GoType>> {
        None
    }
}

/// Memory made of separate blocks at known addresses.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    blocks: BTreeMap<u64, Box<[u8]>>,
    types: HashMap<u64, Arc<GoType>>,
}

impl Blocks {
    /// Adds a block. Of two blocks at one address the longer stays.
    pub fn insert(&mut self, address: u64, bytes: Box<[u8]>) {
        let block = self.blocks.entry(address).or_default();
        if block.len() < bytes.len() {
            *block = bytes;
        }
    }

    /// Says which type a type word stands for.
    pub fn insert_type(&mut self, word: u64, ty: Arc<GoType>) {
        self.types.insert(word, ty);
    }
}

impl Memory for Blocks {
    fn bytes(&self, address: u64, len: u64) -> Option<Cow<'_, [u8]>> {
        if len == 0 {
            return Some(Cow::Borrowed(&[]));
        }
        let end = address.checked_add(len)?;
        let (start, block) = self
            .blocks
            .range(..=address)
            .rev()
            .find(|(start, block)| *start + block.len() as u64 >= end)?;
        let offset = usize::try_from(address - start).ok()?;
        let bytes = block.get(offset..offset + usize::try_from(len).ok()?);
        bytes.map(Cow::Borrowed)
    }

    fn dynamic_type(&self, word: u64) -> Option<Arc<GoType>> {
        self.types.get(&word).cloned()
    }
}

impl<M: Memory> Memory for Arc<M> {
    fn bytes(&self, address: u64, len: u64) -> Option<Cow<'_, [u8]>> {
        (**self).bytes(address, len)
    }

    fn dynamic_type(&self, word: u64) -> Option<Arc<GoType>> {
        (**self).dynamic_type(word)
    }
}

/// The word at `offset`, little-endian; 0 beyond the end.
pub(crate) fn word_at(bytes: &[u8], offset: usize) -> u64 {
    let word = bytes.get(offset..).and_then(|rest| rest.first_chunk());
    word.map_or(0, |word| u64::from_le_bytes(*word))
}

/// The half word at `offset`, little-endian; 0 beyond the end.
pub(crate) fn half_at(bytes: &[u8], offset: usize) -> u32 {
    let half = bytes.get(offset..).and_then(|rest| rest.first_chunk());
    half.map_or(0, |half| u32::from_le_bytes(*half))
}
