//! Scripts of map operations, drawn at random.

use tophash_runtime::SplitMix;

/// Element values that a script chooses from.
pub const ELEMS: u64 = 32;
/// Iterations that may be under way at once.
pub const ITERATORS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Put(u32, u32),
    Get(u32),
    Delete(u32),
    Clear,
    IterStart(u32),
    IterNext(u32, u32),
    Dump,
    Clone,
}

#[derive(Clone, Debug)]
pub struct Script {
    pub ty: u32,
    pub hint: i64,
    pub keys: u32,
    pub key_seed: u64,
    pub ops: Vec<Op>,
}

impl Op {
    fn encode(self) -> (u8, u32, u32) {
        match self {
            Self::Put(key, elem) => (0, key, elem),
            Self::Get(key) => (1, key, 0),
            Self::Delete(key) => (2, key, 0),
            Self::Clear => (3, 0, 0),
            Self::IterStart(slot) => (4, slot, 0),
            Self::IterNext(slot, n) => (5, slot, n),
            Self::Dump => (6, 0, 0),
            Self::Clone => (7, 0, 0),
        }
    }

    fn decode(code: u8, a: u32, b: u32) -> Option<Self> {
        Some(match code {
            0 => Self::Put(a, b),
            1 => Self::Get(a),
            2 => Self::Delete(a),
            3 => Self::Clear,
            4 => Self::IterStart(a),
            5 => Self::IterNext(a, b),
            6 => Self::Dump,
            7 => Self::Clone,
            _ => return None,
        })
    }
}

impl Script {
    /// The script as the replay program reads it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.ty.to_le_bytes());
        out.extend(self.hint.to_le_bytes());
        out.extend(self.keys.to_le_bytes());
        out.extend(self.key_seed.to_le_bytes());
        out.extend((self.ops.len() as u32).to_le_bytes());
        for op in &self.ops {
            let (code, a, b) = op.encode();
            out.push(code);
            out.extend(a.to_le_bytes());
            out.extend(b.to_le_bytes());
        }
    }

    /// Reads a script back.
    pub fn decode(input: &mut &[u8]) -> Option<Self> {
        fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
            let (head, rest) = input.split_first_chunk()?;
            *input = rest;
            Some(*head)
        }
        let ty = u32::from_le_bytes(take(input)?);
        let hint = i64::from_le_bytes(take(input)?);
        let keys = u32::from_le_bytes(take(input)?);
        let key_seed = u64::from_le_bytes(take(input)?);
        let ops = u32::from_le_bytes(take(input)?);
        let mut op = || {
            let [code] = take(input)?;
            Op::decode(
                code,
                u32::from_le_bytes(take(input)?),
                u32::from_le_bytes(take(input)?),
            )
        };
        let ops = (0..ops).map(|_| op()).collect::<Option<_>>()?;
        Some(Self {
            ty,
            hint,
            keys,
            key_seed,
            ops,
        })
    }

    /// A script for one of `types` map types. `clones` says whether `maps.Clone` can be replayed.
    pub fn random(rng: &mut SplitMix, types: u32, clones: bool, largest: u64) -> Self {
        if largest >= 1600 && rng.below(300) == 0 {
            let ty = rng.below(u64::from(types)) as u32;
            return Self::churn(rng, ty);
        }
        let keys = match rng.below(100) {
            0..40 => 1 + rng.below(20),
            40..82 => 20 + rng.below(200),
            82..98 => 200 + rng.below(1000),
            98 => 1200 + rng.below(3000),
            _ => 4000 + rng.below(6000),
        }
        .min(largest);
        let hint = match rng.below(10) {
            0 => rng.below(16) as i64,
            1 => rng.below(keys + 1) as i64,
            2 => rng.below(4 * keys.min(1000)) as i64,
            3 => -1,
            _ => 0,
        };
        let mut script = Self {
            ty: rng.below(u64::from(types)) as u32,
            hint,
            keys: keys as u32,
            key_seed: rng.next_u64(),
            ops: Vec::new(),
        };
        for _ in 0..1 + rng.below(4) {
            script.phase(rng, clones);
            script.ops.push(Op::Dump);
        }
        if keys < 220 && rng.below(25) == 0 {
            script.watch(1 + rng.below(8) as usize);
        }
        script
    }

    /// A map that is kept nearly full while its keys change, until so many overflow buckets have
    /// piled up that the classic map grows to the same size. That is over after a few operations,
    /// so it is dumped often.
    fn churn(rng: &mut SplitMix, ty: u32) -> Self {
        let load = (25 << rng.below(4)) as u32;
        let keys = 8 * load;
        let mut ops: Vec<Op> = (0..load).map(|key| Op::Put(key, key % 5)).collect();
        let turns = (0..60 * load).map(|turn| (turn % keys, (turn + load) % keys));
        ops.extend(turns.flat_map(|(gone, new)| [Op::Delete(gone), Op::Put(new, new % 7)]));
        let mut script = Self {
            ty,
            hint: 0,
            keys,
            key_seed: rng.next_u64(),
            ops,
        };
        script.watch(2 + rng.below(9) as usize);
        script
    }

    /// Dumps the map after every `interval` operations besides.
    fn watch(&mut self, interval: usize) {
        let ops = self.ops.chunks(interval);
        self.ops = ops
            .flat_map(|ops| ops.iter().copied().chain([Op::Dump]))
            .collect();
    }

    /// A map of a million slots, filled, thinned out and filled again.
    pub fn huge(ty: u32, keys: u32) -> Self {
        let mut ops: Vec<Op> = (0..keys).map(|key| Op::Put(key, key % 7)).collect();
        ops.push(Op::Dump);
        ops.extend((0..keys).filter(|key| key % 5 != 0).map(Op::Delete));
        ops.extend([Op::IterStart(0), Op::IterNext(0, keys / 10), Op::Dump]);
        ops.extend((0..keys).step_by(3).map(|key| Op::Put(key, key % 11)));
        ops.extend([
            Op::IterNext(0, keys),
            Op::Dump,
            Op::Clear,
            Op::Put(1, 1),
            Op::Dump,
        ]);
        Self {
            ty,
            hint: 0,
            keys,
            key_seed: 1,
            ops,
        }
    }

    /// A stretch of operations with one mix, such as filling, emptying or churning.
    fn phase(&mut self, rng: &mut SplitMix, clones: bool) {
        let keys = u64::from(self.keys);
        // Of 1,000: assignments, deletions, look-ups; the rest are steps of iterations.
        let (put, delete, get) = match rng.below(8) {
            0..2 => (900, 20, 40),
            2 => (500, 450, 20),
            3 => (100, 850, 20),
            4 => (300, 300, 300),
            5 => (480, 500, 10),
            6 => (300, 50, 50),
            _ => (950, 0, 0),
        };
        // Deletion that follows insertion at a distance churns through all keys.
        let queue = rng.below(4) == 0;
        // At a constant load near the limit, overflow buckets pile up until the classic map grows
        // to the same size.
        let load = 6 << rng.below(8);
        let distance = if load < keys {
            load - rng.below(3)
        } else {
            1 + rng.below(keys)
        };
        let len = 1 + rng.below(if queue { 6 } else { 2 } * keys + 20);
        let mut next = rng.below(keys);
        for _ in 0..len {
            let key = rng.below(keys) as u32;
            let elem = rng.below(ELEMS) as u32;
            if queue {
                self.ops.push(Op::Put((next % keys) as u32, elem));
                self.ops
                    .push(Op::Delete(((next + keys - distance) % keys) as u32));
                next += 1;
                continue;
            }
            let slot = rng.below(ITERATORS as u64) as u32;
            let op = match rng.below(1000) {
                n if n < put => Op::Put(key, elem),
                n if n < put + delete => Op::Delete(key),
                n if n < put + delete + get => Op::Get(key),
                n if n % 8 == 0 => Op::IterStart(slot),
                _ => Op::IterNext(slot, 1 + rng.below(12) as u32),
            };
            self.ops.push(op);
        }
        match rng.below(12) {
            0 => self.ops.push(Op::Clear),
            1 if clones => self.ops.push(Op::Clone),
            2 => self
                .ops
                .push(Op::IterNext(rng.below(ITERATORS as u64) as u32, 1 << 20)),
            3 => {
                self.ops.push(Op::IterStart(0));
                self.ops.push(Op::IterNext(0, rng.below(keys + 1) as u32));
            }
            4 => self.ops.extend((0..self.keys).map(Op::Delete)),
            _ => {}
        }
        if rng.below(16) == 0 {
            self.ops.push(Op::Dump);
        }
    }
}
