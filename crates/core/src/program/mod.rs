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
        })
    }

    /// The address of a variable or function in the process, by its linker symbol:
    /// `runtime.allgs`. None in a stripped program.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<u64> {
        let symbol = self.symbols.get(name)?;
        Some(symbol.address.wrapping_add(self.image.bias))
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
