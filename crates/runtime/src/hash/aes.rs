//! The hash of processors with AES instructions: amd64 (runtime/asm_amd64.s `aeshashbody`; from
//! 1.27 internal/runtime/maps/memhash_amd64.s), and in [`arm64`] that of arm64.
//!
//! Everything is made of the AES round `AESENC` and, on arm64, of the last round `AESENCLAST`.
//! They are computed by the processor where they can be, by a table of the S-box otherwise: the
//! results are the same.

mod arm64;

pub(super) use arm64::AesArm64;

use crate::memory::{half_at, word_at};

/// 128 bits as the instruction sees them, least significant byte first.
type Lane = u128;

/// A process's `aeskeysched`, as eight lanes.
#[derive(Clone, Debug)]
pub(super) struct Aes {
    keys: [Lane; 8],
    hardware: bool,
}

/// How a round is computed.
trait Round: Copy {
    /// `AESENC`: one round on `state` with `key`.
    fn round(self, state: Lane, key: Lane) -> Lane;

    /// `AESENCLAST` with a key of zeros: the round without mixing columns.
    fn last(self, state: Lane) -> Lane;
}

impl Aes {
    pub(super) fn new(schedule: &[u8; 128]) -> Self {
        Self {
            keys: lanes(schedule),
            hardware: hardware::available(),
        }
    }

    /// `memhash32` and `memhash64`: three rounds over seed and value.
    #[inline]
    pub(super) fn word(&self, value: u64, seed: u64) -> u64 {
        let state = Lane::from(seed) | Lane::from(value) << 64;
        if self.hardware {
            return hardware::word(state, &self.keys);
        }
        let [k0, k1, k2, ..] = self.keys;
        let round = Table;
        round.round(round.round(round.round(state, k0), k1), k2) as u64
    }

    /// `memhash`.
    #[inline]
    pub(super) fn memory(&self, bytes: &[u8], seed: u64) -> u64 {
        if self.hardware {
            return hardware::memory(bytes, seed, &self.keys);
        }
        memory(Table, bytes, seed, &self.keys)
    }
}

/// The schedule as lanes.
fn lanes(schedule: &[u8; 128]) -> [Lane; 8] {
    let mut keys = [0; 8];
    for (key, bytes) in keys.iter_mut().zip(schedule.as_chunks().0) {
        *key = Lane::from_le_bytes(*bytes);
    }
    keys
}

/// `aeshashbody` over any way to compute a round.
#[inline(always)]
fn memory<R: Round>(r: R, bytes: &[u8], seed: u64, keys: &[Lane; 8]) -> u64 {
    let len = bytes.len();
    // The seed, and 16 bits of length four times over.
    let length = (len as u64 & 0xffff).wrapping_mul(0x0001_0001_0001_0001);
    let start = Lane::from(seed) | Lane::from(length) << 64;
    let scramble = |state: Lane| r.round(state, state);
    let thrice = |state: Lane| scramble(scramble(scramble(state)));
    let seeded = |i: usize| scramble(start ^ keys[i]);
    let s0 = seeded(0);
    let block = |at: usize| lane_at(bytes, at);
    let result = match len {
        0 => scramble(s0),
        1..16 => thrice(short(bytes) ^ s0),
        16 => thrice(block(0) ^ s0),
        17..=32 => thrice(block(0) ^ s0) ^ thrice(block(len - 16) ^ seeded(1)),
        33..=64 => {
            thrice(block(0) ^ s0)
                ^ thrice(block(16) ^ seeded(1))
                ^ thrice(block(len - 32) ^ seeded(2))
                ^ thrice(block(len - 16) ^ seeded(3))
        }
        65..=128 => {
            let offsets = [0, 16, 32, 48, len - 64, len - 48, len - 32, len - 16];
            let mut sum = 0;
            for (i, offset) in offsets.into_iter().enumerate() {
                sum ^= thrice(block(offset) ^ seeded(i));
            }
            sum
        }
        _ => {
            // The last, perhaps overlapping 128 bytes first, then all others in order.
            let mut states = [0; 8];
            for (i, state) in states.iter_mut().enumerate() {
                *state = block(len - 128 + 16 * i) ^ seeded(i);
            }
            for at in (0..(len - 1) / 128).map(|n| 128 * n) {
                for (i, state) in states.iter_mut().enumerate() {
                    *state = r.round(scramble(*state), block(at + 16 * i));
                }
            }
            states.into_iter().fold(0, |sum, state| sum ^ thrice(state))
        }
    };
    result as u64
}

/// One to fifteen bytes, filled up with zeros. Overlapping reads agree where they overlap.
#[inline(always)]
fn short(bytes: &[u8]) -> Lane {
    let len = bytes.len();
    let byte = |at: usize| Lane::from(bytes.get(at).copied().unwrap_or_default()) << (8 * at);
    match len {
        8.. => {
            Lane::from(word_at(bytes, 0)) | Lane::from(word_at(bytes, len - 8)) << (8 * (len - 8))
        }
        4..8 => {
            Lane::from(half_at(bytes, 0)) | Lane::from(half_at(bytes, len - 4)) << (8 * (len - 4))
        }
        _ => byte(0) | byte(len / 2) | byte(len - 1),
    }
}

#[inline(always)]
fn lane_at(bytes: &[u8], at: usize) -> Lane {
    let lane = bytes.get(at..).and_then(|rest| rest.first_chunk());
    lane.map_or(0, |lane| Lane::from_le_bytes(*lane))
}

/// The round in portable Rust.
#[derive(Clone, Copy)]
struct Table;

impl Round for Table {
    fn round(self, state: Lane, key: Lane) -> Lane {
        let bytes = state.to_le_bytes();
        let mut out = [0_u8; 16];
        for (column, out) in out.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            // ShiftRows: row r of a column comes from r columns further on.
            let a: [u8; 4] = std::array::from_fn(|row| {
                SBOX[usize::from(bytes[(4 * (column + row) + row) % 16])]
            });
            let all = a[0] ^ a[1] ^ a[2] ^ a[3];
            for row in 0..4 {
                out[row] = a[row] ^ all ^ double(a[row] ^ a[(row + 1) % 4]);
            }
        }
        Lane::from_le_bytes(out) ^ key
    }

    fn last(self, state: Lane) -> Lane {
        let bytes = state.to_le_bytes();
        // Byte i of column i / 4 comes from as many columns further on as its row says.
        let out = std::array::from_fn(|i| SBOX[usize::from(bytes[(i + 4 * (i % 4)) % 16])]);
        Lane::from_le_bytes(out)
    }
}

/// Twice a number in the field of AES.
const fn double(x: u8) -> u8 {
    x << 1 ^ if x & 0x80 == 0 { 0 } else { 0x1b }
}

/// The S-box: the inverse in the field of AES, then an affine map (FIPS 197, 5.1.1).
static SBOX: [u8; 256] = {
    let mut sbox = [0x63; 256];
    // p runs through all non-zero numbers as powers of 3, q through their inverses.
    let (mut p, mut q) = (1_u8, 1_u8);
    loop {
        p ^= double(p);
        q ^= q << 1;
        q ^= q << 2;
        q ^= q << 4;
        if q & 0x80 != 0 {
            q ^= 0x09;
        }
        let affine = q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4);
        sbox[p as usize] = affine ^ 0x63;
        if p == 1 {
            break;
        }
    }
    sbox
};

/// The round as an instruction.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // The instruction is only reachable through an intrinsic.
mod hardware {
    use std::arch::x86_64::{__m128i, _mm_aesenc_si128, _mm_aesenclast_si128};
    use std::mem::transmute;

    use super::{Lane, Round, arm64};

    pub(super) fn available() -> bool {
        is_x86_feature_detected!("aes")
    }

    #[derive(Clone, Copy)]
    struct Instruction;

    impl Round for Instruction {
        #[inline(always)]
        fn round(self, state: Lane, key: Lane) -> Lane {
            // SAFETY: `Instruction` is only made in functions that are compiled for, and called on,
            // processors with AES; the types have the same size and no invalid values.
            unsafe {
                transmute(_mm_aesenc_si128(
                    transmute::<Lane, __m128i>(state),
                    transmute::<Lane, __m128i>(key),
                ))
            }
        }

        #[inline(always)]
        fn last(self, state: Lane) -> Lane {
            // SAFETY: as above.
            unsafe {
                transmute(_mm_aesenclast_si128(
                    transmute::<Lane, __m128i>(state),
                    transmute::<Lane, __m128i>(0),
                ))
            }
        }
    }

    #[inline]
    pub(super) fn word(state: Lane, keys: &[Lane; 8]) -> u64 {
        #[target_feature(enable = "aes")]
        fn rounds(state: Lane, [k0, k1, k2, ..]: &[Lane; 8]) -> u64 {
            let r = Instruction;
            r.round(r.round(r.round(state, *k0), *k1), *k2) as u64
        }
        // SAFETY: the caller has asked `available`.
        unsafe { rounds(state, keys) }
    }

    #[inline]
    pub(super) fn memory(bytes: &[u8], seed: u64, keys: &[Lane; 8]) -> u64 {
        #[target_feature(enable = "aes")]
        fn rounds(bytes: &[u8], seed: u64, keys: &[Lane; 8]) -> u64 {
            super::memory(Instruction, bytes, seed, keys)
        }
        // SAFETY: the caller has asked `available`.
        unsafe { rounds(bytes, seed, keys) }
    }

    #[inline]
    pub(super) fn arm64_word(state: Lane, key: Lane) -> u64 {
        #[target_feature(enable = "aes")]
        fn rounds(state: Lane, key: Lane) -> u64 {
            arm64::word(Instruction, state, key)
        }
        // SAFETY: the caller has asked `available`.
        unsafe { rounds(state, key) }
    }

    #[inline]
    pub(super) fn arm64_memory(bytes: &[u8], seed: u64, keys: &[Lane; 8]) -> u64 {
        #[target_feature(enable = "aes")]
        fn rounds(bytes: &[u8], seed: u64, keys: &[Lane; 8]) -> u64 {
            arm64::memory(Instruction, bytes, seed, keys)
        }
        // SAFETY: the caller has asked `available`.
        unsafe { rounds(bytes, seed, keys) }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod hardware {
    use super::{Lane, Round, Table, arm64};

    pub(super) fn available() -> bool {
        false
    }

    pub(super) fn word(state: Lane, [k0, k1, k2, ..]: &[Lane; 8]) -> u64 {
        Table.round(Table.round(Table.round(state, *k0), *k1), *k2) as u64
    }

    pub(super) fn memory(bytes: &[u8], seed: u64, keys: &[Lane; 8]) -> u64 {
        super::memory(Table, bytes, seed, keys)
    }

    pub(super) fn arm64_word(state: Lane, key: Lane) -> u64 {
        arm64::word(Table, state, key)
    }

    pub(super) fn arm64_memory(bytes: &[u8], seed: u64, keys: &[Lane; 8]) -> u64 {
        arm64::memory(Table, bytes, seed, keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_and_instruction_agree() {
        let schedule: [u8; 128] = std::array::from_fn(|i| (i * 37 + 11) as u8);
        let aes = Aes::new(&schedule);
        let table = Aes {
            hardware: false,
            ..aes.clone()
        };
        let bytes: Vec<u8> = (0..700).map(|i| (i * i % 251) as u8).collect();
        for len in 0..bytes.len() {
            assert_eq!(
                aes.memory(&bytes[..len], 99),
                table.memory(&bytes[..len], 99),
                "{len}"
            );
        }
        assert_eq!(aes.word(12345, 678), table.word(12345, 678));
    }

    #[test]
    fn round_of_fips_197() {
        // FIPS 197, appendix B, round 1.
        let state =
            Lane::from_le_bytes(0x193d_e3be_a0f4_e22b_9ac6_8d2a_e9f8_4808_u128.to_be_bytes());
        let key = Lane::from_le_bytes(0xa0fa_fe17_8854_2cb1_23a3_3939_2a6c_7605_u128.to_be_bytes());
        let next =
            Lane::from_le_bytes(0xa49c_7ff2_689f_352b_6b5b_ea43_026a_5049_u128.to_be_bytes());
        assert_eq!(Table.round(state, key), next);
        // The same state after SubBytes and ShiftRows.
        let shifted =
            Lane::from_le_bytes(0xd4bf_5d30_e0b4_52ae_b841_11f1_1e27_98e5_u128.to_be_bytes());
        assert_eq!(Table.last(state), shifted);
    }
}
