//! What is known of the standard library without its source.

use tophash_flow::FuncName;

/// What a function does to maps and memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Writes to the map that is its first argument, for each element of the second.
    FillsMap,
    /// Returns a copy of a map, nil of nil.
    ClonesMap,
    /// Changes nothing that it is given.
    Pure,
    /// Changes nothing that it is given, and returns something that is not nil.
    NonNil,
    /// Runs the functions it is given, and changes nothing else.
    Runs,
    /// Returns something that has as many elements as its argument.
    KeepsLength,
    /// Returns what stands for its argument.
    Reflects,
    /// Says whether its receiver stands for anything.
    IsReflected,
    /// Writes to the map that its receiver stands for.
    WritesReflected,
}

/// The effect of a function of the standard library, where it matters.
pub fn effect(name: FuncName) -> Option<Effect> {
    let function = name.name.as_str();
    // Of any package: golang.org/x/xerrors, google.golang.org/grpc/status.
    let makes_error = match function {
        "Errorf" => name.receiver.is_none() && name.package.as_str() != "testing",
        "New" => name.package.as_str().ends_with("errors"),
        _ => false,
    };
    if makes_error {
        return Some(Effect::NonNil);
    }
    let effect = match name.package.as_str() {
        "maps" => match function {
            "Copy" | "Insert" => Effect::FillsMap,
            "Clone" => Effect::ClonesMap,
            "Keys" | "Values" => Effect::KeepsLength,
            _ => Effect::Runs,
        },
        "reflect" => match function {
            "ValueOf" => Effect::Reflects,
            "IsValid" => Effect::IsReflected,
            "SetMapIndex" => Effect::WritesReflected,
            _ => return None,
        },
        "fmt" if function.contains("can") => return None,
        "errors" if function == "As" => return None,
        "fmt" | "errors" | "strings" | "strconv" | "unicode" | "unicode/utf8" | "path"
        | "path/filepath" | "log" | "math" | "time" | "os"
            if !takes_function(function) =>
        {
            Effect::Pure
        }
        "testing" if !matches!(function, "Run" | "Cleanup" | "AllocsPerRun" | "Benchmark") => {
            Effect::Pure
        }
        "sync" | "sync/atomic" if !matches!(function, "Do" | "Go" | "Store" | "Swap" | "Put") => {
            Effect::Pure
        }
        "slices" if matches!(function, "Sorted" | "Collect") => Effect::KeepsLength,
        "sort" | "slices" => Effect::Runs,
        _ => return None,
    };
    Some(effect)
}

fn takes_function(name: &str) -> bool {
    name.ends_with("Func")
        || name.ends_with("Seq")
        || matches!(name, "Map" | "Walk" | "WalkDir" | "AfterFunc")
}
