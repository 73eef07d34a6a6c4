//! Profiling labels (runtime/pprof `labelMap`; a sorted list since 1.24).

use tophash_runtime::GoVersion;

use crate::memory::Memory;
use crate::program::{Program, Slice};

/// More labels than anyone sets, and longer ones.
const COUNT: u64 = 64;
const LENGTH: u64 = 256;

/// The labels that a goroutine's `labels` word points to. Up to 1.23 they are in a map and are
/// left out.
pub(super) fn read(program: &Program<'_>, address: u64) -> Vec<(String, String)> {
    if address == 0 || program.build.version < GoVersion::Go1_24 {
        return Vec::new();
    }
    let image = program.image;
    let Some(list) = Slice::read(image, address).filter(|list| list.len <= COUNT) else {
        return Vec::new();
    };
    let pairs = (0..list.len).map_while(|index| {
        let at = list.data.checked_add(32 * index)?;
        Some((string(program, at)?, string(program, at.checked_add(16)?)?))
    });
    pairs.collect()
}

/// The string whose header lies at an address, cut off where it is long.
fn string(program: &Program<'_>, address: u64) -> Option<String> {
    let slice = Slice::read(program.image, address)?;
    let len = usize::try_from(slice.len.min(LENGTH)).ok()?;
    let bytes = program.image.read(slice.data, len)?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
