//! The hash for processors without AES, after wyhash (runtime/hash64.go; from 1.27
//! internal/runtime/maps/runtime_hash64.go).

use crate::memory::{half_at, word_at};
use crate::version::GoVersion;

const M5: u64 = 0x1d8e_4e27_c47d_124f;

/// Constants that went in beside the process's keys before 1.23 (runtime/hash64.go m1 to m4).
const OLD: [u64; 4] = [
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
    0x5899_65cc_7537_4cc3,
];

/// The four numbers that the function mixes in.
#[derive(Clone, Debug)]
pub(super) struct Multiply {
    seed: u64,
    lanes: [u64; 3],
}

impl Multiply {
    pub(super) fn new(version: GoVersion, hashkey: [u64; 4]) -> Self {
        let [k0, k1, k2, k3] = hashkey;
        match version {
            GoVersion::Go1_21 | GoVersion::Go1_22 => Self {
                seed: k0 ^ OLD[0],
                lanes: [OLD[1], OLD[2], OLD[3]],
            },
            GoVersion::Go1_23
            | GoVersion::Go1_24
            | GoVersion::Go1_25
            | GoVersion::Go1_26
            | GoVersion::Go1_27 => Self {
                seed: k0,
                lanes: [k1, k2, k3],
            },
        }
    }

    pub(super) fn u32(&self, value: u32, seed: u64) -> u64 {
        self.short(u64::from(value), 4, seed)
    }

    pub(super) fn u64(&self, value: u64, seed: u64) -> u64 {
        self.short(value, 8, seed)
    }

    fn short(&self, value: u64, len: u64, seed: u64) -> u64 {
        mix(
            M5 ^ len,
            mix(value ^ self.lanes[0], value ^ seed ^ self.seed),
        )
    }

    pub(super) fn memory(&self, bytes: &[u8], seed: u64) -> u64 {
        let mut seed = seed ^ self.seed;
        let len = bytes.len();
        let [l0, l1, l2] = self.lanes;
        let (a, b) = match len {
            0 => return seed,
            1..4 => {
                let byte = |i: usize| u64::from(bytes.get(i).copied().unwrap_or_default());
                (byte(0) | byte(len >> 1) << 8 | byte(len - 1) << 16, 0)
            }
            4..8 => (
                u64::from(half_at(bytes, 0)),
                u64::from(half_at(bytes, len - 4)),
            ),
            8..=16 => (word_at(bytes, 0), word_at(bytes, len - 8)),
            _ => {
                let mut at = 0;
                if len > 48 {
                    let (mut seed1, mut seed2) = (seed, seed);
                    while len - at > 48 {
                        let word = |i| word_at(bytes, at + i);
                        seed = mix(word(0) ^ l0, word(8) ^ seed);
                        seed1 = mix(word(16) ^ l1, word(24) ^ seed1);
                        seed2 = mix(word(32) ^ l2, word(40) ^ seed2);
                        at += 48;
                    }
                    seed ^= seed1 ^ seed2;
                }
                while len - at > 16 {
                    seed = mix(word_at(bytes, at) ^ l0, word_at(bytes, at + 8) ^ seed);
                    at += 16;
                }
                (word_at(bytes, len - 16), word_at(bytes, len - 8))
            }
        };
        mix(M5 ^ len as u64, mix(a ^ l0, b ^ seed))
    }
}

fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}
