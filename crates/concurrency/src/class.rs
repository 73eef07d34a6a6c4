//! Names for the shared variables of a package: maps and locks.

use rustc_hash::FxHashMap;
use tophash_flow::{FuncName, VarId};
use tophash_syntax::Symbol;

/// A function declaration of the package under analysis, by its place in the package's table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct UnitId(pub u32);

/// Where a class starts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Root {
    /// A defined struct type: package path and name.
    Type(Symbol, Symbol),
    /// A package-level variable: package path and name.
    Global(Symbol, Symbol),
    /// A variable of a function, or a parameter, which stands for what callers pass.
    Local(UnitId, VarId),
    /// What a function whose body is not known returns: a lock out of a table of locks.
    Made(FuncName),
}

/// A step from a variable to a part of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Step {
    /// A field.
    Field(Symbol),
    /// An element of a map, slice or array.
    Elem,
    /// What an `atomic.Value` or `atomic.Pointer` holds.
    Loaded,
}

/// All variables that one name in the source stands for. A field of a defined struct type
/// is one class, whichever object it is a field of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Class {
    pub root: Root,
    pub steps: Vec<Step>,
}

/// A class of a package.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct ClassId(pub u32);

/// No variable is a part of a part of a part more often than this.
const MAX_STEPS: usize = 6;

/// The classes of a package, each once.
#[derive(Default)]
pub(crate) struct Classes {
    list: Vec<Class>,
    ids: FxHashMap<Class, ClassId>,
}

impl Classes {
    pub(crate) fn root(&mut self, root: Root) -> ClassId {
        self.intern(Class {
            root,
            steps: Vec::new(),
        })
    }

    pub(crate) fn intern(&mut self, class: Class) -> ClassId {
        if let Some(&id) = self.ids.get(&class) {
            return id;
        }
        let id = ClassId(self.list.len() as u32);
        self.list.push(class.clone());
        self.ids.insert(class, id);
        id
    }

    pub(crate) fn get(&self, id: ClassId) -> &Class {
        &self.list[id.0 as usize]
    }

    /// A part of a class. Parts nested too deep are one with what they are parts of.
    pub(crate) fn step(&mut self, id: ClassId, step: Step) -> ClassId {
        let mut class = self.get(id).clone();
        if class.steps.len() >= MAX_STEPS {
            return id;
        }
        class.steps.push(step);
        self.intern(class)
    }

    /// `id` with the variable at its root replaced by another class.
    pub(crate) fn rebase(&mut self, id: ClassId, onto: ClassId) -> ClassId {
        let steps = self.get(id).steps.clone();
        steps
            .into_iter()
            .fold(onto, |class, step| self.step(class, step))
    }

    /// Whether the classes have a struct in common that they are parts of, or are
    /// variables of the same package or function.
    pub(crate) fn are_siblings(&self, a: ClassId, b: ClassId) -> bool {
        match (self.get(a).root, self.get(b).root) {
            (Root::Local(a, _), Root::Local(b, _)) => a == b,
            (Root::Global(a, x), Root::Global(b, y)) => a == b || x == y,
            (a, b) => a == b,
        }
    }
}
