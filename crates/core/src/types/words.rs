//! What the words of interface values stand for, and types as the runtime crate asks for them.

use std::borrow::Cow;
use std::sync::Arc;

use tophash_runtime::types::GoType;

use super::{TypeId, Types, descriptor};

/// `abi.ITab`: the interface's type, then that of the value.
const ITAB_TYPE: u64 = 8;

/// Keys are shorter; what claims more is damage, and would take long to hash.
const MAX_READ: u64 = 1 << 26;

impl Types<'_> {
    /// The type of the value in an interface, by the first word of the interface: a type if the
    /// interface has no methods, otherwise an itab. Which of them it is can be told from what lies
    /// there: the first word of an itab points to an interface type, that of a type is a size.
    #[must_use]
    pub fn dynamic(&self, word: u64) -> Option<TypeId> {
        if word == 0 || !word.is_multiple_of(8) {
            return None;
        }
        self.words.get(word, || {
            if self.is_itab(word) {
                let id = TypeId(self.memory.u64(word.checked_add(ITAB_TYPE)?)?);
                return self.get(id).map(|_| id);
            }
            let id = TypeId(word);
            self.get(id).map(|_| id)
        })
    }

    /// Whether a word is an itab, by what its first word points to.
    #[must_use]
    pub fn is_itab(&self, word: u64) -> bool {
        let interface = self.memory.u64(word);
        interface.is_some_and(|interface| {
            interface != 0
                && interface.is_multiple_of(8)
                && descriptor::is_interface(self, interface)
        })
    }

    /// Whether an interface holds values of this type in its second word itself.
    #[must_use]
    pub fn is_direct(&self, id: TypeId) -> bool {
        self.image(id).is_some_and(|ty| ty.is_direct_in_interface())
    }
}

impl tophash_runtime::Memory for Types<'_> {
    fn bytes(&self, address: u64, len: u64) -> Option<Cow<'_, [u8]>> {
        if len == 0 {
            return Some(Cow::Borrowed(&[]));
        }
        if len > MAX_READ {
            return None;
        }
        self.memory.read(address, usize::try_from(len).ok()?)
    }

    fn dynamic_type(&self, word: u64) -> Option<Arc<GoType>> {
        self.image(self.dynamic(word)?)
    }
}
