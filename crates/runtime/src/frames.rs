//! Functions of the Go runtime, and of the packages next to it, by what they do with a map.
//!
//! Names are those that tracebacks, symbol tables and profiles show. Sources: runtime/map*.go of
//! 1.18 to 1.27, internal/runtime/maps of 1.24 to 1.27, reflect, maps. No name means one thing in
//! one version and another in the next, so that no version is asked for.

use std::fmt;

/// What a goroutine does with a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// `m[k] = v` and all that ends in it.
    Assign,
    /// `v := m[k]`, `v, ok := m[k]`.
    Read,
    /// `delete(m, k)`.
    Delete,
    /// `for k, v := range m`.
    Iterate,
    /// `clear(m)`, and the loop of deletes that the compiler makes one.
    Clear,
    /// `maps.Clone(m)`.
    Clone,
    /// Making room: the part of an assignment (or, in the classic map, of a delete) that moves
    /// entries into larger tables.
    Grow,
    /// `make(map[K]V, hint)`.
    Make,
}

impl Operation {
    /// Whether it changes the map. Growing does, since only writes grow.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(
            self,
            Self::Assign | Self::Delete | Self::Clear | Self::Grow | Self::Make
        )
    }

    /// One word for it: `assign`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Read => "read",
            Self::Delete => "delete",
            Self::Iterate => "iterate",
            Self::Clear => "clear",
            Self::Clone => "clone",
            Self::Grow => "grow",
            Self::Make => "make",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a function that works on maps is related to the operation in the program's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The compiler puts a call of it in place of the operation, or a runtime function that it
    /// calls. Of several on top of each other the outermost says what the program does.
    Runtime,
    /// A library function that the program calls and that does the operation for it. It counts
    /// where no runtime frame is printed above it.
    Library,
}

/// A function that works on a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MapFrame {
    /// What it does.
    pub operation: Operation,
    /// Whether it stands for the operation or wraps it.
    pub role: Role,
    /// Which of its argument words is the address of the map's header (`hmap`, `maps.Map`), from
    /// 0, counting each word of a string or interface. None where it isn't among them.
    pub map: Option<usize>,
}

/// What a function does with maps, by its full name as a traceback shows it:
/// `runtime.mapassign_fast64`, `internal/runtime/maps.(*Iter).Next`. None for all others.
#[must_use]
pub fn map_frame(function: &str) -> Option<MapFrame> {
    let function = function.strip_suffix("[...]").unwrap_or(function);
    if let Some(name) = function.strip_prefix("internal/runtime/maps.") {
        return swiss(name);
    }
    if let Some(name) = function.strip_prefix("runtime.") {
        return runtime(name);
    }
    if let Some(name) = function.strip_prefix("reflect.") {
        return reflect(name);
    }
    library(function)
}

fn at(operation: Operation, map: impl Into<Option<usize>>) -> Option<MapFrame> {
    Some(MapFrame {
        operation,
        role: Role::Runtime,
        map: map.into(),
    })
}

/// Functions of package runtime, without `runtime.`: (maptype, map, key).
fn runtime(name: &str) -> Option<MapFrame> {
    use Operation::*;
    // `mapassign_fast64`, `mapaccess2_faststr`, `evacuate_fast32`, `mapaccess1_fat`.
    let base = ["_fast", "_fat"]
        .iter()
        .find_map(|suffix| name.find(suffix))
        .map_or(name, |end| &name[..end]);
    match base {
        "mapassign" | "reflect_mapassign" => at(Assign, 1),
        "mapaccess1" | "mapaccess2" | "mapaccessK" | "reflect_mapaccess" => at(Read, 1),
        "mapdelete" | "reflect_mapdelete" => at(Delete, 1),
        "mapiterinit" | "mapIterStart" | "reflect_mapiterinit" => at(Iterate, 1),
        "mapiternext" | "mapIterNext" | "reflect_mapiternext" => at(Iterate, None),
        "mapclear" | "reflect_mapclear" => at(Clear, 1),
        "mapclone" | "mapclone2" | "moveToBmap" => at(Clone, 1),
        "keys" | "values" | "copyKeys" | "copyValues" => at(Iterate, 1),
        "hashGrow" | "growWork" | "evacuate" | "bucketEvacuated" => at(Grow, 1),
        "advanceEvacuationMark" => at(Grow, 0),
        "makeBucketArray" => at(Grow, None),
        "(*hmap).newoverflow" | "(*hmap).createOverflow" | "(*hmap).incrnoverflow" => at(Grow, 0),
        "makemap" | "makemap64" | "makemap_small" | "reflect_makemap" => at(Make, None),
        _ => None,
    }
}

/// Functions of internal/runtime/maps, without the package.
fn swiss(name: &str) -> Option<MapFrame> {
    use Operation::*;
    // Since 1.25 the compiler's entry points are defined here and linked as `runtime.mapassign`.
    if let Some(name) = name.strip_prefix("runtime_") {
        return runtime(name);
    }
    if let Some(method) = name.strip_prefix("(*Map).") {
        let operation = match method {
            "Put" | "PutSlot" => Assign,
            _ if method.starts_with("putSlotSmall") => Assign,
            "Get" => Read,
            _ if method.starts_with("getWith") => Read,
            "Delete" | "deleteSmall" => Delete,
            "Clear" | "clearSmall" => Clear,
            "Clone" => Clone,
            "growToSmall" | "growToTable" | "installTableSplit" | "replaceTable" => Grow,
            _ => return None,
        };
        return at(operation, 0);
    }
    if let Some(method) = name.strip_prefix("(*table).") {
        return match method {
            "PutSlot" => at(Assign, 2),
            _ if method.starts_with("uncheckedPutSlotForAssign") => at(Assign, None),
            "pruneTombstones" => at(Assign, 2),
            "Get" => at(Read, 2),
            "getWithKey" | "getWithoutKey" => at(Read, None),
            "Delete" => at(Delete, 2),
            "Clear" => at(Clear, None),
            "clone" => at(Clone, None),
            // Moves an entry of the old table into the new one.
            "uncheckedPutSlot" | "reset" => at(Grow, None),
            "rehash" | "split" | "grow" => at(Grow, 2),
            _ => None,
        };
    }
    match name {
        "(*Iter).Init" => at(Iterate, 2),
        "(*Iter).Next" | "(*Iter).nextDirIdx" | "(*Iter).grownKeyElem" => at(Iterate, None),
        "cloneGroup" => at(Clone, None),
        "newTable" | "newGroups" => at(Grow, None),
        "NewMap" | "NewEmptyMap" => at(Make, None),
        _ => None,
    }
}

/// Functions of reflect, without `reflect.`: those linked to the runtime, and those that programs
/// call.
fn reflect(name: &str) -> Option<MapFrame> {
    use Operation::*;
    match name {
        "mapassign" | "mapassign0" | "mapassign_faststr" | "mapassign_faststr0" => at(Assign, 1),
        "mapaccess" | "mapaccess_faststr" => at(Read, 1),
        "mapdelete" | "mapdelete_faststr" => at(Delete, 1),
        "mapiterinit" | "mapIterStart" => at(Iterate, 1),
        "mapiternext" | "mapIterNext" => at(Iterate, None),
        "mapclear" => at(Clear, 1),
        "makemap" => at(Make, None),
        "Value.SetMapIndex" => wraps(Assign),
        "Value.MapIndex" => wraps(Read),
        "Value.MapKeys" | "(*MapIter).Next" => wraps(Iterate),
        // A range over the sequence; 1.23 named the closures after their function.
        _ if name.starts_with("Value.Seq") => wraps(Iterate),
        _ => None,
    }
}

fn wraps(operation: Operation) -> Option<MapFrame> {
    Some(MapFrame {
        operation,
        role: Role::Library,
        map: None,
    })
}

/// Library functions that do one thing with the map they are given. Those that do several, as
/// `maps.Copy` does, are told apart by the message or the frame above.
fn library(function: &str) -> Option<MapFrame> {
    use Operation::*;
    match function {
        // Linked to the runtime; the argument is an interface: type word, map word.
        "maps.clone" => at(Clone, 1),
        "maps.keys" | "maps.values" => at(Iterate, 1),
        "maps.Clone" => wraps(Clone),
        "maps.Insert" | "maps.Collect" => wraps(Assign),
        "internal/fmtsort.Sort" | "internal/fmtsort.compare" => wraps(Iterate),
        "encoding/json.mapEncoder.encode" => wraps(Iterate),
        "encoding/gob.encodeMap" | "encoding/gob.(*Encoder).encodeMap" => wraps(Iterate),
        "encoding/gob.(*Decoder).decodeMap" => wraps(Assign),
        _ => None,
    }
}

/// What a library function does to one map while it reads that or another: `maps.Copy` ranges
/// over its source and assigns to its destination. None for all others.
#[must_use]
pub fn changes(function: &str) -> Option<Operation> {
    let function = function.strip_suffix("[...]").unwrap_or(function);
    match function {
        "maps.Copy" | "golang.org/x/exp/maps.Copy" => Some(Operation::Assign),
        "maps.DeleteFunc" | "golang.org/x/exp/maps.DeleteFunc" => Some(Operation::Delete),
        _ => None,
    }
}

/// What a method of the library's map types does with its receiver where it does one thing:
/// `http.Header.Set`. None for all others: `Add` reads the key's values and then assigns them.
/// The compiler inlines map code or tracebacks hide it, so that the method is the innermost frame.
#[must_use]
pub fn map_type_method(function: &str) -> Option<Operation> {
    const TYPES: [&str; 3] = [
        "net/textproto.MIMEHeader.",
        "net/http.Header.",
        "net/url.Values.",
    ];
    let method = TYPES.iter().find_map(|ty| function.strip_prefix(ty))?;
    match method {
        "Set" => Some(Operation::Assign),
        "Del" => Some(Operation::Delete),
        "Get" | "Has" | "Values" => Some(Operation::Read),
        _ => None,
    }
}

/// What a method of `sync.Map` does with a key, by its full name or that of the trie below it
/// (since 1.24; its package was internal/concurrent in 1.23). These are no maps of the runtime's,
/// so that [`map_frame`] does not know them, but keys are hashed in the same way.
#[must_use]
pub fn sync_map(function: &str) -> Option<Operation> {
    const TYPES: [&str; 3] = [
        "sync.(*Map).",
        "internal/sync.(*HashTrieMap[...]).",
        "internal/concurrent.(*HashTrieMap[...]).",
    ];
    let method = TYPES.iter().find_map(|ty| function.strip_prefix(ty))?;
    match method {
        "Load" => Some(Operation::Read),
        "Store" | "LoadOrStore" | "Swap" | "CompareAndSwap" => Some(Operation::Assign),
        "Delete" | "LoadAndDelete" | "CompareAndDelete" => Some(Operation::Delete),
        _ => None,
    }
}

/// Whether a function belongs to the runtime or to what stands between it and the program, so
/// that the frame of interest is further out: the runtime itself, hash functions that the
/// compiler makes, reflect.
#[must_use]
pub fn is_runtime(function: &str) -> bool {
    let package = package(function);
    matches!(
        package,
        "runtime" | "reflect" | "internal/reflectlite" | "internal/fmtsort"
    ) || package.starts_with("runtime/internal/")
        || package.starts_with("internal/runtime/")
        || function == "panic"
        || function.starts_with("type:.")
        || function.starts_with("type..")
        || matches!(function, "maps.clone" | "maps.keys" | "maps.values")
}

/// First parts of the import paths of the standard library (go1.27, `go list std`), of packages
/// that older versions had, and of what the compiler names likewise. Other packages have a dot in
/// theirs, or are called otherwise by convention.
const STANDARD: [&str; 53] = [
    "archive",
    "arena",
    "bufio",
    "builtin",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "simd",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "vendor",
    "weak",
];

/// Whether a function belongs to the standard library, the runtime included.
#[must_use]
pub fn is_standard(function: &str) -> bool {
    let package = package(function);
    let first = package.split('/').next().unwrap_or(package);
    STANDARD.binary_search(&first).is_ok()
}

/// The import path of the package that a function belongs to: `github.com/a/b` of
/// `github.com/a/b.(*T).M`. Dots in the last part of a path are escaped as `%2e` in tracebacks.
/// Empty for functions without a package, such as `panic`.
#[must_use]
pub fn package(function: &str) -> &str {
    // Type arguments and anonymous struct types may hold slashes and dots.
    let end = function.find(['[', '(']).unwrap_or(function.len());
    let head = &function[..end];
    let from = head.rfind('/').map_or(0, |slash| slash + 1);
    match head[from..].find('.') {
        Some(dot) => &head[..from + dot],
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_of_both_maps() {
        use Operation::*;
        for (name, operation, map) in [
            ("runtime.mapassign_fast64ptr", Assign, Some(1)),
            ("runtime.mapaccess2_faststr", Read, Some(1)),
            ("runtime.mapaccess1_fat", Read, Some(1)),
            ("runtime.evacuate_faststr", Grow, Some(1)),
            ("runtime.mapdelete", Delete, Some(1)),
            ("internal/runtime/maps.(*Map).Delete", Delete, Some(0)),
            ("internal/runtime/maps.(*table).rehash", Grow, Some(2)),
            (
                "internal/runtime/maps.(*Map).putSlotSmallFastStr",
                Assign,
                Some(0),
            ),
            (
                "internal/runtime/maps.runtime_mapassign_fast32",
                Assign,
                Some(1),
            ),
            ("reflect.mapassign_faststr0", Assign, Some(1)),
            ("maps.clone", Clone, Some(1)),
            ("maps.Clone[...]", Clone, None),
        ] {
            let frame = map_frame(name).expect(name);
            assert_eq!((frame.operation, frame.map), (operation, map), "{name}");
        }
        for name in [
            "runtime.mapinitnoop",
            "runtime.mallocgc",
            "main.mapassign",
            "internal/runtime/maps.fatal",
            "",
        ] {
            assert_eq!(map_frame(name), None, "{name}");
        }
    }

    #[test]
    fn methods_of_map_types() {
        for (name, operation) in [
            ("net/textproto.MIMEHeader.Set", Some(Operation::Assign)),
            ("net/url.Values.Del", Some(Operation::Delete)),
            ("net/http.Header.Get", Some(Operation::Read)),
            ("net/http.Header.Add", None),
            ("shop/net/http.Header.Set", None),
        ] {
            assert_eq!(map_type_method(name), operation, "{name}");
        }
    }

    #[test]
    fn functions_of_the_standard_library() {
        assert!(STANDARD.is_sorted());
        for name in [
            "runtime.gopark",
            "net/http.(*conn).serve",
            "internal/runtime/maps.(*table).grow",
            "sync.(*Map).Load",
            "maps.Clone[...]",
            "encoding/json.(*decodeState).object",
        ] {
            assert!(is_standard(name), "{name}");
        }
        for name in [
            "main.main",
            "shop/stock.(*Shelf).Put",
            "example.com/log.F",
            "golang.org/x/exp/maps.Keys[...]",
            "main.F[net/http.Header]",
            "cache.(*Cache[go.shape.string]).Set",
            "",
        ] {
            assert!(!is_standard(name), "{name}");
        }
    }

    #[test]
    fn packages_of_functions() {
        for (function, path) in [
            ("main.main", "main"),
            ("main.(*Cache[...]).Put.func1", "main"),
            ("github.com/a/b%2ec.(*T).M", "github.com/a/b%2ec"),
            (
                "github.com/a/b/v2.F[go.shape.struct { x/y.T }]",
                "github.com/a/b/v2",
            ),
            (
                "internal/runtime/maps.(*Map).Delete",
                "internal/runtime/maps",
            ),
            ("panic", ""),
        ] {
            assert_eq!(package(function), path, "{function}");
        }
        assert!(is_runtime("type:.hash.main.S"));
        assert!(is_runtime("internal/runtime/maps.fatal"));
        assert!(!is_runtime("runtimex.F"));
    }
}
