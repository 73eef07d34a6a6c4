//! Replays on the models what the replay program did to real maps, and compares.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::sync::Arc;

use tophash_runtime::types::GoType;
use tophash_runtime::{
    Blocks, Build, ClassicIter, ClassicMap, Draw, Dynamic, Fault, HashKeys, Image, Implementation,
    MapType, Random, SwissIter, SwissMap,
};

use tophash_runtime::swiss::Storage;

use crate::script::{ELEMS, ITERATORS, Op, Script};
use crate::{dump, types};

/// A difference between model and map, or a stream that can't be read.
#[derive(Debug)]
pub struct Difference(pub String);

impl From<io::Error> for Difference {
    fn from(error: io::Error) -> Self {
        Self(format!("reading the record: {error}"))
    }
}

type Result<T> = std::result::Result<T, Difference>;

macro_rules! differs {
    ($($arg:tt)*) => { return Err(Difference(format!($($arg)*))) };
}

/// What the replay program writes, in little-endian binary.
struct Record<R>(R);

impl<R: Read> Record<R> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn bytes(&mut self, len: u64) -> Result<Box<[u8]>> {
        let mut bytes = vec![0; len as usize];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }

    fn string(&mut self) -> Result<String> {
        let len = self.u32()?;
        Ok(String::from_utf8_lossy(&self.bytes(len.into())?).into_owned())
    }
}

/// The random values that the runtime took during one operation.
#[derive(Clone, Default)]
struct Replay {
    seeds: VecDeque<u64>,
    iteration: VecDeque<u64>,
    nans: VecDeque<u64>,
    missing: Option<Draw>,
}

impl Random for Replay {
    fn draw(&mut self, purpose: Draw) -> u64 {
        let queue = match purpose {
            Draw::Seed => &mut self.seeds,
            Draw::Iteration => &mut self.iteration,
            Draw::NanHash => &mut self.nans,
            // Never counted here: the count is taken from the record after every operation.
            Draw::OverflowCount => return 1,
        };
        queue.pop_front().unwrap_or_else(|| {
            self.missing = Some(purpose);
            0
        })
    }
}

type Model = Dynamic<Arc<Blocks>>;

enum Map {
    Classic(ClassicMap<Model, Replay>),
    Swiss(SwissMap<Model, Replay>),
}

enum Iter {
    Classic(ClassicIter),
    Swiss(SwissIter),
}

impl Map {
    fn new(build: Build, ops: Model, random: Replay, hint: i64) -> Self {
        match build.maps {
            Implementation::Classic => {
                Self::Classic(ClassicMap::new(build.version, ops, random, hint))
            }
            Implementation::Swiss => Self::Swiss(SwissMap::new(build.version, ops, random, hint)),
        }
    }

    fn random(&mut self) -> &mut Replay {
        match self {
            Self::Classic(map) => map.random_mut(),
            Self::Swiss(map) => map.random_mut(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Classic(map) => map.len(),
            Self::Swiss(map) => map.len(),
        }
    }

    fn put(&mut self, key: Image, elem: Image) -> std::result::Result<(), Fault> {
        match self {
            Self::Classic(map) => map.put(key, elem),
            Self::Swiss(map) => map.put(key, elem),
        }
    }

    fn get(&self, key: &Image) -> std::result::Result<Option<&Image>, Fault> {
        match self {
            Self::Classic(map) => map.get(key),
            Self::Swiss(map) => map.get(key),
        }
    }

    fn delete(&mut self, key: &Image) -> std::result::Result<bool, Fault> {
        match self {
            Self::Classic(map) => map.delete(key),
            Self::Swiss(map) => map.delete(key),
        }
    }

    fn clear(&mut self) -> std::result::Result<(), Fault> {
        match self {
            Self::Classic(map) => map.clear(),
            Self::Swiss(map) => map.clear(),
        }
    }

    fn copy(&mut self, build: Build) -> std::result::Result<Self, Fault> {
        Ok(match self {
            Self::Classic(map) => Self::Classic(map.copy()?),
            Self::Swiss(map) => Self::Swiss(map.copy(build.version)?),
        })
    }

    fn iter(&mut self) -> Iter {
        match self {
            Self::Classic(map) => Iter::Classic(map.iter()),
            Self::Swiss(map) => Iter::Swiss(map.iter()),
        }
    }

    fn dump(&self) -> Vec<u8> {
        match self {
            Self::Classic(map) => dump::classic(map),
            Self::Swiss(map) => dump::swiss(map),
        }
    }
}

/// What happened in the scripts of a run, to see that they reach the corners.
#[derive(Debug, Default)]
pub struct Coverage {
    pub scripts: u64,
    pub operations: u64,
    pub dumps: u64,
    pub dumped_bytes: u64,
    pub events: BTreeMap<&'static str, u64>,
}

impl Coverage {
    fn note(&mut self, event: &'static str, happened: bool) {
        *self.events.entry(event).or_default() += u64::from(happened);
    }

    /// Notes what an operation has changed.
    fn compare(&mut self, before: &Look, after: &Look) {
        self.note(
            "growth to the same size",
            after.same_size && !before.same_size,
        );
        self.note("growth", after.size > before.size);
        self.note("split", before.tables > 0 && after.tables > before.tables);
        let pruned = after.size == before.size
            && after.tables == before.tables
            && after.tombstones + 1 < before.tombstones;
        self.note(
            "tombstones pruned",
            pruned && after.entries > before.entries,
        );
    }

    fn look(&mut self, map: &Map) {
        match map {
            Map::Classic(map) => {
                let header = map.header();
                self.note("dump while growing", map.old_buckets().is_some());
                self.note("dump in same-size growth", map.is_same_size_grow());
                self.note("dump with overflow buckets", header.noverflow > 0);
                self.note("dump at b >= 16", header.b >= 16);
            }
            Map::Swiss(map) => {
                let header = map.header();
                self.note("dump of a small map", header.dir_len == 0);
                self.note("dump with several tables", header.dir_len > 1);
                self.note("dump with tombstones possible", header.tombstone_possible);
            }
        }
    }
}

/// Numbers of a map by which one sees what an operation does.
struct Look {
    entries: usize,
    size: usize,
    tables: usize,
    tombstones: u32,
    same_size: bool,
}

impl Look {
    fn at(map: &Map) -> Self {
        let entries = map.len();
        let (mut size, mut tables, mut tombstones, mut same_size) = (0, 0, 0, false);
        match map {
            Map::Classic(map) => {
                size = map.header().b.into();
                same_size = map.is_same_size_grow();
            }
            Map::Swiss(map) => {
                if let Storage::Tables { tables: all, .. } = map.storage() {
                    tables = all.len();
                    let few = all.iter().take(4);
                    size = few.clone().map(|table| usize::from(table.capacity)).sum();
                    tombstones = few.map(|table| u32::from(table.tombstones())).sum();
                }
            }
        }
        Self {
            entries,
            size,
            tables,
            tombstones,
            same_size,
        }
    }
}

/// A run of the replay program, read as it comes.
pub struct Session<R> {
    record: Record<R>,
    pub version: String,
    pub build: Build,
    keys: HashKeys,
    pub types: Vec<String>,
    pub coverage: Coverage,
}

impl<R: Read> Session<R> {
    pub fn new(reader: R) -> Result<Self> {
        let mut record = Record(reader);
        let version = record.string()?;
        let build = Build::from_version_string(&version).map_err(|e| Difference(e.to_string()))?;
        let aes = record.u8()? != 0;
        let schedule = record.array()?;
        let mut hashkey = [0; 4];
        for key in &mut hashkey {
            *key = record.u64()?;
        }
        let keys = if aes {
            HashKeys::aes(&schedule)
        } else {
            HashKeys::multiply(build.version, hashkey)
        };
        let types = record.u32()?;
        let types = (0..types).map(|_| record.string()).collect::<Result<_>>()?;
        Ok(Self {
            record,
            version,
            build,
            keys,
            types,
            coverage: Coverage::default(),
        })
    }

    /// Whether `maps.Clone` can be replayed: where it iterates, its random values are not seen.
    pub fn clones(&self) -> bool {
        !(self.build.maps == Implementation::Swiss && self.build.version.minor() == 24)
    }

    fn check_layout(&mut self, map_type: &MapType) -> Result<()> {
        let swiss = self.record.u8()? != 0;
        let words: [u64; 5] = match self.build.maps {
            Implementation::Classic => {
                let traits = &map_type.traits;
                let pointers = if traits.pointers { 1 } else { 0 };
                [
                    map_type.key_slot,
                    map_type.elem_slot,
                    map_type.bucket().size,
                    pointers,
                    0,
                ]
            }
            Implementation::Swiss => {
                let layout = map_type.group();
                [
                    layout.size,
                    layout.keys,
                    layout.key_stride,
                    layout.elems,
                    layout.elem_stride,
                ]
            }
        };
        let mut real = [0; 5];
        for (i, word) in real.iter_mut().enumerate().take(if swiss { 5 } else { 4 }) {
            *word = self.record.u64()?;
            if !swiss && i == 3 {
                *word = u64::from(*word != 0);
            }
        }
        let flags = self.record.u32()?;
        if swiss != (self.build.maps == Implementation::Swiss) || words != real {
            differs!("layout: model {words:?}, real {real:?}");
        }
        if flags != map_type.flags() {
            differs!("flags: model {:#x}, real {flags:#x}", map_type.flags());
        }
        Ok(())
    }

    /// Replays the next script of the run.
    pub fn script(&mut self, script: &Script) -> Result<()> {
        let name = self.types[script.ty as usize].clone();
        self.replay(script, &name).map_err(|Difference(text)| {
            Difference(format!(
                "{} {name}, hint {}: {text}",
                self.version, script.hint
            ))
        })
    }

    fn replay(&mut self, script: &Script, name: &str) -> Result<()> {
        let Some((key, elem)) = types::map_type(name) else {
            differs!("unknown type")
        };
        let Some(map_type) = MapType::new(self.build, key.clone(), elem.clone()) else {
            differs!("not a map type")
        };
        self.check_layout(&map_type)?;
        let sizes = (self.record.u64()?, self.record.u64()?);
        if sizes != (key.size, elem.size) {
            differs!("sizes: model {:?}, real {sizes:?}", (key.size, elem.size));
        }
        let images = |record: &mut Record<R>, n: u64, ty: &GoType| {
            (0..n)
                .map(|_| record.bytes(ty.size))
                .collect::<Result<Vec<Image>>>()
        };
        let keys = images(&mut self.record, script.keys.into(), &key)?;
        let elems = images(&mut self.record, ELEMS, &elem)?;
        let mut memory = Blocks::default();
        for _ in 0..self.record.u32()? {
            let address = self.record.u64()?;
            let len = self.record.u32()?;
            memory.insert(address, self.record.bytes(len.into())?);
        }
        for _ in 0..self.record.u32()? {
            let word = self.record.u64()?;
            let name = self.record.string()?;
            let Some(ty) = types::go_type(&name) else {
                differs!("unknown dynamic type {name}")
            };
            memory.insert_type(word, ty);
        }
        let ops = Dynamic::new(Arc::new(map_type), self.keys.clone(), Arc::new(memory));
        let random = Replay {
            seeds: [self.record.u64()?].into(),
            ..Replay::default()
        };
        let mut map = Map::new(self.build, ops.clone(), random, script.hint);
        let mut iters: [Option<(Iter, bool)>; ITERATORS] = Default::default();
        for (number, op) in script.ops.iter().enumerate() {
            self.step(op, &mut map, &mut iters, &ops, &keys, &elems)
                .map_err(|Difference(text)| {
                    Difference(format!("operation {number}, {op:?}: {text}"))
                })?;
        }
        self.coverage.scripts += 1;
        self.coverage.operations += script.ops.len() as u64;
        Ok(())
    }

    fn step(
        &mut self,
        op: &Op,
        map: &mut Map,
        iters: &mut [Option<(Iter, bool)>; ITERATORS],
        ops: &Model,
        keys: &[Image],
        elems: &[Image],
    ) -> Result<()> {
        let flags = self.record.u8()?;
        let (has_seed, has_nan, has_overflow, panicked) = (
            flags & 1 != 0,
            flags & 2 != 0,
            flags & 4 != 0,
            flags & 8 != 0,
        );
        let mut random = Replay::default();
        if has_seed {
            random.seeds.push_back(self.record.u64()?);
        }
        if has_nan {
            for _ in 0..self.record.u32()? {
                random.nans.push_back(self.record.u64()?);
            }
        }
        let noverflow = if has_overflow {
            Some(self.record.u16()?)
        } else {
            None
        };
        self.coverage.note("NaN hashed", has_nan);
        self.coverage.note("panicked", panicked);
        let was_empty = map.len() == 0;
        let before = Look::at(map);
        *map.random() = random;
        let mut places = true;
        let result = match *op {
            Op::Put(key, elem) => map.put(keys[key as usize].clone(), elems[elem as usize].clone()),
            Op::Delete(key) => {
                places = !was_empty;
                map.delete(&keys[key as usize]).map(|_| ())
            }
            Op::Clear => map.clear(),
            Op::Clone => {
                let copy = map.copy(self.build);
                copy.map(|copy| {
                    *map = copy;
                    *iters = Default::default(); // they stay with the original
                    map.random().seeds.clear();
                })
            }
            Op::Get(key) => {
                places = false;
                let got = map.get(&keys[key as usize]).map(|elem| elem.cloned());
                let found = self.record.u8()? != 0;
                let real = self.record.bytes(ops.map_type().elem.size)?;
                match got {
                    Ok(Some(elem)) if !found || elem != real => {
                        differs!("found {elem:x?}, real {found} {real:x?}")
                    }
                    Ok(None) if found => differs!("did not find it, real {real:x?}"),
                    Ok(_) => Ok(()),
                    Err(fault) => Err(fault),
                }
            }
            Op::IterStart(slot) => {
                places = false;
                self.iter_start(map, iters, slot as usize, ops)?;
                Ok(())
            }
            Op::IterNext(slot, n) => {
                places = false;
                self.iter_next(map, iters, slot as usize, n, ops)?;
                Ok(())
            }
            Op::Dump => {
                self.dump(map)?;
                Ok(())
            }
        };
        match &result {
            Ok(()) if panicked => differs!("the model did not panic"),
            Err(fault) if !panicked => differs!("the model failed: {fault:?}"),
            _ => {}
        }
        self.coverage.compare(&before, &Look::at(map));
        let random = map.random();
        if let Some(draw) = random.missing {
            differs!("the model drew a random value more ({draw:?})");
        }
        if !random.seeds.is_empty() || (places && !random.nans.is_empty()) {
            differs!(
                "the model left {:?} seeds, {} NaNs",
                random.seeds,
                random.nans.len()
            );
        }
        if let (Some(noverflow), Map::Classic(map)) = (noverflow, map) {
            map.set_noverflow(noverflow);
        }
        Ok(())
    }

    fn iter_start(
        &mut self,
        map: &mut Map,
        iters: &mut [Option<(Iter, bool)>; ITERATORS],
        slot: usize,
        ops: &Model,
    ) -> Result<()> {
        let live = self.record.u8()? != 0;
        if live {
            let starts = [self.record.u64()?, self.record.u64()?];
            let used = if self.build.maps == Implementation::Swiss {
                2
            } else {
                1
            };
            map.random().iteration.extend(&starts[..used]);
        }
        let iter = map.iter();
        if !map.random().iteration.is_empty() {
            differs!("the model did not start an iteration");
        }
        iters[slot] = Some((iter, !live));
        if live {
            self.yielded(map, iters, slot, ops)?;
        }
        Ok(())
    }

    fn iter_next(
        &mut self,
        map: &mut Map,
        iters: &mut [Option<(Iter, bool)>; ITERATORS],
        slot: usize,
        n: u32,
        ops: &Model,
    ) -> Result<()> {
        for _ in 0..n {
            match &iters[slot] {
                Some((_, false)) => self.yielded(map, iters, slot, ops)?,
                _ => break,
            }
        }
        Ok(())
    }

    /// One step of an iteration, on both sides.
    fn yielded(
        &mut self,
        map: &mut Map,
        iters: &mut [Option<(Iter, bool)>; ITERATORS],
        slot: usize,
        ops: &Model,
    ) -> Result<()> {
        let Some((iter, ended)) = &mut iters[slot] else {
            return Ok(());
        };
        let model = match (iter, &*map) {
            (Iter::Classic(iter), Map::Classic(map)) => iter.next(map),
            (Iter::Swiss(iter), Map::Swiss(map)) => iter.next(map),
            _ => differs!("an iterator of the other map"),
        };
        let model = model.map_err(|fault| Difference(format!("iteration: {fault:?}")))?;
        let real = if self.record.u8()? == 0 {
            None
        } else {
            let map_type = ops.map_type();
            let key = self.record.bytes(map_type.key.size)?;
            Some((key, self.record.bytes(map_type.elem.size)?))
        };
        self.coverage.note("iterated", true);
        let model = model.map(|(key, elem)| (key.clone(), elem.clone()));
        if model != real {
            differs!("iteration gave {model:x?}, real {real:x?}");
        }
        *ended = real.is_none();
        Ok(())
    }

    fn dump(&mut self, map: &Map) -> Result<()> {
        let len = self.record.u32()?;
        let real = self.record.bytes(len.into())?;
        let model = map.dump();
        self.coverage.dumps += 1;
        self.coverage.dumped_bytes += u64::from(len);
        self.coverage.look(map);
        if *model != *real {
            let at = model.iter().zip(&real).position(|(a, b)| a != b);
            let at = at.unwrap_or(model.len().min(real.len()));
            let near = at.saturating_sub(8);
            let part = |bytes: &[u8]| {
                bytes
                    .get(near..(at + 24).min(bytes.len()))
                    .map(<[u8]>::to_vec)
            };
            differs!(
                "dumps of {} and {} bytes differ at {at}: model {:x?}, real {:x?} (from {near})",
                model.len(),
                real.len(),
                part(&model),
                part(&real),
            );
        }
        Ok(())
    }
}
