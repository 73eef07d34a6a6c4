//! The hash of arm64 processors with AES instructions (runtime/asm_arm64.s `aeshashbody`,
//! `memhash32`, `memhash64`; from 1.27 internal/runtime/maps/memhash_arm64.s).
//!
//! It has the outline of that of amd64, but its rounds add the key before they substitute, its
//! last round of longer keys does not mix columns, and short keys are padded otherwise. `AESE`
//! with `AESMC` is `AESENC` of the sum of both operands with a key of zeros.

use super::{Lane, Round, Table, hardware, lane_at, lanes};
use crate::memory::{half_at, word_at};
use crate::version::GoVersion;

/// A process's `aeskeysched`, as eight lanes.
#[derive(Clone, Debug)]
pub(in crate::hash) struct AesArm64 {
    keys: [Lane; 8],
    /// Whether `memhash32` takes the low half of the seed only.
    half_seed: bool,
    hardware: bool,
}

impl AesArm64 {
    pub(in crate::hash) fn new(version: GoVersion, schedule: &[u8; 128]) -> Self {
        Self {
            keys: lanes(schedule),
            half_seed: match version {
                GoVersion::Go1_21
                | GoVersion::Go1_22
                | GoVersion::Go1_23
                | GoVersion::Go1_24
                | GoVersion::Go1_25
                | GoVersion::Go1_26 => true,
                GoVersion::Go1_27 => false,
            },
            hardware: hardware::available(),
        }
    }

    /// `memhash32`. Up to 1.26 value and seed are the first two of four half words.
    pub(in crate::hash) fn u32(&self, value: u32, seed: u64) -> u64 {
        let value = Lane::from(value);
        self.word(if self.half_seed {
            Lane::from(seed as u32) | value << 32
        } else {
            Lane::from(seed) | value << 64
        })
    }

    /// `memhash64`.
    pub(in crate::hash) fn u64(&self, value: u64, seed: u64) -> u64 {
        self.word(Lane::from(seed) | Lane::from(value) << 64)
    }

    fn word(&self, state: Lane) -> u64 {
        let [key, ..] = self.keys;
        if self.hardware {
            return hardware::arm64_word(state, key);
        }
        word(Table, state, key)
    }

    /// `memhash`.
    pub(in crate::hash) fn memory(&self, bytes: &[u8], seed: u64) -> u64 {
        if self.hardware {
            return hardware::arm64_memory(bytes, seed, &self.keys);
        }
        memory(Table, bytes, seed, &self.keys)
    }
}

/// `AESE` and `AESMC`.
#[inline(always)]
fn full<R: Round>(r: R, state: Lane, key: Lane) -> Lane {
    r.round(state ^ key, 0)
}

/// Two full rounds and one that leaves columns unmixed, all with one key.
#[inline(always)]
fn finish<R: Round>(r: R, state: Lane, key: Lane) -> Lane {
    r.last(full(r, full(r, state, key), key) ^ key)
}

#[inline(always)]
pub(super) fn word<R: Round>(r: R, state: Lane, key: Lane) -> u64 {
    finish(r, state, key) as u64
}

/// `aeshashbody` over any way to compute a round.
#[inline(always)]
pub(super) fn memory<R: Round>(r: R, bytes: &[u8], seed: u64, keys: &[Lane; 8]) -> u64 {
    let len = bytes.len();
    let start = Lane::from(seed) | Lane::from(len as u64) << 64;
    let seeded = |i: usize| full(r, keys[i], start);
    let block = |at: usize| lane_at(bytes, at);
    let s0 = seeded(0);
    let result = match len {
        0 => s0,
        1..=16 => {
            let data = if len == 16 { block(0) } else { short(bytes) };
            full(r, full(r, full(r, data, s0), s0), s0)
        }
        17..=32 => finish(r, block(0), s0) ^ finish(r, block(len - 16), seeded(1)),
        33..=64 => [0, 16, len - 32, len - 16]
            .into_iter()
            .enumerate()
            .fold(0, |sum, (i, at)| sum ^ finish(r, block(at), seeded(i))),
        65..=128 => [0, 16, 32, 48, len - 64, len - 48, len - 32, len - 16]
            .into_iter()
            .enumerate()
            .fold(0, |sum, (i, at)| sum ^ finish(r, block(at), seeded(i))),
        _ => {
            // The last, perhaps overlapping 128 bytes first, then all others in order; each block
            // goes in twice, before and after the next is read.
            let mut states: [Lane; 8] = std::array::from_fn(seeded);
            let mut blocks: [Lane; 8] = std::array::from_fn(|i| block(len - 128 + 16 * i));
            for at in (0..(len - 1) / 128).map(|n| 128 * n) {
                for (i, (state, data)) in states.iter_mut().zip(&mut blocks).enumerate() {
                    let before = full(r, *state, *data);
                    *data = block(at + 16 * i);
                    *state = full(r, before, *data);
                }
            }
            states
                .into_iter()
                .zip(blocks)
                .fold(0, |sum, (state, data)| sum ^ finish(r, state, data))
        }
    };
    result as u64
}

/// One to fifteen bytes: eight, four, two and one, as there are, each in its own place.
#[inline(always)]
fn short(bytes: &[u8]) -> Lane {
    let len = bytes.len();
    let mut lane = 0;
    let mut at = 0;
    if len & 8 != 0 {
        lane |= Lane::from(word_at(bytes, 0));
        at += 8;
    }
    if len & 4 != 0 {
        lane |= Lane::from(half_at(bytes, at)) << 64;
        at += 4;
    }
    let byte = |at: usize| Lane::from(bytes.get(at).copied().unwrap_or_default());
    if len & 2 != 0 {
        lane |= (byte(at) | byte(at + 1) << 8) << 96;
        at += 2;
    }
    if len & 1 != 0 {
        lane |= byte(at) << 112;
    }
    lane
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from `runtime.memhash` and its kin of Go 1.21, 1.26 and 1.27 on arm64, with this
    /// schedule in `aeskeysched`.
    #[test]
    fn as_recorded_from_go() {
        let schedule: [u8; 128] = std::array::from_fn(|i| (i * 37 + 11) as u8);
        let seed = 0x0123_4567_89ab_cdef;
        let bytes: Vec<u8> = (0..700).map(|i| (i * i % 251) as u8).collect();
        let recorded = [
            (0, 0x3123_05b3_428f_6e3c),
            (1, 0x3048_b0c7_6aba_c406),
            (2, 0x9ede_b26a_8cd1_776e),
            (3, 0xf12a_e9e6_9ff3_938a),
            (4, 0x973c_85d8_3912_9899),
            (5, 0x5804_e30e_858b_4034),
            (7, 0xb204_959e_1dbd_5727),
            (8, 0x375a_d318_ca38_af39),
            (9, 0x27dd_ae18_6ab0_1007),
            (11, 0xab17_c5f2_54e8_56b8),
            (15, 0xadd3_41a9_3938_fbdc),
            (16, 0xefad_e5e9_b0b2_0a30),
            (17, 0x34c3_f121_e4f8_9f78),
            (31, 0x153b_e3de_595a_a366),
            (32, 0xfff6_36b7_a251_2897),
            (33, 0xcc26_94ef_c05e_9ffc),
            (50, 0x9d69_4f3c_ec5a_56ce),
            (64, 0x4e51_8b33_c8ff_65e7),
            (65, 0xd55e_fc02_fb6d_900b),
            (100, 0xea86_4abe_72b2_d931),
            (128, 0x1014_2bdd_45ff_27c4),
            (129, 0xe88c_287b_83c3_a2e0),
            (200, 0xab3b_4c2e_fb22_f3cf),
            (256, 0xd34b_ca79_5ec8_961a),
            (257, 0xc151_40d6_e585_fdca),
            (384, 0xe624_b003_67c2_09bc),
            (511, 0xbea4_809b_e058_ccd7),
            (700, 0xfae7_df60_b991_9c43),
        ];
        let new = AesArm64::new(GoVersion::Go1_27, &schedule);
        let table = AesArm64 {
            hardware: false,
            ..new.clone()
        };
        for (len, hash) in recorded {
            assert_eq!(new.memory(&bytes[..len], seed), hash, "{len}");
            assert_eq!(table.memory(&bytes[..len], seed), hash, "{len}");
        }
        let old = AesArm64::new(GoVersion::Go1_26, &schedule);
        assert_eq!(new.u64(0xfedc_ba98_7654_3210, seed), 0x5b67_0583_6216_7d60);
        assert_eq!(old.u32(0x7654_3210, seed), 0x5087_71cb_abbd_9ba9);
        assert_eq!(new.u32(0x7654_3210, seed), 0x677e_8abe_892b_38d6);
    }
}
