//! Keys and elements of a lab map, and an ear for what the model does.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tophash_runtime::{Blocks, Event, HashError, HashKeys, Hasher, MapType, Ops, SplitMix, Traits};

use crate::value::{Type, Value};

/// What models have told since it was last asked for.
pub(crate) type Trace = Rc<RefCell<Vec<Event>>>;

/// Operations on keys and elements of a lab map.
#[derive(Clone, Debug)]
pub struct LabOps {
    map_type: Arc<MapType>,
    keys: Arc<HashKeys>,
    key: Type,
    elem: Type,
    trace: Trace,
}

impl LabOps {
    /// Operations for maps of a type. They tell `trace` what happens.
    pub(crate) fn new(
        map_type: Arc<MapType>,
        keys: Arc<HashKeys>,
        key: Type,
        elem: Type,
        trace: Trace,
    ) -> Self {
        Self {
            map_type,
            keys,
            key,
            elem,
            trace,
        }
    }
}

/// The hash keys of a process that was started with this seed.
pub(crate) fn hash_keys(seed: u64) -> HashKeys {
    let mut random = SplitMix::new(seed ^ 0x7061_6c20_6b65_7973);
    let mut schedule = [0; 128];
    for word in schedule.chunks_exact_mut(8) {
        word.copy_from_slice(&random.next_u64().to_le_bytes());
    }
    HashKeys::aes(&schedule)
}

impl Ops for LabOps {
    type Key = Value;
    type Elem = Value;

    fn traits(&self) -> &Traits {
        &self.map_type.traits
    }

    fn hash(
        &self,
        key: &Value,
        seed: u64,
        random: &mut dyn FnMut() -> u64,
    ) -> Result<u64, HashError> {
        let mut memory = Blocks::default();
        let bytes = key.encode(&mut memory, &mut 0x1000);
        let mut hasher = Hasher {
            keys: &self.keys,
            memory: &memory,
            random,
        };
        hasher.key(&self.map_type.hash, &bytes, seed)
    }

    fn equal(&self, a: &Value, b: &Value) -> bool {
        a.equals(b)
    }

    fn zero_key(&self) -> Value {
        self.key.zero()
    }

    fn zero_elem(&self) -> Value {
        self.elem.zero()
    }

    fn observe(&self, event: Event) {
        self.trace.borrow_mut().push(event);
    }
}
