//! Entry points that the user names: what starts goroutines, and what they share.

use crate::library::{Runs, Serves};
use rustc_hash::FxHashSet;
use tophash_flow::FuncName;
use tophash_syntax::Symbol;

/// Functions that run others in goroutines, and types whose methods run at the same time,
/// beside those that are known of libraries.
#[derive(Clone, Default, Debug)]
pub struct EntryPoints {
    entry_points: FxHashSet<FuncName>,
    handlers: FxHashSet<FuncName>,
    shared_types: FxHashSet<(Symbol, Symbol)>,
}

impl EntryPoints {
    /// Of names with the import paths of their packages: `import/path.Function` and
    /// `import/path.Type.Method` for those that start one goroutine for each function they are
    /// given, and for those that start several; `import/path.Type` for types of which
    /// several goroutines call methods at once. Names of another form mean nothing.
    pub fn new(
        entry_points: &[String],
        handlers: &[String],
        shared_types: &[String],
    ) -> EntryPoints {
        let functions = |names: &[String]| names.iter().flat_map(|name| readings(name)).collect();
        EntryPoints {
            entry_points: functions(entry_points),
            handlers: functions(handlers),
            shared_types: shared_types
                .iter()
                .filter_map(|name| name.rsplit_once('.'))
                .map(|(package, name)| (Symbol::new(package), Symbol::new(name)))
                .collect(),
        }
    }

    /// What a function does with the functions and objects it is given.
    pub(crate) fn serves(&self, name: FuncName) -> Option<(Runs, Serves)> {
        let many = self.handlers.contains(&name);
        let known = many || self.entry_points.contains(&name);
        known.then_some((Runs::Apart { many }, Serves::Exported))
    }

    /// Whether several goroutines call methods of a type at once.
    pub(crate) fn is_shared(&self, package: Symbol, name: Symbol) -> bool {
        self.shared_types.contains(&(package, name))
    }

    /// The last names of the functions, by which calls of them are looked for.
    pub(crate) fn names(&self) -> impl Iterator<Item = Symbol> {
        let functions = self.entry_points.iter().chain(&self.handlers);
        functions.map(|name| name.name)
    }

    /// Whether a package declares a type that goroutines share.
    pub(crate) fn shares_of(&self, package: Symbol) -> bool {
        self.shared_types.iter().any(|(path, _)| *path == package)
    }
}

/// What a name may mean: the last element of an import path may have dots, too.
fn readings(name: &str) -> Vec<FuncName> {
    let Some((front, last)) = name.rsplit_once('.') else {
        return Vec::new();
    };
    let function = FuncName {
        package: Symbol::new(front),
        receiver: None,
        name: Symbol::new(last),
    };
    let method = front.rsplit_once('.').map(|(package, receiver)| FuncName {
        package: Symbol::new(package),
        receiver: Some(Symbol::new(receiver)),
        name: Symbol::new(last),
    });
    std::iter::once(function).chain(method).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_in_import_paths() {
        let entries = EntryPoints::new(
            &["gopkg.in/pool.v2.Submit".into(), "a.test/b.Pool.Go".into()],
            &["plain".into()],
            &["gopkg.in/pool.v2.Pool".into()],
        );
        let serves = |package: &str, receiver: Option<&str>, name: &str| {
            let name = FuncName {
                package: Symbol::new(package),
                receiver: receiver.map(Symbol::new),
                name: Symbol::new(name),
            };
            entries.serves(name).is_some()
        };
        assert!(serves("gopkg.in/pool.v2", None, "Submit"));
        assert!(serves("a.test/b", Some("Pool"), "Go"));
        assert!(!serves("a.test/b", None, "Go"));
        assert!(!serves("", None, "plain"));
        let pool = Symbol::new("Pool");
        assert!(entries.is_shared(Symbol::new("gopkg.in/pool.v2"), pool));
        assert!(!entries.is_shared(Symbol::new("gopkg.in/pool"), pool));
    }
}
