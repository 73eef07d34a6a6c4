//! Values as JSON: numbers, strings and booleans as such, structs as objects, everything that JSON
//! has no word for as an object with keys that start with `@`.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::Value;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(byte) => serializer.serialize_bool(*byte != 0),
            Self::Int(n) | Self::Duration(n) => serializer.serialize_i64(*n),
            Self::Uint(n) => serializer.serialize_u64(*n),
            Self::Float32(x) if x.is_finite() => serializer.serialize_f32(*x),
            Self::Float64(x) if x.is_finite() => serializer.serialize_f64(*x),
            Self::Float32(_) | Self::Float64(_) | Self::Complex(..) => {
                serializer.serialize_str(&self.to_string())
            }
            Self::String(bytes, len) => match std::str::from_utf8(bytes) {
                Ok(text) if *len == bytes.len() as u64 => serializer.serialize_str(text),
                _ => {
                    let mut map = serializer.serialize_map(None)?;
                    map.serialize_entry("@string", &String::from_utf8_lossy(bytes))?;
                    map.serialize_entry("@hex", &hex(bytes))?;
                    map.serialize_entry("@len", len)?;
                    map.end()
                }
            },
            Self::Bytes(bytes, len) => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("@hex", &hex(bytes))?;
                map.serialize_entry("@len", len)?;
                map.end()
            }
            Self::Time(text) => serializer.serialize_str(text),
            Self::List(values, len) => {
                let left = len.saturating_sub(values.len() as u64);
                if left > 0 {
                    let mut map = serializer.serialize_map(None)?;
                    map.serialize_entry("@first", values)?;
                    map.serialize_entry("@len", len)?;
                    return map.end();
                }
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(value)?;
                }
                list.end()
            }
            Self::Struct(_, fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(&**name, value)?;
                }
                map.end()
            }
            Self::Nil => serializer.serialize_none(),
            Self::Pointer(address, target) => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("@pointer", &format!("{address:#x}"))?;
                if let Some(target) = target {
                    map.serialize_entry("@value", target)?;
                }
                map.end()
            }
            Self::Interface(name, value) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("@type", &**name)?;
                map.serialize_entry("@value", value)?;
                map.end()
            }
            Self::Map { name, len, address } => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("@map", &**name)?;
                map.serialize_entry("@len", len)?;
                map.serialize_entry("@address", &format!("{address:#x}"))?;
                map.end()
            }
            Self::Reference(name, address) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("@type", &**name)?;
                map.serialize_entry("@pointer", &format!("{address:#x}"))?;
                map.end()
            }
            Self::Cut => one(serializer, "@cut", &true),
            Self::Unreadable(address) => one(serializer, "@unreadable", &format!("{address:#x}")),
            Self::Circle(address) => one(serializer, "@circle", &format!("{address:#x}")),
        }
    }
}

fn one<S: Serializer>(
    serializer: S,
    key: &str,
    value: &(impl Serialize + ?Sized),
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
