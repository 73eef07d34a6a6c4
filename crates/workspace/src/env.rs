//! The environment of a run: GOROOT, module cache, platform and flags, from
//! environment variables, `go env -w` settings and the GOROOT's own defaults.

use crate::context::BuildContext;
use crate::platform;
use crate::version::GoVersion;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What surrounds the packages.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The Go distribution, if there is one.
    pub goroot: Option<Goroot>,
    /// GOPATH entries, the first the default.
    pub gopath: Vec<PathBuf>,
    /// The module cache, which need not exist.
    pub module_cache: Option<PathBuf>,
    /// Platform and tags.
    pub build: BuildContext,
    /// The flag `-mod`.
    pub vendor: VendorUse,
    /// The flag `-modfile`.
    pub mod_file: Option<PathBuf>,
    /// GOWORK.
    pub work: WorkUse,
    /// False with `GO111MODULE=off`: GOPATH trees only.
    pub modules: bool,
    /// Whether a module may choose a newer distribution than [`goroot`](Self::goroot)
    /// (GOTOOLCHAIN).
    pub switch_toolchain: bool,
}

/// A Go distribution.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Goroot {
    /// Its `src`, where the packages lie.
    pub src: PathBuf,
    /// Its release.
    pub version: GoVersion,
}

/// Whether a module's `vendor` directory is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VendorUse {
    /// As the `go` line of the module says.
    Auto,
    /// `-mod=vendor`.
    Always,
    /// `-mod=mod` or `-mod=readonly`.
    Never,
}

/// Where `go.work` comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WorkUse {
    /// The nearest one above the working directory.
    Auto,
    /// None (`GOWORK=off`).
    Off,
    /// This file.
    File(PathBuf),
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Environment {
        Environment::new(&|name| std::env::var(name).ok())
    }

    /// The environment that `variables` describes: the value of a variable, none if
    /// unset.
    pub fn new(variables: &dyn Fn(&str) -> Option<String>) -> Environment {
        let variable = |name: &str| variables(name).filter(|value| !value.is_empty());
        let user = user_settings(&variable);
        let setting = |name: &str| variable(name).or_else(|| lookup(&user, name));

        let gopath: Vec<PathBuf> = match setting("GOPATH") {
            Some(list) => std::env::split_paths(&list)
                .filter(|p| p.is_absolute())
                .collect(),
            None => home(&variable)
                .map(|home| home.join("go"))
                .into_iter()
                .collect(),
        };
        let module_cache = match setting("GOMODCACHE") {
            Some(dir) => Some(PathBuf::from(dir)),
            None => gopath.first().map(|dir| dir.join("pkg/mod")),
        };
        let goroot = find_goroot(&setting, module_cache.as_deref());
        let defaults = goroot
            .as_ref()
            .and_then(|root| root.src.parent())
            .and_then(|dir| std::fs::read_to_string(dir.join("go.env")).ok())
            .unwrap_or_default();
        let setting = |name: &str| setting(name).or_else(|| lookup(&defaults, name));

        let flags = Flags::parse(&setting("GOFLAGS").unwrap_or_default());
        let release = goroot
            .as_ref()
            .map_or(GoVersion::NEWEST, |root| root.version);
        Environment {
            build: build_context(&setting, release, flags.tags),
            goroot,
            gopath,
            module_cache,
            vendor: flags.vendor,
            mod_file: flags.mod_file,
            work: match setting("GOWORK").as_deref() {
                None | Some("auto") => WorkUse::Auto,
                Some("off") => WorkUse::Off,
                Some(file) => WorkUse::File(file.into()),
            },
            modules: setting("GO111MODULE").as_deref() != Some("off"),
            switch_toolchain: setting("GOTOOLCHAIN").as_deref() != Some("local"),
        }
    }

    /// The same environment for a module of Go `version`: with a distribution from the
    /// module cache, where the one at hand is older and the module may choose.
    pub(crate) fn for_version(self, version: GoVersion) -> Environment {
        let is_older = self
            .goroot
            .as_ref()
            .is_some_and(|root| root.version < version);
        let newer = match &self.module_cache {
            Some(cache) if is_older && self.switch_toolchain => downloaded_toolchains(cache)
                .filter(|root| root.version >= version)
                .min_by_key(|root| root.version),
            _ => None,
        };
        match newer {
            Some(goroot) => self.with_goroot(goroot),
            None => self,
        }
    }

    /// The same environment with another Go distribution.
    pub(crate) fn with_goroot(mut self, goroot: Goroot) -> Environment {
        let build = &mut self.build;
        if build.release != goroot.version {
            for (version, on) in [(build.release, false), (goroot.version, true)] {
                for name in platform::default_experiments(version, &build.os, &build.arch) {
                    let tag = format!("goexperiment.{name}");
                    if on {
                        build.tags.insert(tag);
                    } else {
                        build.tags.remove(&tag);
                    }
                }
            }
            build.release = goroot.version;
        }
        self.goroot = Some(goroot);
        self
    }
}

impl Goroot {
    /// The distribution in `dir`, if it has sources.
    pub fn at(dir: &Path) -> Option<Goroot> {
        let src = dir.join("src");
        if !src.join("runtime").is_dir() {
            return None;
        }
        let version = std::fs::read_to_string(dir.join("VERSION"))
            .ok()
            .and_then(|text| GoVersion::parse(text.lines().next()?))
            .or_else(|| {
                // A development tree has no VERSION.
                let text =
                    std::fs::read_to_string(src.join("internal/goversion/goversion.go")).ok()?;
                let number = text.split("const Version = ").nth(1)?;
                GoVersion::parse(&format!("1.{}", number.lines().next()?.trim()))
            })
            .unwrap_or(GoVersion::NEWEST);
        Some(Goroot { src, version })
    }
}

type Setting<'a> = &'a dyn Fn(&str) -> Option<String>;

fn find_goroot(setting: Setting, module_cache: Option<&Path>) -> Option<Goroot> {
    if let Some(dir) = setting("GOROOT") {
        return Goroot::at(Path::new(&dir));
    }
    let on_path = || {
        let path = setting("PATH")?;
        let command = std::env::split_paths(&path)
            .map(|dir| dir.join(format!("go{}", std::env::consts::EXE_SUFFIX)))
            .find(|file| file.is_file())?;
        Goroot::at(command.canonicalize().ok()?.parent()?.parent()?)
    };
    let usual = || {
        [
            "/usr/local/go",
            "/usr/lib/go",
            "/usr/lib/golang",
            "/usr/lib64/golang",
            "/usr/share/go",
            "/snap/go/current",
            "/opt/homebrew/opt/go/libexec",
            "/usr/local/opt/go/libexec",
            "C:\\Program Files\\Go",
        ]
        .iter()
        .find_map(|dir| Goroot::at(Path::new(dir)))
    };
    on_path()
        .or_else(usual)
        .or_else(|| downloaded_toolchains(module_cache?).max_by_key(|root| root.version))
}

/// The toolchains that `go` and `toolchain` lines brought into the module cache.
fn downloaded_toolchains(module_cache: &Path) -> impl Iterator<Item = Goroot> {
    let entries = std::fs::read_dir(module_cache.join("golang.org"))
        .into_iter()
        .flatten();
    entries
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .starts_with("toolchain@")
        })
        .filter_map(|entry| Goroot::at(&entry.path()))
}

fn build_context(setting: Setting, release: GoVersion, tags: Vec<String>) -> BuildContext {
    let os = setting("GOOS").unwrap_or_else(|| platform::host_os().to_owned());
    let arch = setting("GOARCH").unwrap_or_else(|| platform::host_arch().to_owned());
    let cgo = platform::supports_cgo(&os, &arch)
        && match setting("CGO_ENABLED").as_deref() {
            Some("1") => true,
            Some(_) => false,
            // By default where the target is the host and a C compiler is there.
            None => {
                os == platform::host_os()
                    && arch == platform::host_arch()
                    && has_c_compiler(setting, &os)
            }
        };
    let mut all: rustc_hash::FxHashSet<String> = tags.into_iter().collect();
    let level = match arch.as_str() {
        "mipsle" => setting("GOMIPS"),
        "mips64le" => setting("GOMIPS64"),
        "ppc64le" => setting("GOPPC64"),
        arch => setting(&format!("GO{}", arch.to_ascii_uppercase())),
    };
    all.extend(platform::arch_feature_tags(&arch, level.as_deref()));
    let mut experiments = platform::default_experiments(release, &os, &arch);
    let wanted = setting("GOEXPERIMENT").unwrap_or_default();
    for name in wanted.split(',').filter(|name| !name.is_empty()) {
        match name.strip_prefix("no") {
            _ if name == "none" => experiments.clear(),
            Some(name) => experiments.retain(|&on| on != name),
            None => experiments.push(name),
        }
    }
    all.extend(
        experiments
            .iter()
            .map(|name| format!("goexperiment.{name}")),
    );
    BuildContext {
        os,
        arch,
        cgo,
        tags: all,
        release,
    }
}

/// Whether the default C compiler, or the one that CC names, can be found
/// (`defaultCC` in cmd/go, since Go 1.20).
fn has_c_compiler(setting: Setting, os: &str) -> bool {
    let default = match os {
        "darwin" | "ios" | "freebsd" | "openbsd" => "clang",
        _ => "gcc",
    };
    let cc = setting("CC").unwrap_or_else(|| default.to_owned());
    let Some(command) = cc.split_whitespace().next() else {
        return false;
    };
    let file_name = format!("{command}{}", std::env::consts::EXE_SUFFIX);
    if Path::new(command).is_absolute() {
        return Path::new(command).exists();
    }
    let path = setting("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(&file_name).is_file())
}

/// The build flags of GOFLAGS that matter here.
struct Flags {
    tags: Vec<String>,
    vendor: VendorUse,
    mod_file: Option<PathBuf>,
}

impl Flags {
    fn parse(text: &str) -> Flags {
        let mut flags = Flags {
            tags: Vec::new(),
            vendor: VendorUse::Auto,
            mod_file: None,
        };
        for flag in text.split_whitespace() {
            let flag = flag.trim_matches(['\'', '"']).trim_start_matches('-');
            let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
            match (name, value) {
                ("tags", list) => flags.tags.extend(list.split(',').map(str::to_owned)),
                ("race" | "msan" | "asan", "" | "true") => flags.tags.push(name.to_owned()),
                ("mod", "vendor") => flags.vendor = VendorUse::Always,
                ("mod", "mod" | "readonly") => flags.vendor = VendorUse::Never,
                ("modfile", file) => flags.mod_file = Some(file.into()),
                _ => {}
            }
        }
        flags
    }
}

/// The text of the file that `go env -w` writes.
fn user_settings(variable: Setting) -> String {
    let file = match variable("GOENV") {
        Some(off) if off == "off" => None,
        Some(file) => Some(PathBuf::from(file)),
        None => config_dir(variable).map(|dir| dir.join("go/env")),
    };
    file.and_then(|file| std::fs::read_to_string(file).ok())
        .unwrap_or_default()
}

fn lookup(settings: &str, name: &str) -> Option<String> {
    let values = settings
        .lines()
        .filter_map(|line| line.trim().split_once('='));
    let value = values
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .next_back();
    value.filter(|value| !value.is_empty()).map(str::to_owned)
}

/// os.UserConfigDir.
fn config_dir(variable: Setting) -> Option<PathBuf> {
    match std::env::consts::OS {
        "windows" => variable("AppData").map(PathBuf::from),
        "macos" => Some(home(variable)?.join("Library/Application Support")),
        _ => variable("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(home(variable)?.join(".config"))),
    }
}

fn home(variable: Setting) -> Option<PathBuf> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    variable(name)
        .map(PathBuf::from)
        .filter(|dir| dir.as_os_str() != OsStr::new("/"))
}

#[cfg(test)]
mod tests {
    use super::{Environment, VendorUse, WorkUse};

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let value = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Environment::new(&value)
    }

    #[test]
    fn flags_and_platform() {
        let env = environment(&[
            ("GOROOT", "/nowhere"),
            ("GOENV", "off"),
            ("HOME", "/home/u"),
            ("GOOS", "windows"),
            ("GOARCH", "arm64"),
            ("GOFLAGS", "-tags=a,b -mod=vendor -modfile=x.mod -race"),
            ("GOWORK", "off"),
            ("GOEXPERIMENT", "synctest,nogreenteagc"),
        ]);
        assert_eq!(env.goroot, None);
        assert_eq!(env.vendor, VendorUse::Always);
        assert_eq!(env.work, WorkUse::Off);
        assert!(env.modules && !env.build.cgo);
        assert_eq!(
            env.module_cache.as_deref(),
            Some("/home/u/go/pkg/mod".as_ref())
        );
        for tag in [
            "a",
            "b",
            "race",
            "windows",
            "arm64.v8.0",
            "goexperiment.synctest",
        ] {
            assert!(env.build.has_tag(tag), "{tag}");
        }
        assert!(!env.build.has_tag("goexperiment.greenteagc"));
        assert!(env.build.has_tag("goexperiment.jsonv2"));
    }
}
