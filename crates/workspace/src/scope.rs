//! Scopes: the rules by which the imports of a package are resolved, found for the
//! directory that it lies in.

use crate::env::{Environment, Goroot, WorkUse};
use crate::fs::FileSystem;
use crate::gopath::{TreeScope, TreeTop};
use crate::model::ScopeId;
use crate::modfile::{ModFile, WorkFile};
use crate::modules::{Module, ModuleScope, join_clean, slash_path, used_dirs};
use crate::version::GoVersion;
use rustc_hash::FxHashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How imports of a package are resolved.
pub(crate) enum Scope {
    /// Inside a GOROOT.
    Standard,
    /// In the modules of one build.
    Modules(Box<ModuleScope>),
    /// In trees without modules.
    Tree(TreeScope),
}

/// Where a package lies and what it is called there.
pub(crate) struct Location {
    pub(crate) scope: ScopeId,
    pub(crate) dir: PathBuf,
    pub(crate) import_path: String,
    pub(crate) module: Option<Arc<Module>>,
}

/// All scopes of a run.
pub(crate) struct Scopes {
    pub(crate) env: Environment,
    working_dir: PathBuf,
    list: Vec<Scope>,
    by_key: FxHashMap<Key, ScopeId>,
}

/// What the directories of one scope have in common.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Work(PathBuf),
    Module(PathBuf),
    Tree(TreeTop),
}

pub(crate) const STANDARD: ScopeId = ScopeId(0);

impl Scopes {
    /// No scope yet but that of the GOROOT. When the working directory is itself in
    /// the source tree of a Go distribution, that one is meant; otherwise its module
    /// has a say in the choice.
    pub(crate) fn new(fs: &FileSystem, env: Environment, working_dir: &Path) -> Scopes {
        let env = match enclosing_goroot(fs, working_dir) {
            Some(goroot) => env.with_goroot(goroot),
            None => env,
        };
        let mut scopes = Scopes {
            env,
            working_dir: working_dir.to_owned(),
            list: vec![Scope::Standard],
            by_key: FxHashMap::default(),
        };
        if let Some(version) = scopes.required_version(fs, working_dir) {
            scopes.env = scopes.env.for_version(version);
        }
        scopes
    }

    pub(crate) fn get(&self, id: ScopeId) -> &Scope {
        // Ids come from this table only.
        &self.list[id.0 as usize]
    }

    /// The scope that a directory belongs to.
    pub(crate) fn of_dir(&mut self, fs: &FileSystem, dir: &Path) -> ScopeId {
        if self
            .env
            .goroot
            .as_ref()
            .is_some_and(|root| dir.starts_with(&root.src))
        {
            return STANDARD;
        }
        if self.env.modules {
            let module_dir = enclosing_module(fs, dir);
            // Outside of all modules, as at the top of most workspaces, the modules of
            // the workspace can be named.
            if let Some(work_file) = self.work_file(fs, dir)
                && module_dir.is_none_or(|module_dir| self.uses(fs, &work_file, module_dir))
            {
                return self.add(Key::Work(work_file.clone()), |env| {
                    Scope::Modules(Box::new(ModuleScope::of_work(fs, env, &work_file)))
                });
            }
            if let Some(module_dir) = module_dir {
                return self.add(Key::Module(module_dir.to_owned()), |env| {
                    Scope::Modules(Box::new(ModuleScope::of_module(fs, env, module_dir)))
                });
            }
        }
        let top = TreeTop::above(fs, &self.env, dir, &self.working_dir);
        self.add(Key::Tree(top.clone()), |env| {
            Scope::Tree(TreeScope::new(fs, env, top))
        })
    }

    fn add(&mut self, key: Key, make: impl FnOnce(&Environment) -> Scope) -> ScopeId {
        if let Some(id) = self.by_key.get(&key) {
            return *id;
        }
        let id = ScopeId(self.list.len() as u32);
        self.list.push(make(&self.env));
        self.by_key.insert(key, id);
        id
    }

    /// Whether a `go.work` uses the module in a directory.
    fn uses(&self, fs: &FileSystem, work_file: &Path, module_dir: &Path) -> bool {
        if let Some(id) = self.by_key.get(&Key::Work(work_file.to_owned()))
            && let Scope::Modules(modules) = self.get(*id)
        {
            return modules.main.iter().any(|m| m.module.dir == module_dir);
        }
        let work_dir = work_file.parent().unwrap_or(work_file);
        let file = WorkFile::parse(&fs.read_text(work_file).unwrap_or_default());
        used_dirs(work_dir, &file)
            .iter()
            .any(|dir| dir == module_dir)
    }

    /// The Go version that the `go.work` or `go.mod` of a directory asks for.
    fn required_version(&self, fs: &FileSystem, dir: &Path) -> Option<GoVersion> {
        if let Some(file) = self.work_file(fs, dir) {
            return WorkFile::parse(&fs.read_text(&file)?).go;
        }
        let file = enclosing_module(fs, dir)?.join("go.mod");
        ModFile::parse(&fs.read_text(&file)?).go
    }

    fn work_file(&self, fs: &FileSystem, dir: &Path) -> Option<PathBuf> {
        match &self.env.work {
            WorkUse::Off => None,
            WorkUse::File(file) => Some(file.clone()),
            WorkUse::Auto => {
                let above = dir.ancestors().find(|d| fs.list(d).has_file("go.work"));
                above.map(|dir| dir.join("go.work"))
            }
        }
    }

    /// Whether a `go.work` above the directory leaves out the module in it.
    pub(crate) fn is_unused_module(&mut self, fs: &FileSystem, dir: &Path) -> bool {
        let in_workspace = self.work_file(fs, dir).is_some();
        let id = self.of_dir(fs, dir);
        match self.get(id) {
            Scope::Modules(modules) => in_workspace && modules.work_dir().is_none(),
            _ => false,
        }
    }

    /// Where a directory's package lies in its own scope.
    pub(crate) fn locate(&mut self, fs: &FileSystem, dir: &Path) -> Location {
        let scope = self.of_dir(fs, dir);
        let (import_path, module) = match self.get(scope) {
            Scope::Standard => (self.standard_path(dir), None),
            Scope::Modules(modules) => match modules.import_path(dir) {
                Some((path, module)) => (path, Some(module)),
                None => (slash_path(dir), None),
            },
            Scope::Tree(tree) => (tree.import_path(dir), None),
        };
        Location {
            scope,
            dir: dir.to_owned(),
            import_path,
            module,
        }
    }

    fn standard_path(&self, dir: &Path) -> String {
        let src = self.env.goroot.as_ref().map(|root| root.src.as_path());
        let relative = src.and_then(|src| dir.strip_prefix(src).ok());
        slash_path(relative.unwrap_or(dir))
    }

    /// Resolves an import of a package in `from`; none if it can't be found.
    pub(crate) fn resolve(
        &self,
        fs: &FileSystem,
        scope: ScopeId,
        from: &Path,
        path: &str,
    ) -> Option<Location> {
        if is_relative(path) {
            let dir = join_clean(from, path);
            return fs.list(&dir).has_go_files().then(|| Location {
                scope,
                import_path: slash_path(&dir),
                dir,
                module: None,
            });
        }
        if !is_import_path(path) {
            return None;
        }
        if let Scope::Tree(tree) = self.get(scope) {
            let standard = || self.resolve_standard(fs, scope, from, path);
            let inside = || {
                let found = tree.find(fs, from, path)?;
                Some(Location {
                    scope,
                    import_path: tree.import_path(&found.dir),
                    dir: found.dir,
                    module: None,
                })
            };
            return if is_standard_form(path) {
                standard().or_else(inside)
            } else {
                inside()
            };
        }
        if let Some(location) = self.resolve_standard(fs, scope, from, path) {
            return Some(location);
        }
        let Scope::Modules(modules) = self.get(scope) else {
            return None;
        };
        let found = modules.find(fs, path)?;
        Some(Location {
            scope,
            dir: found.dir,
            import_path: path.to_owned(),
            module: found.module,
        })
    }

    fn resolve_standard(
        &self,
        fs: &FileSystem,
        scope: ScopeId,
        from: &Path,
        path: &str,
    ) -> Option<Location> {
        let src = &self.env.goroot.as_ref()?.src;
        let holds_package = |dir: &PathBuf| fs.list(dir).has_go_files();
        let plain = || {
            is_standard_form(path)
                .then(|| src.join(path))
                .filter(holds_package)
        };
        // What the standard library itself imports from outside is copied into it,
        // once for the library and once for the commands.
        let vendored = || {
            let vendor = if from.starts_with(src.join("cmd")) {
                src.join("cmd/vendor")
            } else {
                src.join("vendor")
            };
            let inside = scope == STANDARD;
            inside.then(|| vendor.join(path)).filter(holds_package)
        };
        let dir = plain().or_else(vendored)?;
        Some(Location {
            scope: STANDARD,
            import_path: self.standard_path(&dir),
            dir,
            module: None,
        })
    }
}

/// Whether a path may be of the standard library: no dot in its first element
/// (`IsStandardImportPath` in cmd/go/internal/search).
pub(crate) fn is_standard_form(path: &str) -> bool {
    !path.split('/').next().unwrap_or_default().contains('.')
}

/// Whether a path can be joined to a directory without leaving it.
fn is_import_path(path: &str) -> bool {
    !path.contains([':', '\\', '\0'])
        && path
            .split('/')
            .all(|element| !matches!(element, "" | "." | ".."))
}

/// Whether a path is relative to a directory: `.`, `..`, `./x`, `../x`.
pub(crate) fn is_relative(path: &str) -> bool {
    path == "." || path == ".." || path.starts_with("./") || path.starts_with("../")
}

/// The nearest directory upwards with a `go.mod`.
pub(crate) fn enclosing_module<'a>(fs: &FileSystem, dir: &'a Path) -> Option<&'a Path> {
    dir.ancestors().find(|d| fs.list(d).has_file("go.mod"))
}

/// The Go distribution in whose source tree a directory lies.
fn enclosing_goroot(fs: &FileSystem, dir: &Path) -> Option<Goroot> {
    let module_dir = enclosing_module(fs, dir)?;
    let file = ModFile::parse(&fs.read_text(&module_dir.join("go.mod"))?);
    let src = match file.module.as_deref()? {
        "std" => module_dir,
        "cmd" => module_dir.parent()?,
        _ => return None,
    };
    Goroot::at(src.parent()?).filter(|root| root.src == src)
}
