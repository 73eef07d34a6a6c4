//! A Go program as it was built and loaded: version, functions, types, variables, and where its
//! runtime keeps things.

mod build_info;
mod debug_info;
mod functions;
mod module;
pub mod variables;

pub use build_info::BuildInfo;
pub use debug_info::{DebugInfo, Reader, Struct};
pub use functions::{Call, Flags, Function, Functions};
pub use module::{Module, Pointers, Slice};

use rustc_hash::FxHashMap;
use tophash_runtime::Build;
use tophash_runtime::process::ProcessLayout;

use crate::image::{Error, Image, Symbol};

/// A Go program in the memory of its process.
#[derive(Debug)]
pub struct Program<'a> {
    /// Memory.
    pub image: &'a Image,
    /// Build information; none if the linker left it out.
    pub build_info: Option<BuildInfo>,
    /// The toolchain: `go1.27.3`.
    pub go_version: String,
    /// What of the toolchain matters to maps.
    pub build: Build,
    /// Debug information; none if the program is stripped.
    pub debug: Option<DebugInfo<'a>>,
    /// Where the runtime keeps things.
    pub layout: ProcessLayout,
    /// Where the linker put things.
    pub module: Module,
    /// Functions.
    pub functions: Functions<'a>,
    symbols: FxHashMap<String, Symbol>,
    /// Path of the library's source as the compiler saw it, up to the name of a package; empty
    /// if it was built with -trimpath.
    goroot: String,
}

impl<'a> Program<'a> {
    /// Reads the program of an image.
    ///
    /// # Errors
    /// It isn't a Go program of a known version, or its tables of functions can't be read.
    pub fn load(image: &'a Image) -> Result<Self, Error> {
        let path = &image.binary.path;
        let build_info = BuildInfo::read(&image.binary);
        let go_version = match &build_info {
            Some(info) => info.go_version.clone(),
            None => version_in(&image.binary.bytes).ok_or_else(|| {
                Error::new(path, "no Go build information: not a program made by Go")
            })?,
        };
        let build = Build::from_version_string(&go_version).map_err(|_| {
            let message = format!("built by {go_version}; Go 1.21 to 1.27 are known");
            Error::new(path, message)
        })?;
        let debug = DebugInfo::load(&image.binary);
        let mut layout = ProcessLayout::of(build.version);
        if let Some(debug) = &debug {
            let structs = debug.structs(ProcessLayout::STRUCTS);
            let offset = |name: &str, field: &str| structs.get(name)?.fields.get(field).copied();
            layout = layout.refined(&offset);
        }
        let symbols = image.binary.symbols();
        let module = Module::find(image, &layout.module, &symbols)
            .ok_or_else(|| Error::new(path, "its tables of functions and types can't be found"))?;
        let functions = Functions::load(image, &layout.module, &module)
            .ok_or_else(|| Error::new(path, "its tables of functions can't be read"))?;
        let goroot = goroot(&functions);
        Ok(Self {
            image,
            build_info,
            go_version,
            build,
            debug,
            layout,
            module,
            functions,
            symbols,
            goroot,
        })
    }

    /// The address of a variable or function in the process, by its linker symbol:
    /// `runtime.allgs`. None in a stripped program.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<u64> {
        let symbol = self.symbols.get(name)?;
        Some(symbol.address.wrapping_add(self.image.bias))
    }

    /// Whether a call is in the standard library, by the path of its file.
    #[must_use]
    pub fn is_standard(&self, call: &Call) -> bool {
        if self.goroot.is_empty() {
            // Built with -trimpath: the library's paths begin with a name that is no domain.
            let module = self
                .build_info
                .as_ref()
                .and_then(|info| info.module.as_deref());
            let module = module.and_then(|module| module.split(' ').next());
            let own = module.is_some_and(|module| call.file.starts_with(module));
            let first = call.file.split('/').next().unwrap_or_default();
            return !own && !first.contains('.') && call.file.contains('/') && !first.is_empty();
        }
        call.file.starts_with(&self.goroot)
    }

    /// Variables with their addresses in the process and their sizes; none in a stripped program.
    pub fn variables(&self) -> impl Iterator<Item = (&str, u64, u64)> + '_ {
        let symbols = self.symbols.iter().filter(|(_, symbol)| symbol.data);
        symbols.map(|(name, symbol)| {
            let address = symbol.address.wrapping_add(self.image.bias);
            (name.as_str(), address, symbol.size)
        })
    }
}

/// The path of the library's source: what is in front of the runtime's files.
fn goroot(functions: &Functions<'_>) -> String {
    let main = functions
        .iter()
        .find(|function| functions.name(*function) == "runtime.main");
    let calls = main.map(|main| functions.calls(main, main.entry));
    let file = calls.and_then(|calls| Some(calls.last()?.file.clone()));
    let root = file
        .as_deref()
        .and_then(|file| file.strip_suffix("runtime/proc.go"));
    root.unwrap_or_default().to_owned()
}

/// A Go version in a program without build information: the string of `runtime.buildVersion`.
fn version_in(bytes: &[u8]) -> Option<String> {
    const HEAD: &[u8] = b"go1.2";
    let mut windows = bytes.windows(HEAD.len() + 8);
    let window = windows.find(|window| {
        window.starts_with(HEAD)
            && window.get(5).is_some_and(u8::is_ascii_digit)
            && window.get(6) == Some(&b'.')
            && window.get(7).is_some_and(u8::is_ascii_digit)
    })?;
    let text = std::str::from_utf8(window).ok()?;
    let end = text.find(|c: char| c != '.' && !c.is_ascii_alphanumeric());
    Some(text.get(..end.unwrap_or(text.len()))?.to_owned())
}
