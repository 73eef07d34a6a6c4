//! Modules: the main modules of a build, the versions selected for their
//! dependencies, and where each import path lies
//! (cmd/go/internal/modload, Go 1.26).

use crate::env::{Environment, VendorUse};
use crate::fs::FileSystem;
use crate::modfile::{ModFile, ModuleVersion, Replacement, VendorFile, WorkFile};
use crate::semver;
use crate::store::Memo;
use crate::version::GoVersion;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::Ordering;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A module that packages belong to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Module {
    /// Module path.
    pub path: String,
    /// Selected version; none for a main module.
    pub version: Option<String>,
    /// Where its files lie; of a vendored module the vendor directory.
    pub dir: PathBuf,
    /// The language version of its packages.
    pub go_version: GoVersion,
    /// Named by the user: `go.mod` above the working directory, or `go.work`.
    pub is_main: bool,
}

/// A directory that an import path leads to.
pub(crate) struct Found {
    pub(crate) dir: PathBuf,
    pub(crate) module: Option<Arc<Module>>,
}

/// One or more main modules with everything they depend on.
pub(crate) struct ModuleScope {
    pub(crate) main: Vec<MainModule>,
    /// The directory of `go.work`, if the main modules come from there.
    work_dir: Option<PathBuf>,
    replacements: FxHashMap<String, Vec<(Option<String>, Target)>>,
    excluded: FxHashSet<ModuleVersion>,
    vendor: Option<Vendor>,
    module_cache: Option<PathBuf>,
    /// Versions of all modules of the graph, or of the part that was asked for first.
    selected: [OnceLock<FxHashMap<String, String>>; 2],
    modules: Memo<ModuleVersion, Option<Arc<Module>>>,
}

/// A module whose packages the user works on.
pub(crate) struct MainModule {
    pub(crate) module: Arc<Module>,
    pub(crate) file: ModFile,
}

enum Target {
    Dir(PathBuf),
    Module(ModuleVersion),
}

struct Vendor {
    dir: PathBuf,
    /// Whether it takes the place of the module cache, or only stands in for what
    /// the cache lacks.
    replaces_cache: bool,
    /// Module of each package listed in `modules.txt`.
    packages: FxHashMap<String, Arc<Module>>,
    /// Since Go 1.23 a package must be listed.
    must_be_listed: bool,
}

impl ModuleScope {
    /// The scope of the single main module in `dir`.
    pub(crate) fn of_module(fs: &FileSystem, env: &Environment, dir: &Path) -> ModuleScope {
        let mod_file = match &env.mod_file {
            Some(file) => dir.join(file),
            None => dir.join("go.mod"),
        };
        let main = MainModule::read(fs, dir, &mod_file);
        let replace_from = vec![(dir.to_owned(), main.file.clone())];
        let go = main.file.go;
        ModuleScope::new(
            fs,
            env,
            vec![main],
            None,
            go,
            &WorkFile::default(),
            &replace_from,
        )
    }

    /// The scope of the modules that a `go.work` uses.
    pub(crate) fn of_work(fs: &FileSystem, env: &Environment, work_file: &Path) -> ModuleScope {
        let work_dir = work_file.parent().unwrap_or(work_file);
        let file = WorkFile::parse(&fs.read_text(work_file).unwrap_or_default());
        let main: Vec<MainModule> = used_dirs(work_dir, &file)
            .iter()
            .filter(|dir| fs.list(dir).has_file("go.mod"))
            .map(|dir| MainModule::read(fs, dir, &dir.join("go.mod")))
            .collect();
        let replace_from: Vec<_> = main
            .iter()
            .map(|m| (m.module.dir.clone(), m.file.clone()))
            .collect();
        ModuleScope::new(fs, env, main, Some(work_dir), file.go, &file, &replace_from)
    }

    fn new(
        fs: &FileSystem,
        env: &Environment,
        main: Vec<MainModule>,
        work_dir: Option<&Path>,
        go: Option<GoVersion>,
        work_file: &WorkFile,
        replace_from: &[(PathBuf, ModFile)],
    ) -> ModuleScope {
        let mut replacements: FxHashMap<String, Vec<(Option<String>, Target)>> =
            FxHashMap::default();
        // Those of go.work first: they win.
        let of_work = work_dir.map(|dir| (dir, &work_file.replace));
        let of_modules = replace_from
            .iter()
            .map(|(dir, file)| (dir.as_path(), &file.replace));
        for (dir, list) in of_work.into_iter().chain(of_modules) {
            for replace in list {
                let target = match &replace.with {
                    Replacement::Dir(path) => Target::Dir(join_clean(dir, path)),
                    Replacement::Module(version) => Target::Module(version.clone()),
                };
                let known = replacements.entry(replace.path.clone()).or_default();
                if known.iter().all(|(version, _)| *version != replace.version) {
                    known.push((replace.version.clone(), target));
                }
            }
        }
        let excluded = main
            .iter()
            .flat_map(|m| m.file.exclude.iter().cloned())
            .collect();
        let root = work_dir.or_else(|| main.first().map(|m| m.module.dir.as_path()));
        let vendor = root.and_then(|root| Vendor::read(fs, env, root, work_dir.is_some(), go));
        ModuleScope {
            main,
            work_dir: work_dir.map(Path::to_owned),
            replacements,
            excluded,
            vendor,
            module_cache: env.module_cache.clone(),
            selected: [OnceLock::new(), OnceLock::new()],
            modules: Memo::new(),
        }
    }

    /// The directory of a package that is not of the standard library
    /// (`importFromModules`). Of several modules that hold it, the one with the
    /// longest path.
    pub(crate) fn find(&self, fs: &FileSystem, path: &str) -> Option<Found> {
        let replaced_by_vendor = self.vendor.as_ref().is_some_and(|v| v.replaces_cache);
        if replaced_by_vendor {
            return self
                .find_in_main_modules(fs, path)
                .or_else(|| self.vendor.as_ref()?.find(fs, path));
        }
        self.find_in_modules(fs, path, false)
            .or_else(|| self.find_in_modules(fs, path, true))
            .or_else(|| self.vendor.as_ref()?.find(fs, path))
    }

    fn find_in_main_modules(&self, fs: &FileSystem, path: &str) -> Option<Found> {
        let found = self.main.iter().filter_map(|main| {
            let module = &main.module;
            let dir = dir_in_module(fs, path, &module.path, &module.dir, true)?;
            let found = Found {
                dir,
                module: Some(Arc::clone(module)),
            };
            Some((module.path.len(), found))
        });
        found.max_by_key(|(len, _)| *len).map(|(_, found)| found)
    }

    fn find_in_modules(&self, fs: &FileSystem, path: &str, whole_graph: bool) -> Option<Found> {
        let selected = self.selected(fs, whole_graph);
        let mut prefix = path;
        loop {
            let main = self.main.iter().find(|m| m.module.path == prefix);
            let found = match (main, selected.get(prefix)) {
                (Some(main), _) => Some((Arc::clone(&main.module), true)),
                (None, Some(version)) => self.fetch(fs, prefix, version),
                (None, None) => None,
            };
            if let Some((module, is_local)) = found
                && let Some(dir) = dir_in_module(fs, path, prefix, &module.dir, is_local)
            {
                let module = Some(module);
                return Some(Found { dir, module });
            }
            prefix = prefix.rsplit_once('/')?.0;
        }
    }

    /// The module at a version, or what replaces it, with whether its directory may
    /// hold other modules; none if it is not on this machine.
    fn fetch(&self, fs: &FileSystem, path: &str, version: &str) -> Option<(Arc<Module>, bool)> {
        let key = ModuleVersion {
            path: path.to_owned(),
            version: version.to_owned(),
        };
        let target = self.replacement(&key);
        let is_local = matches!(target, Some(Target::Dir(_)));
        let module = self.modules.get_or_init(&key, || {
            let dir = match target {
                Some(Target::Dir(dir)) => dir.clone(),
                Some(Target::Module(other)) => self.cache_dir(other)?,
                None => self.cache_dir(&key)?,
            };
            if !fs.list(&dir).exists {
                return None;
            }
            let file = self.read_mod_file(fs, &key).unwrap_or_default();
            Some(Arc::new(Module {
                path: path.to_owned(),
                version: Some(version.to_owned()),
                dir,
                go_version: file.go.unwrap_or(GoVersion::OF_MODULE_WITHOUT_GO_LINE),
                is_main: false,
            }))
        })?;
        Some((module, is_local))
    }

    fn replacement(&self, module: &ModuleVersion) -> Option<&Target> {
        let list = self.replacements.get(&module.path)?;
        let exact = list
            .iter()
            .find(|(v, _)| v.as_deref() == Some(&module.version));
        let any = || list.iter().find(|(version, _)| version.is_none());
        exact.or_else(any).map(|(_, target)| target)
    }

    /// Where the module cache keeps a module's files.
    fn cache_dir(&self, module: &ModuleVersion) -> Option<PathBuf> {
        let name = format!("{}@{}", escape(&module.path), escape(&module.version));
        Some(self.module_cache.as_ref()?.join(name))
    }

    /// The `go.mod` of a module or of what replaces it.
    fn read_mod_file(&self, fs: &FileSystem, module: &ModuleVersion) -> Option<ModFile> {
        let module = match self.replacement(module) {
            Some(Target::Dir(dir)) => {
                return Some(ModFile::parse(&fs.read_text(&dir.join("go.mod"))?));
            }
            Some(Target::Module(other)) => other,
            None => module,
        };
        let (path, version) = (escape(&module.path), escape(&module.version));
        let download = format!("cache/download/{path}/@v/{version}.mod");
        let text = fs
            .read_text(&self.module_cache.as_ref()?.join(download))
            .or_else(|| fs.read_text(&self.cache_dir(module)?.join("go.mod")))?;
        Some(ModFile::parse(&text))
    }

    /// Selected versions: first of what the `go.mod` of a main module lists, which
    /// since Go 1.17 is everything its packages need, then of the whole graph.
    fn selected(&self, fs: &FileSystem, whole_graph: bool) -> &FxHashMap<String, String> {
        self.selected[usize::from(whole_graph)].get_or_init(|| {
            let mut graph = Graph::new(self, fs);
            for main in &self.main {
                let pruned = is_pruned(main.file.go);
                let must_load = whole_graph || !pruned || self.work_dir.is_some();
                for required in graph.require(&main.file) {
                    if must_load {
                        graph.load(required, pruned);
                    }
                }
            }
            graph.selected
        })
    }

    /// Whether `dir` lies in one of the main modules, by directory alone.
    pub(crate) fn main_module_of(&self, dir: &Path) -> Option<&MainModule> {
        let holds = self.main.iter().filter(|m| dir.starts_with(&m.module.dir));
        holds.max_by_key(|m| m.module.dir.as_os_str().len())
    }

    /// The directory of `go.work`, if there is one.
    pub(crate) fn work_dir(&self) -> Option<&Path> {
        self.work_dir.as_deref()
    }

    /// The import path of a directory in a main module or in the vendor directory.
    pub(crate) fn import_path(&self, dir: &Path) -> Option<(String, Arc<Module>)> {
        if let Some(vendor) = &self.vendor
            && let Ok(relative) = dir.strip_prefix(&vendor.dir)
        {
            let path = slash_path(relative);
            let module = vendor.packages.get(&path)?;
            return Some((path, Arc::clone(module)));
        }
        let main = self.main_module_of(dir)?;
        let relative = dir.strip_prefix(&main.module.dir).ok()?;
        let path = join_path(&main.module.path, &slash_path(relative));
        Some((path, Arc::clone(&main.module)))
    }
}

impl MainModule {
    fn read(fs: &FileSystem, dir: &Path, mod_file: &Path) -> MainModule {
        let file = ModFile::parse(&fs.read_text(mod_file).unwrap_or_default());
        let name = || dir.file_name().map(|n| n.to_string_lossy().into_owned());
        MainModule {
            module: Arc::new(Module {
                path: file.module.clone().or_else(name).unwrap_or_default(),
                version: None,
                dir: dir.to_owned(),
                go_version: file.go.unwrap_or(GoVersion::OF_MODULE_WITHOUT_GO_LINE),
                is_main: true,
            }),
            file,
        }
    }
}

impl Vendor {
    fn read(
        fs: &FileSystem,
        env: &Environment,
        root: &Path,
        for_workspace: bool,
        go: Option<GoVersion>,
    ) -> Option<Vendor> {
        let dir = root.join("vendor");
        if !fs.list(root).has_dir("vendor") {
            return None;
        }
        let file = VendorFile::parse(&fs.read_text(&dir.join("modules.txt")).unwrap_or_default());
        let go = go.unwrap_or(GoVersion::new(1, 0));
        // setDefaultBuildMod in cmd/go/internal/modload/init.go.
        let by_default = go >= GoVersion::new(1, 14) && file.for_workspace == for_workspace;
        let replaces_cache = match env.vendor {
            VendorUse::Auto => by_default,
            VendorUse::Always => true,
            VendorUse::Never => false,
        };
        let mut packages = FxHashMap::default();
        for vendored in file.modules {
            let module = Arc::new(Module {
                path: vendored.module.path,
                version: Some(vendored.module.version),
                dir: dir.clone(),
                go_version: vendored.go.unwrap_or(GoVersion::OF_MODULE_WITHOUT_GO_LINE),
                is_main: false,
            });
            for package in vendored.packages {
                packages.insert(package, Arc::clone(&module));
            }
        }
        Some(Vendor {
            dir,
            replaces_cache,
            packages,
            must_be_listed: go >= GoVersion::new(1, 23),
        })
    }

    fn find(&self, fs: &FileSystem, path: &str) -> Option<Found> {
        let module = self.packages.get(path).cloned();
        if module.is_none() && self.must_be_listed {
            return None;
        }
        let dir = dir_in_module(fs, path, "", &self.dir, false)?;
        Some(Found { dir, module })
    }
}

/// Minimal version selection over the `go.mod` files that are at hand
/// (`readModGraph` in cmd/go/internal/modload/buildlist.go).
struct Graph<'a> {
    scope: &'a ModuleScope,
    fs: &'a FileSystem,
    selected: FxHashMap<String, String>,
    loaded: FxHashMap<ModuleVersion, Option<Arc<ModFile>>>,
    /// Modules whose requirements were followed, with whether the graph was pruned there.
    followed: FxHashSet<(ModuleVersion, bool)>,
}

impl<'a> Graph<'a> {
    fn new(scope: &'a ModuleScope, fs: &'a FileSystem) -> Graph<'a> {
        Graph {
            scope,
            fs,
            selected: FxHashMap::default(),
            loaded: FxHashMap::default(),
            followed: FxHashSet::default(),
        }
    }

    /// Notes what a file requires.
    fn require(&mut self, file: &ModFile) -> Vec<ModuleVersion> {
        let excluded = &self.scope.excluded;
        let required = file.require.iter().filter(|r| !excluded.contains(*r));
        let required: Vec<ModuleVersion> = required.cloned().collect();
        for module in &required {
            match self.selected.get_mut(&module.path) {
                Some(version) => {
                    if semver::compare(version, &module.version) == Ordering::Less {
                        version.clone_from(&module.version);
                    }
                }
                None => {
                    self.selected
                        .insert(module.path.clone(), module.version.clone());
                }
            }
        }
        required
    }

    /// Follows the requirements of a module. In a pruned graph those of a module of
    /// Go 1.17 or later are complete for its packages and are not followed further.
    fn load(&mut self, module: ModuleVersion, pruned: bool) {
        let mut pending = vec![(module, pruned)];
        while let Some((module, pruned)) = pending.pop() {
            if !self.followed.insert((module.clone(), pruned)) {
                continue;
            }
            let (scope, fs) = (self.scope, self.fs);
            let file = self
                .loaded
                .entry(module)
                .or_insert_with_key(|m| scope.read_mod_file(fs, m).map(Arc::new))
                .clone();
            let Some(file) = file else {
                continue;
            };
            let required = self.require(&file);
            let of_module = is_pruned(file.go);
            if !pruned || !of_module {
                let next = pruned && of_module;
                pending.extend(required.into_iter().map(|r| (r, next)));
            }
        }
    }
}

/// Whether a module's `go.mod` lists all that its packages need.
fn is_pruned(go: Option<GoVersion>) -> bool {
    go.is_some_and(|go| go >= GoVersion::new(1, 17))
}

/// The directories that a `go.work` in `work_dir` uses.
pub(crate) fn used_dirs(work_dir: &Path, file: &WorkFile) -> Vec<PathBuf> {
    file.uses
        .iter()
        .map(|dir| join_clean(work_dir, dir))
        .collect()
}

/// The directory of `path` in a module, if it holds Go files and, in a directory
/// tree that is not from the module cache, no module border is on the way
/// (`dirInModule`).
fn dir_in_module(
    fs: &FileSystem,
    path: &str,
    module_path: &str,
    module_dir: &Path,
    is_local: bool,
) -> Option<PathBuf> {
    let relative = relative_import(path, module_path)?;
    let dir = join_relative(module_dir, relative);
    if is_local {
        let inner = dir.ancestors().take_while(|d| *d != module_dir);
        for ancestor in inner {
            if fs.list(ancestor).has_file("go.mod") {
                return None;
            }
        }
    }
    fs.list(&dir).has_go_files().then_some(dir)
}

/// What follows `prefix` and a slash in an import path; empty if they are equal.
pub(crate) fn relative_import<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(prefix)?;
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix('/')
}

/// Joins two slash-separated paths, of which either may be empty.
pub(crate) fn join_path(prefix: &str, rest: &str) -> String {
    match (prefix, rest) {
        ("", path) | (path, "") => path.to_owned(),
        _ => format!("{prefix}/{rest}"),
    }
}

/// A directory below another; without a trailing slash when it is the same.
pub(crate) fn join_relative(dir: &Path, relative: &str) -> PathBuf {
    match relative {
        "" => dir.to_owned(),
        _ => dir.join(relative),
    }
}

/// A relative path with slashes.
pub(crate) fn slash_path(path: &Path) -> String {
    let parts = path.components().filter_map(|c| match c {
        Component::Normal(name) => Some(name.to_string_lossy()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// `path` seen from `dir`, without `.` and `..`, symbolic links not resolved
/// (path/filepath.Clean).
pub(crate) fn join_clean(dir: &Path, path: impl AsRef<Path>) -> PathBuf {
    let mut result = PathBuf::new();
    for component in dir.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                result.pop();
            }
            other => result.push(other),
        }
    }
    result
}

/// The form of a module path or version in the module cache, safe for file systems
/// that fold case (module.EscapePath in golang.org/x/mod).
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(c.to_ascii_lowercase());
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(
            escape("github.com/BurntSushi/toml"),
            "github.com/!burnt!sushi/toml"
        );
        assert_eq!(relative_import("a/b/c", "a/b"), Some("c"));
        assert_eq!(relative_import("a/b", "a/b"), Some(""));
        assert_eq!(relative_import("a/bc", "a/b"), None);
        assert_eq!(
            join_clean(Path::new("/a/b"), "../c/./d"),
            Path::new("/a/c/d")
        );
    }
}
