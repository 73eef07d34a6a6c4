//! What is known of functions whose source is not looked at.

use crate::facts::AccessKind;
use tophash_flow::FuncName;

/// What a call does to a map that it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    /// To the receiver.
    Receiver(AccessKind),
    /// To the argument of that number.
    Arg(usize, AccessKind),
    /// To the first argument, and reads the second.
    Copies,
    /// Walks through everything that it is given, maps in structs included.
    Walks,
}

/// Methods of well-known map types: `http.Header`, `url.Values`, `textproto.MIMEHeader`,
/// `metadata.MD`.
fn map_type_method(receiver: &str, name: &str) -> Option<AccessKind> {
    if !matches!(receiver, "Header" | "Values" | "MIMEHeader" | "MD") {
        return None;
    }
    Some(match name {
        "Set" | "Add" | "Append" => AccessKind::Write,
        "Del" | "Delete" => AccessKind::Delete,
        "Get" | "Values" | "Has" => AccessKind::Read,
        "Encode" | "Clone" | "Write" | "WriteSubset" | "Copy" => AccessKind::Iterate,
        _ => return None,
    })
}

/// What a function does to maps it is given.
pub(crate) fn map_use(name: FuncName) -> Option<Use> {
    let function = name.name.as_str();
    let package = name.package.as_str();
    if let Some(receiver) = name.receiver {
        if matches!(package, "net/http" | "net/url" | "net/textproto")
            || package.ends_with("grpc/metadata")
        {
            return map_type_method(receiver.as_str(), function).map(Use::Receiver);
        }
        return matches!(function, "Encode" | "Marshal").then_some(Use::Walks);
    }
    match package {
        "maps" | "golang.org/x/exp/maps" => Some(match function {
            "Copy" => Use::Copies,
            "Insert" => Use::Arg(0, AccessKind::Write),
            "DeleteFunc" | "Clear" => Use::Arg(0, AccessKind::Delete),
            "Clone" | "Keys" | "Values" | "All" => Use::Arg(0, AccessKind::Iterate),
            _ => Use::Walks,
        }),
        "fmt" if !function.contains("can") => Some(Use::Walks),
        "reflect" if function == "DeepEqual" => Some(Use::Walks),
        _ if matches!(function, "Marshal" | "MarshalIndent" | "MarshalToString") => {
            Some(Use::Walks)
        }
        _ => None,
    }
}

/// When a function runs a function that it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Runs {
    /// Before it returns, in the same goroutine.
    Now,
    /// In another goroutine; `many` if several may run at once.
    Apart { many: bool },
    /// Once, whoever comes first; the others wait.
    Once,
}

/// When a function of another package runs a function that it is given; none if that is
/// not known.
pub(crate) fn runs(name: FuncName) -> Option<Runs> {
    let function = name.name.as_str();
    let package = name.package.as_str();
    let receiver = name.receiver.map(|r| r.as_str()).unwrap_or_default();
    let many = Runs::Apart { many: true };
    let one = Runs::Apart { many: false };
    match (package, receiver, function) {
        ("sync", "Once", "Do") | ("sync", "", _) => Some(Runs::Once),
        ("sync", "Map", "Range") => Some(Runs::Now),
        ("sync", "WaitGroup", "Go") => Some(one),
        ("sort" | "slices" | "strings" | "bytes" | "maps", ..) => Some(Runs::Now),
        ("path/filepath" | "io/fs" | "go/ast" | "flag" | "container/ring", ..) => Some(Runs::Now),
        ("time", "", "AfterFunc") => Some(one),
        ("context", "", "AfterFunc") => Some(one),
        ("testing", "B", "RunParallel") => Some(many),
        ("testing", "T" | "B", "Run") => Some(Runs::Now),
        ("net/http", _, "HandleFunc" | "HandlerFunc" | "Handle") => Some(many),
        (_, "Group", "Go" | "TryGo") if package.ends_with("errgroup") => Some(one),
        _ => None,
    }
}

/// The same of a method of a type that could not be found.
pub(crate) fn runs_by_name(name: &str) -> Option<Runs> {
    match name {
        "Go" | "TryGo" => Some(Runs::Apart { many: false }),
        _ => None,
    }
}

/// Whether a method with that name waits for goroutines.
pub(crate) fn waits(name: &str) -> bool {
    matches!(name, "Wait" | "Join" | "WaitTimeout" | "StopAndWait")
}
