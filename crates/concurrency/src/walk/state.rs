//! What is known at a point of a function.

use crate::class::ClassId;
use crate::facts::{Locks, Sent};
use crate::lock::{Held, LockSet, Mode};
use crate::value::{Base, Val};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use tophash_flow::{PlaceId, VarId};

/// What is known at a point of a function.
#[derive(Clone, Default)]
pub(crate) struct State {
    /// Locks held on every way here, and taken since the function began.
    pub must: LockSet,
    /// Locks held on some way here.
    pub may: LockSet,
    /// Locks released on some way here that were taken elsewhere.
    pub released: SmallVec<[ClassId; 2]>,
    /// What variables stand for; nothing is known of the others.
    pub env: FxHashMap<VarId, Val>,
    /// What fields of local structs hold.
    pub fields: FxHashMap<PlaceId, Val>,
    /// Variables into which a new map was put, with no lock released since.
    pub filling: SmallVec<[ClassId; 2]>,
    /// Objects made here that others have.
    pub published: SmallVec<[PlaceId; 4]>,
    /// Those of them that only goroutines started here have.
    pub lent: SmallVec<[PlaceId; 2]>,
    /// Objects made here that lie in others made here: the whole, then the part.
    pub parts: SmallVec<[(PlaceId, PlaceId); 4]>,
    /// Goroutines started here that may be at work, by the place of the `go` statement.
    pub running: SmallVec<[u32; 2]>,
    /// Maps that goroutines were given that go their own way.
    pub sent: SmallVec<[Sent; 1]>,
}

impl State {
    /// Keeps what holds in both; says whether that changed anything.
    pub(crate) fn join(&mut self, from: &State) -> bool {
        let mut changed = self.must.intersect(&from.must);
        changed |= self.may.unite(&from.may);
        changed |= unite(&mut self.released, &from.released);
        // Given away on one way is given away.
        let given = |state: &State, made: &PlaceId| {
            state.published.contains(made) && !state.lent.contains(made)
        };
        let mut lent = self.lent.clone();
        unite(&mut lent, &from.lent);
        lent.retain(|made| !given(self, made) && !given(from, made));
        changed |= lent != self.lent;
        self.lent = lent;
        changed |= unite(&mut self.published, &from.published);
        changed |= unite(&mut self.parts, &from.parts);
        changed |= unite(&mut self.running, &from.running);
        changed |= unite(&mut self.sent, &from.sent);
        let filling = self.filling.len();
        self.filling.retain(|class| from.filling.contains(class));
        changed |= filling != self.filling.len();
        let fields = self.fields.len();
        self.fields
            .retain(|place, val| from.fields.get(place) == Some(val));
        changed |= fields != self.fields.len();
        self.env.retain(|var, val| match from.env.get(var) {
            Some(other) if other == val => true,
            Some(Val::Nil) => true,
            Some(other) if *val == Val::Nil => {
                *val = other.clone();
                changed = true;
                true
            }
            Some(other) => match join_alias(val, other) {
                Some(joined) => {
                    changed |= joined != *val;
                    *val = joined;
                    true
                }
                None => {
                    changed = true;
                    false
                }
            },
            None => {
                changed = true;
                false
            }
        });
        changed
    }

    pub(crate) fn locks(&self) -> Locks {
        Locks {
            must: self.must.clone(),
            may: self.may.clone(),
            released: self.released.clone(),
        }
    }

    pub(crate) fn acquire(&mut self, held: Held) {
        self.must.add(held);
        self.may.add(held);
    }

    pub(crate) fn release(&mut self, class: ClassId, mode: Mode, place: Option<PlaceId>) {
        self.filling.clear();
        let must = self.must.remove(class, mode, place);
        let may = self.may.remove(class, mode, place);
        if !must && !may && !self.released.contains(&class) {
            self.released.push(class);
        }
    }

    /// How an object is come by, as seen from here.
    pub(crate) fn seen(&self, base: Base) -> Base {
        match base {
            Base::Fresh(made) if self.published.contains(&made) => Base::Shared,
            base => base,
        }
    }

    /// What was taken out of variables of a class is no longer found there.
    pub(crate) fn forget_taken(&mut self, class: ClassId) {
        self.sent.retain(|sent| sent.class != Some(class));
        self.env
            .retain(|_, val| !matches!(val, Val::Alias { class: old, .. } if *old == class));
    }

    /// An allocation is executed again: nobody has the new object.
    pub(crate) fn forget_made(&mut self, made: PlaceId) {
        self.sent.retain(|sent| sent.made != Some(made));
        self.published.retain(|p| *p != made);
        self.lent.retain(|p| *p != made);
        self.parts
            .retain(|(whole, part)| *whole != made && *part != made);
    }

    /// Others have an object from here on, and what lies in it.
    pub(crate) fn publish(&mut self, made: PlaceId) {
        let mut open = vec![made];
        while let Some(made) = open.pop() {
            let lent = self.lent.iter().position(|&p| p == made);
            match lent {
                Some(at) => {
                    self.lent.remove(at);
                }
                None if self.published.contains(&made) => continue,
                None => self.published.push(made),
            }
            let parts = self.parts.iter().filter(|(whole, _)| *whole == made);
            open.extend(parts.map(|(_, part)| *part));
        }
    }

    /// A goroutine has an object from here on, until it is waited for.
    pub(crate) fn lend_val(&mut self, val: &Val) {
        let before = self.published.len();
        let lent = self.lent.clone();
        self.publish_val(val);
        self.lent = lent;
        let new = self.published[before..].iter().copied();
        self.lent.extend(new);
    }

    /// The goroutines that were started here have ended.
    pub(crate) fn waited(&mut self) {
        self.running.clear();
        self.sent.clear();
        let lent = std::mem::take(&mut self.lent);
        self.published.retain(|made| !lent.contains(made));
    }

    pub(crate) fn publish_val(&mut self, val: &Val) {
        if let Some(made) = made(val) {
            self.publish(made);
        }
    }

    /// A value is stored in an object.
    pub(crate) fn keep(&mut self, into: Base, val: &Val) {
        let Some(part) = made(val) else { return };
        match self.seen(into) {
            Base::Fresh(whole) => {
                if whole != part && !self.parts.contains(&(whole, part)) {
                    self.parts.push((whole, part));
                }
            }
            _ => self.publish(part),
        }
    }
}

/// The object made here that a value is or leads to.
fn made(val: &Val) -> Option<PlaceId> {
    match val {
        Val::Fresh { made, .. } => Some(*made),
        Val::Alias {
            base: Base::Fresh(made),
            ..
        } => Some(*made),
        Val::Func(_, Some(Base::Fresh(made))) => Some(*made),
        _ => None,
    }
}

/// Two ways to the same class: what they agree on.
fn join_alias(a: &Val, b: &Val) -> Option<Val> {
    let (
        Val::Alias { class, base, taken },
        Val::Alias {
            class: other,
            base: other_base,
            taken: other_taken,
        },
    ) = (a, b)
    else {
        return None;
    };
    if class != other {
        return None;
    }
    Some(Val::Alias {
        class: *class,
        base: if base == other_base {
            *base
        } else {
            Base::Unknown
        },
        taken: if taken == other_taken {
            taken.clone()
        } else {
            None
        },
    })
}

fn unite<const N: usize, T: Copy + PartialEq>(
    into: &mut SmallVec<[T; N]>,
    from: &SmallVec<[T; N]>,
) -> bool
where
    [T; N]: smallvec::Array<Item = T>,
{
    let before = into.len();
    for item in from {
        if !into.contains(item) {
            into.push(*item);
        }
    }
    before != into.len()
}
