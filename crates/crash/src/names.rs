//! Names of functions and packages.

use tophash_runtime::frames;

/// Whether a function belongs to the runtime or the standard library.
pub(crate) fn is_std(function: &str) -> bool {
    let package = frames::package(function);
    if package.is_empty() {
        return function == "panic"
            || function.starts_with("type:")
            || function.starts_with("type..");
    }
    if matches!(package, "type:" | "go") || package == "golang.org/x/exp/maps" {
        return true;
    }
    frames::is_standard(function)
}

/// Whether a file is one in which the standard library's iterators are. Where they are inlined,
/// the body of a loop is in a function that is named after the program's:
/// `main.(*cache).keys.Keys[...].func1`.
pub(crate) fn is_std_iterator(file: &str) -> bool {
    const FILES: [&str; 5] = [
        "maps/iter.go",
        "slices/iter.go",
        "slices/slices.go",
        "strings/iter.go",
        "reflect/iter.go",
    ];
    FILES.iter().any(|name| {
        // Behind GOROOT/src, or nothing with -trimpath.
        file.strip_suffix(name)
            .is_some_and(|dir| dir.is_empty() || dir.ends_with("/src/"))
    })
}

/// Functions that the compiler makes around others, for `go f(x)` and `defer f(x)`.
pub(crate) fn is_wrapper(function: &str) -> bool {
    let last = function.rsplit('.').next().unwrap_or_default();
    ["gowrap", "deferwrap"].iter().any(|w| {
        last.strip_prefix(w)
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// A function's name with its type arguments left out as Go's tracebacks do: `(*Set[...]).Add`.
/// The race detector prints them.
pub(crate) fn without_types(function: &str) -> String {
    match (function.find('['), function.rfind(']')) {
        (Some(open), Some(close)) if open < close => {
            format!("{}[...]{}", &function[..open], &function[close + 1..])
        }
        _ => function.to_owned(),
    }
}

/// A function's name as reports show it, without the path of its package: `(*Cache).Put`,
/// `server.Handle.func1`.
pub(crate) fn short(function: &str) -> &str {
    let package = frames::package(function);
    let from = package.rfind('/').map_or(0, |slash| slash + 1);
    let name = &function[from..];
    name.strip_prefix("main.").unwrap_or(name)
}

/// A function's name in the form of findings: `(*Cache).Put`, `main.func1`.
pub(crate) fn unqualified(function: &str) -> &str {
    let package = frames::package(function);
    function
        .get(package.len()..)
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_the_standard_library() {
        assert!(is_std("encoding/json.mapEncoder.encode"));
        assert!(is_std("panic"));
        assert!(!is_std("main.main"));
        assert!(!is_std("github.com/a/b.F"));
        assert!(!is_std("example.com/maps.F"));
    }

    #[test]
    fn shortens() {
        assert_eq!(short("main.(*Cache).Put"), "(*Cache).Put");
        assert_eq!(short("github.com/a/srv.H.func1"), "srv.H.func1");
        assert_eq!(unqualified("github.com/a/srv.(*S).H"), "(*S).H");
        assert_eq!(unqualified("panic"), "panic");
        assert_eq!(
            without_types("main.(*M[go.shape.int,go.shape.[]uint8]).F"),
            "main.(*M[...]).F"
        );
        assert!(is_wrapper("main.main.gowrap1"));
        assert!(!is_wrapper("main.gowrap"));
    }
}
