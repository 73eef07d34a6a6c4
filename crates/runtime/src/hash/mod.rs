//! Hashing as the runtime does it, given the keys of a process.
//!
//! Go hashes memory with three rounds of AES where the processor has them, and with a
//! multiplication-based function otherwise; both are seeded per process ([`HashKeys`]) and per
//! map. The sources are runtime/asm_amd64.s, runtime/hash64.go and runtime/alg.go, from 1.27
//! internal/runtime/maps/memhash_*.

mod aes;
mod multiply;
mod plan;

pub use plan::{HashPlan, Step};

use crate::memory::{Memory, half_at, word_at};
use crate::types::{GoType, Kind};
use crate::version::GoVersion;

/// Multipliers of runtime/alg.go on 64-bit machines.
const C0: u64 = 33_054_211_828_000_289;
const C1: u64 = 23_344_194_077_549_503;

/// The secrets that a process draws at start, and which function it uses.
#[derive(Clone, Debug)]
pub struct HashKeys {
    function: Function,
}

#[derive(Clone, Debug)]
enum Function {
    Aes(aes::Aes),
    AesArm64(aes::AesArm64),
    Multiply(multiply::Multiply),
}

impl HashKeys {
    /// A process on an amd64 processor that uses AES (`useAeshash`), with its `aeskeysched`.
    #[must_use]
    pub fn aes(schedule: &[u8; 128]) -> Self {
        Self {
            function: Function::Aes(aes::Aes::new(schedule)),
        }
    }

    /// The same on an arm64 processor, whose instructions lead to other hashes.
    #[must_use]
    pub fn aes_arm64(version: GoVersion, schedule: &[u8; 128]) -> Self {
        Self {
            function: Function::AesArm64(aes::AesArm64::new(version, schedule)),
        }
    }

    /// A process without AES instructions, with its `hashkey`.
    #[must_use]
    pub fn multiply(version: GoVersion, hashkey: [u64; 4]) -> Self {
        Self {
            function: Function::Multiply(multiply::Multiply::new(version, hashkey)),
        }
    }

    /// `memhash`: any number of bytes. Strings are hashed by it, too.
    #[must_use]
    #[inline]
    pub fn memory(&self, bytes: &[u8], seed: u64) -> u64 {
        match &self.function {
            Function::Aes(aes) => aes.memory(bytes, seed),
            Function::AesArm64(aes) => aes.memory(bytes, seed),
            Function::Multiply(multiply) => multiply.memory(bytes, seed),
        }
    }

    /// `memhash32`: the key of a `map[int32]T`.
    #[must_use]
    #[inline]
    pub fn u32(&self, value: u32, seed: u64) -> u64 {
        match &self.function {
            Function::Aes(aes) => aes.word(u64::from(value), seed),
            Function::AesArm64(aes) => aes.u32(value, seed),
            Function::Multiply(multiply) => multiply.u32(value, seed),
        }
    }

    /// `memhash64`: the key of a `map[int]T`.
    #[must_use]
    #[inline]
    pub fn u64(&self, value: u64, seed: u64) -> u64 {
        match &self.function {
            Function::Aes(aes) => aes.word(value, seed),
            Function::AesArm64(aes) => aes.u64(value, seed),
            Function::Multiply(multiply) => multiply.u64(value, seed),
        }
    }

    /// `f32hash` and `f64hash`, given the bytes: both zeros are one key, NaN is random.
    #[must_use]
    pub fn float(&self, bytes: &[u8], seed: u64, random: &mut dyn FnMut() -> u64) -> u64 {
        let value = match bytes.len() {
            4 => f64::from(f32::from_bits(half_at(bytes, 0))),
            _ => f64::from_bits(word_at(bytes, 0)),
        };
        if value == 0.0 {
            C1.wrapping_mul(C0 ^ seed)
        } else if value.is_nan() {
            C1.wrapping_mul(C0 ^ seed ^ random())
        } else {
            self.memory(bytes, seed)
        }
    }
}

/// Why a key has no hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashError {
    /// An interface holds a value that can't be hashed, of the type of this name: Go panics.
    Unhashable(String),
    /// The key refers to memory or to a type that is not known: damaged or left out of a core.
    Unreadable(u64),
}

impl std::fmt::Display for HashError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unhashable(name) => write!(f, "hash of unhashable type {name}"),
            Self::Unreadable(address) => write!(f, "nothing is known of address {address:#x}"),
        }
    }
}

impl std::error::Error for HashError {}

/// A hash in the making: the process's keys, the memory that values point into and the source of
/// what NaNs hash to.
pub struct Hasher<'a, M: Memory + ?Sized> {
    /// The process's keys.
    pub keys: &'a HashKeys,
    /// Strings and values in interfaces are read from here.
    pub memory: &'a M,
    /// Drawn from for every NaN.
    pub random: &'a mut dyn FnMut() -> u64,
}

impl<M: Memory + ?Sized> Hasher<'_, M> {
    /// The hash of a key by the function that the compiler made for its type.
    ///
    /// # Errors
    /// The key can't be hashed, or what it points to can't be read.
    pub fn key(&mut self, plan: &HashPlan, bytes: &[u8], seed: u64) -> Result<u64, HashError> {
        plan.steps()
            .iter()
            .try_fold(seed, |hash, step| self.step(step, bytes, hash))
    }

    fn step(&mut self, step: &Step, bytes: &[u8], hash: u64) -> Result<u64, HashError> {
        let at = |offset: &u64| usize::try_from(*offset).unwrap_or(usize::MAX);
        let part = |offset: &u64, len: usize| {
            let offset = at(offset);
            bytes
                .get(offset..offset.saturating_add(len))
                .unwrap_or_default()
        };
        Ok(match step {
            Step::Memory { offset, len } => self.keys.memory(part(offset, at(len)), hash),
            Step::Half { offset } => self.keys.u32(half_at(bytes, at(offset)), hash),
            Step::Word { offset } => self.keys.u64(word_at(bytes, at(offset)), hash),
            Step::Float32 { offset } => self.keys.float(part(offset, 4), hash, self.random),
            Step::Float64 { offset } => self.keys.float(part(offset, 8), hash, self.random),
            Step::String { offset } => self.string(part(offset, 16), hash)?,
            Step::Interface { offset } => self.interface(part(offset, 16), hash)?,
        })
    }

    /// `strhash`, given the two words of a string.
    fn string(&self, header: &[u8], seed: u64) -> Result<u64, HashError> {
        let (address, len) = (word_at(header, 0), word_at(header, 8));
        let text = self
            .memory
            .bytes(address, len)
            .ok_or(HashError::Unreadable(address))?;
        Ok(self.keys.memory(&text, seed))
    }

    /// `interhash` and `nilinterhash`, given the two words of an interface.
    fn interface(&mut self, words: &[u8], seed: u64) -> Result<u64, HashError> {
        let (type_word, data) = (word_at(words, 0), word_at(words, 8));
        if type_word == 0 {
            return Ok(seed);
        }
        let memory = self.memory;
        let ty = memory
            .dynamic_type(type_word)
            .ok_or(HashError::Unreadable(type_word))?;
        if ty.algorithm() == crate::types::Algorithm::NoEq {
            return Err(HashError::Unhashable(ty.name.to_string()));
        }
        let hash = if ty.is_direct_in_interface() {
            self.dynamic(&ty, words.get(8..).unwrap_or_default(), seed ^ C0)?
        } else {
            let value = memory
                .bytes(data, ty.size)
                .ok_or(HashError::Unreadable(data))?;
            self.dynamic(&ty, &value, seed ^ C0)?
        };
        Ok(C1.wrapping_mul(hash))
    }

    /// `typehash`: the hash of a value in an interface.
    fn dynamic(&mut self, ty: &GoType, bytes: &[u8], seed: u64) -> Result<u64, HashError> {
        if ty.is_regular_memory() {
            return Ok(match ty.size {
                4 => self.keys.u32(half_at(bytes, 0), seed),
                8 => self.keys.u64(word_at(bytes, 0), seed),
                _ => self.keys.memory(bytes, seed),
            });
        }
        let part = |offset: u64, len: u64| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            bytes
                .get(start..start.saturating_add(len))
                .unwrap_or_default()
        };
        match &ty.kind {
            Kind::Float => Ok(self.keys.float(bytes, seed, self.random)),
            Kind::Complex => {
                let half = ty.size / 2;
                let real = self.keys.float(part(0, half), seed, self.random);
                Ok(self.keys.float(part(half, half), real, self.random))
            }
            Kind::String => self.string(bytes, seed),
            Kind::Interface { .. } => self.interface(bytes, seed),
            Kind::Array { elem, len } => (0..*len).try_fold(seed, |hash, i| {
                self.dynamic(elem, part(i * elem.size, elem.size), hash)
            }),
            Kind::Struct { fields } => fields
                .iter()
                .filter(|field| !field.blank)
                .try_fold(seed, |hash, field| {
                    self.dynamic(&field.ty, part(field.offset, field.ty.size), hash)
                }),
            Kind::Scalar | Kind::Pointer | Kind::Incomparable | Kind::Slice => {
                Err(HashError::Unhashable(ty.name.to_string()))
            }
        }
    }
}
