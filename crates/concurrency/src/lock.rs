//! Locks, how they are held, and the calls that take and release them.

use crate::class::ClassId;
use smallvec::SmallVec;
use tophash_flow::PlaceId;

/// How a lock is held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Mode {
    /// By any number of readers.
    Read,
    /// Alone.
    Write,
}

/// What a method does to the lock it is called on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LockOp {
    Acquire(Mode),
    Release(Mode),
    /// Takes the lock if it is free and says whether it did.
    Try(Mode),
}

impl LockOp {
    /// By the method's name, which locks of all makes share with those of package sync.
    pub(crate) fn of(name: &str) -> Option<LockOp> {
        Some(match name {
            "Lock" => LockOp::Acquire(Mode::Write),
            "RLock" => LockOp::Acquire(Mode::Read),
            "Unlock" => LockOp::Release(Mode::Write),
            "RUnlock" => LockOp::Release(Mode::Read),
            "TryLock" => LockOp::Try(Mode::Write),
            "TryRLock" => LockOp::Try(Mode::Read),
            _ => return None,
        })
    }
}

/// A lock that is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Held {
    pub class: ClassId,
    pub mode: Mode,
    /// The path it was taken by, to tell two locks of one class apart.
    pub place: Option<PlaceId>,
}

/// Locks that are held at some point, in the order in which they were taken.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct LockSet(SmallVec<[Held; 2]>);

impl LockSet {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Held> {
        self.0.iter()
    }

    pub(crate) fn add(&mut self, held: Held) {
        if !self.0.contains(&held) {
            self.0.push(held);
        }
    }

    pub(crate) fn add_all(&mut self, other: &LockSet) {
        other.iter().for_each(|&held| self.add(held));
    }

    /// Takes out the lock that an unlock by `place` means; false if none of the class is held.
    pub(crate) fn remove(&mut self, class: ClassId, mode: Mode, place: Option<PlaceId>) -> bool {
        let find = |fits: &dyn Fn(&Held) -> bool| self.0.iter().rposition(fits);
        let at = find(&|h| h.class == class && h.mode == mode && h.place == place)
            .or_else(|| find(&|h| h.class == class && h.mode == mode))
            .or_else(|| find(&|h| h.class == class));
        match at {
            Some(at) => {
                self.0.remove(at);
                true
            }
            None => false,
        }
    }

    /// Leaves what is held in `other`, too; says whether that changed anything.
    pub(crate) fn intersect(&mut self, other: &LockSet) -> bool {
        let before = self.0.len();
        let mut changed = false;
        self.0.retain_mut(|held| match other.mode(held.class) {
            None => false,
            Some(mode) => {
                changed |= mode < held.mode;
                held.mode = held.mode.min(mode);
                true
            }
        });
        changed || before != self.0.len()
    }

    /// Adds what is held in `other`; says whether that changed anything.
    pub(crate) fn unite(&mut self, other: &LockSet) -> bool {
        let before = self.0.len();
        self.add_all(other);
        before != self.0.len()
    }

    /// How a lock is held: alone, if both ways.
    pub(crate) fn mode(&self, class: ClassId) -> Option<Mode> {
        let modes = self.0.iter().filter(|h| h.class == class).map(|h| h.mode);
        modes.max()
    }

    pub(crate) fn without(&self, classes: &[ClassId]) -> LockSet {
        let kept = self.0.iter().filter(|h| !classes.contains(&h.class));
        LockSet(kept.copied().collect())
    }

    /// The same locks, by whatever path they were taken.
    pub(crate) fn without_places(&self) -> LockSet {
        let mut set = LockSet::default();
        for &held in &self.0 {
            set.add(Held {
                place: None,
                ..held
            });
        }
        set
    }

    /// Whether a lock is in both so that one side keeps the other out.
    pub(crate) fn excludes(&self, other: &LockSet) -> bool {
        self.0.iter().any(|held| {
            other.mode(held.class).is_some_and(|mode| {
                mode == Mode::Write || self.mode(held.class) == Some(Mode::Write)
            })
        })
    }
}
