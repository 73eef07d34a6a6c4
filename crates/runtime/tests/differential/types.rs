//! The Go types of the replay program (tests/replay/types.go).

use std::sync::Arc;

use tophash_runtime::types::GoType;

fn scalar(name: &str) -> Arc<GoType> {
    let size = match name {
        "int8" | "uint8" | "bool" => 1,
        "int16" | "uint16" => 2,
        "int32" | "uint32" => 4,
        _ => 8,
    };
    GoType::scalar(name, size)
}

fn structure(name: &str, fields: &[(&str, &str)]) -> Arc<GoType> {
    let fields: Vec<_> = fields
        .iter()
        .map(|(field, ty)| (*field == "_", go_type(ty).unwrap()))
        .collect();
    GoType::structure(name, &fields)
}

/// The type of this name in the replay program, as source or as reflection prints it.
pub fn go_type(name: &str) -> Option<Arc<GoType>> {
    Some(match name.strip_prefix("main.").unwrap_or(name) {
        "bool" | "int" | "int8" | "int16" | "int32" | "int64" | "uint8" | "uint16" | "uint32"
        | "uint64" => scalar(name),
        "byte" => scalar("uint8"),
        "number" => GoType::scalar("main.number", 8),
        "string" | "named" => GoType::string(),
        "float32" => GoType::float(4),
        "float64" => GoType::float(8),
        "complex64" => GoType::complex(8),
        "complex128" => GoType::complex(16),
        "any" => GoType::any(),
        "fmt.Stringer" => GoType::interface("fmt.Stringer"),
        "*int" | "chan int" | "unsafe.Pointer" => GoType::pointer(name),
        "[]int" => GoType::slice("[]int"),
        "struct{}" => GoType::structure("struct {}", &[]),
        "pair" => structure("main.pair", &[("A", "int32"), ("S", "string")]),
        "small" => structure("main.small", &[("A", "int32"), ("B", "int32")]),
        "padded" => structure("main.padded", &[("A", "int8"), ("B", "int64")]),
        "blank" => structure(
            "main.blank",
            &[("F", "float64"), ("_", "int32"), ("S", "string")],
        ),
        "mixed" => structure(
            "main.mixed",
            &[("A", "int32"), ("F", "float32"), ("B", "int32")],
        ),
        "nested" => structure(
            "main.nested",
            &[("P", "padded"), ("T", "[3]mixed"), ("I", "any")],
        ),
        "tail" => structure("main.tail", &[("A", "int32"), ("_", "int32")]),
        "big" => structure("main.big", &[("F", "[20]float64")]),
        "runs" => structure(
            "main.runs",
            &[
                ("A", "int32"),
                ("B", "int32"),
                ("C", "int64"),
                ("S", "string"),
                ("D", "[3]uint8"),
                ("E", "uint8"),
            ],
        ),
        array => {
            let (len, elem) = array.strip_prefix('[')?.split_once(']')?;
            GoType::array(go_type(elem)?, len.parse().ok()?)
        }
    })
}

/// Key and element type of `map[K]V`.
pub fn map_type(name: &str) -> Option<(Arc<GoType>, Arc<GoType>)> {
    let rest = name.strip_prefix("map[")?;
    let mut depth = 1;
    let end = rest.find(|c| {
        depth += match c {
            '[' => 1,
            ']' => -1,
            _ => 0,
        };
        depth == 0
    })?;
    Some((go_type(&rest[..end])?, go_type(&rest[end + 1..])?))
}
