//! A Go map variable: nil, or one of the two kinds of map.

use tophash_runtime::classic::flags;
use tophash_runtime::{
    Build, ClassicIter, ClassicMap, Fault, Implementation, Ops, SplitMix, SwissIter, SwissMap,
};

use crate::ops::LabOps;
use crate::value::Value;

/// The map of a session.
#[derive(Debug)]
pub(crate) enum Model {
    Nil(LabOps),
    Classic(Box<ClassicMap<LabOps, SplitMix>>),
    Swiss(Box<SwissMap<LabOps, SplitMix>>),
}

/// A range loop that is not at its end.
#[derive(Clone, Debug)]
pub(crate) enum Iteration {
    Nothing,
    Classic(ClassicIter),
    Swiss(SwissIter),
}

type Visited = Option<(Value, Value)>;

impl Model {
    /// `make(map[K]V, hint)`.
    pub(crate) fn make(build: Build, ops: LabOps, seed: u64, hint: i64) -> Self {
        let random = SplitMix::new(seed);
        match build.maps {
            Implementation::Classic => {
                Self::Classic(Box::new(ClassicMap::new(build.version, ops, random, hint)))
            }
            Implementation::Swiss => {
                Self::Swiss(Box::new(SwissMap::new(build.version, ops, random, hint)))
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Nil(_) => 0,
            Self::Classic(map) => map.len(),
            Self::Swiss(map) => map.len(),
        }
    }

    pub(crate) fn ops(&self) -> &LabOps {
        match self {
            Self::Nil(ops) => ops,
            Self::Classic(map) => map.ops(),
            Self::Swiss(map) => map.ops(),
        }
    }

    pub(crate) fn get(&self, key: &Value) -> Result<Option<Value>, Fault> {
        match self {
            Self::Nil(ops) => Self::check(ops, key).map(|()| None),
            Self::Classic(map) => map.get(key).map(|elem| elem.cloned()),
            Self::Swiss(map) => map.get(key).map(|elem| elem.cloned()),
        }
    }

    fn check(ops: &LabOps, key: &Value) -> Result<(), Fault> {
        ops.check_key(key)
            .map_err(|error| Fault::Key { error, early: true })
    }

    pub(crate) fn put(&mut self, key: Value, elem: Value) -> Result<(), Fault> {
        match self {
            Self::Nil(_) => Err(Fault::NilMap),
            Self::Classic(map) => map.put(key, elem),
            Self::Swiss(map) => map.put(key, elem),
        }
    }

    pub(crate) fn delete(&mut self, key: &Value) -> Result<bool, Fault> {
        match self {
            Self::Nil(ops) => Self::check(ops, key).map(|()| false),
            Self::Classic(map) => map.delete(key),
            Self::Swiss(map) => map.delete(key),
        }
    }

    pub(crate) fn clear(&mut self) -> Result<(), Fault> {
        match self {
            Self::Nil(_) => Ok(()),
            Self::Classic(map) => map.clear(),
            Self::Swiss(map) => map.clear(),
        }
    }

    pub(crate) fn copy(&mut self, build: Build) -> Result<Self, Fault> {
        Ok(match self {
            Self::Nil(ops) => Self::Nil(ops.clone()),
            Self::Classic(map) => Self::Classic(Box::new(map.copy()?)),
            Self::Swiss(map) => Self::Swiss(Box::new(map.copy(build.version)?)),
        })
    }

    pub(crate) fn iterate(&mut self) -> Iteration {
        match self {
            Self::Nil(_) => Iteration::Nothing,
            Self::Classic(map) => Iteration::Classic(map.iter()),
            Self::Swiss(map) => Iteration::Swiss(map.iter()),
        }
    }

    /// The hash of a key with the map's seed.
    pub(crate) fn hash(&self, key: &Value) -> Result<u64, Fault> {
        let seed = match self {
            Self::Nil(_) => 0,
            Self::Classic(map) => u64::from(map.header().hash0),
            Self::Swiss(map) => map.header().seed,
        };
        Ok(self.ops().hash(key, seed, &mut || 0)?)
    }

    /// Marks the map as being written by another goroutine, or no longer.
    pub(crate) fn set_writer(&mut self, writing: bool) {
        match self {
            Self::Nil(_) => {}
            Self::Classic(map) => {
                let others = map.header().flags & !flags::HASH_WRITING;
                map.set_flags(others | if writing { flags::HASH_WRITING } else { 0 });
            }
            Self::Swiss(map) => map.set_writing(u8::from(writing)),
        }
    }
}

impl Iteration {
    /// The next entry, if there is one.
    pub(crate) fn next(&mut self, model: &Model) -> Result<Visited, Fault> {
        let entry = match (self, model) {
            (Self::Classic(iter), Model::Classic(map)) => iter.next(map)?,
            (Self::Swiss(iter), Model::Swiss(map)) => iter.next(map)?,
            _ => None,
        };
        Ok(entry.map(|(key, elem)| (key.clone(), elem.clone())))
    }
}
