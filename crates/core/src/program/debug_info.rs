//! DWARF: what a program says of its own types, where it was not stripped.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::ZlibDecoder;
use gimli::{AttributeValue, DwAt, EndianSlice, LittleEndian, SectionId};
use object::elf::FileHeader64;
use object::read::elf::ElfFile;
use object::{CompressionFormat, Object, ObjectSection};
use rustc_hash::FxHashMap;
use ruzstd::decoding::StreamingDecoder;

use crate::image::Binary;

/// More than the debug information of any program; what claims more is damaged.
const SECTION_LIMIT: u64 = 4 << 30;

/// A reader of debug information.
pub type Reader<'a> = EndianSlice<'a, LittleEndian>;

/// The sections of a program's debug information, unpacked.
#[derive(Debug)]
pub struct DebugInfo<'a> {
    sections: FxHashMap<&'static str, Cow<'a, [u8]>>,
}

impl<'a> DebugInfo<'a> {
    /// Unpacks the debug information; none if the program was stripped of it.
    #[must_use]
    pub fn load(binary: &'a Binary) -> Option<Self> {
        let elf = ElfFile::<FileHeader64<object::LittleEndian>>::parse(&*binary.bytes).ok()?;
        let mut sections = FxHashMap::default();
        for id in [
            SectionId::DebugInfo,
            SectionId::DebugAbbrev,
            SectionId::DebugLine,
            SectionId::DebugStr,
            SectionId::DebugLineStr,
            SectionId::DebugStrOffsets,
            SectionId::DebugAddr,
            SectionId::DebugLocLists,
            SectionId::DebugLoc,
            SectionId::DebugRngLists,
            SectionId::DebugRanges,
        ] {
            let section = elf.section_by_name(id.name());
            if let Some(bytes) = section.and_then(|section| unpacked(&section)) {
                sections.insert(id.name(), bytes);
            }
        }
        sections
            .contains_key(SectionId::DebugInfo.name())
            .then_some(Self { sections })
    }

    /// The debug information for reading with gimli.
    #[must_use]
    pub fn dwarf(&self) -> gimli::Dwarf<Reader<'_>> {
        let load = |id: SectionId| -> Result<Reader<'_>, gimli::Error> {
            let bytes = self.sections.get(id.name()).map_or(&[][..], |b| b);
            Ok(EndianSlice::new(bytes, LittleEndian))
        };
        gimli::Dwarf::load(load).unwrap_or_default()
    }

    /// Sizes and field offsets of the named structs. Go puts all types in the unit of package
    /// runtime.
    #[must_use]
    pub fn structs(&self, names: &[&str]) -> FxHashMap<String, Struct> {
        let dwarf = self.dwarf();
        let mut found = FxHashMap::default();
        let mut units = dwarf.units();
        while let Ok(Some(header)) = units.next() {
            let Ok(unit) = dwarf.unit(header) else {
                continue;
            };
            if unit.name.is_some_and(|name| name.slice() == b"runtime") {
                // A damaged unit gives what comes before the damage.
                let _ = unit_structs(&dwarf, &unit, names, &mut found);
            }
            if found.len() == names.len() {
                break;
            }
        }
        found
    }
}

/// A struct type.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Struct {
    /// Bytes.
    pub size: u64,
    /// Offsets of its fields.
    pub fields: FxHashMap<String, u64>,
}

fn unit_structs(
    dwarf: &gimli::Dwarf<Reader<'_>>,
    unit: &gimli::Unit<Reader<'_>>,
    names: &[&str],
    found: &mut FxHashMap<String, Struct>,
) -> Result<(), gimli::Error> {
    let mut entries = unit.entries();
    let mut current: Option<(isize, String)> = None;
    while let Some(entry) = entries.next_dfs()? {
        let depth = entry.depth();
        if let Some((level, _)) = &current
            && depth <= *level
        {
            current = None;
            if found.len() == names.len() {
                break;
            }
        }
        let name = |at: DwAt| -> Option<String> {
            let value = entry.attr_value(at)?;
            let text = dwarf.attr_string(unit, value).ok()?;
            Some(String::from_utf8_lossy(text.slice()).into_owned())
        };
        let number = |at: DwAt| match entry.attr_value(at)? {
            AttributeValue::Exprloc(_) => None,
            value => value.udata_value(),
        };
        match entry.tag() {
            gimli::DW_TAG_structure_type => {
                if let Some(name) = name(gimli::DW_AT_name)
                    && names.contains(&name.as_str())
                    && !found.contains_key(&name)
                {
                    let size = number(gimli::DW_AT_byte_size).unwrap_or(0);
                    let fields = FxHashMap::default();
                    found.insert(name.clone(), Struct { size, fields });
                    current = Some((depth, name));
                }
            }
            gimli::DW_TAG_member => {
                if let Some((level, owner)) = &current
                    && depth == level + 1
                    && let Some(offset) = number(gimli::DW_AT_data_member_location)
                    && let Some(name) = name(gimli::DW_AT_name)
                    && let Some(owner) = found.get_mut(owner)
                {
                    owner.fields.insert(name, offset);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A section's bytes, unpacked if they are compressed.
fn unpacked<'a>(section: &impl ObjectSection<'a>) -> Option<Cow<'a, [u8]>> {
    let data = section.compressed_data().ok()?;
    let size = data.uncompressed_size;
    if data.format == CompressionFormat::None {
        return Some(Cow::Borrowed(data.data));
    }
    // Deflate makes at most 1,032 bytes of one.
    if size > SECTION_LIMIT || size / 1100 > data.data.len() as u64 {
        return None;
    }
    let mut out = Vec::with_capacity(usize::try_from(size).ok()?);
    match data.format {
        CompressionFormat::Zlib => ZlibDecoder::new(data.data)
            .take(size)
            .read_to_end(&mut out)
            .ok()?,
        CompressionFormat::Zstandard => StreamingDecoder::new(data.data)
            .ok()?
            .take(size)
            .read_to_end(&mut out)
            .ok()?,
        _ => return None,
    };
    Some(Cow::Owned(out))
}
