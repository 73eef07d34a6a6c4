//! What the allocator makes of a request: size classes, pages and malloc headers.

use crate::version::GoVersion;

/// Sizes of the small object classes (runtime/sizeclasses.go, from 1.25
/// internal/runtime/gc/sizeclasses.go); the same from 1.21 to 1.27.
pub const SIZE_CLASSES: [u16; 67] = [
    8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352,
    384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048,
    2304, 2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728,
    10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672,
    32768,
];

/// Bytes of a page of the Go heap, in which large objects are counted.
pub const PAGE_SIZE: u64 = 8192;

/// Largest small object (runtime/malloc.go `maxSmallSize`).
pub const MAX_SMALL_SIZE: u64 = 32768;

/// Objects with pointers above this size carry a header (runtime/mbitmap.go
/// `minSizeForMallocHeader`, from 1.22).
pub const MIN_SIZE_FOR_MALLOC_HEADER: u64 = 512;

/// Bytes of that header: the object's type (runtime/mbitmap.go `mallocHeaderSize`).
pub const MALLOC_HEADER_SIZE: u64 = 8;

/// Whether the allocator of this version puts a header before small objects with pointers.
fn has_malloc_headers(version: GoVersion) -> bool {
    match version {
        GoVersion::Go1_21 => false,
        GoVersion::Go1_22
        | GoVersion::Go1_23
        | GoVersion::Go1_24
        | GoVersion::Go1_25
        | GoVersion::Go1_26
        | GoVersion::Go1_27 => true,
    }
}

/// A block of the heap, as the allocator hands it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Bytes the block takes from the heap: a size class, or whole pages.
    pub size: u64,
    /// Bytes of it that the object may use, which is all but the malloc header.
    pub usable: u64,
    /// Whether the block is of a size class (up to 32 KB) rather than of pages.
    pub small: bool,
}

/// The block that an allocation of `size` bytes gets; `noscan` means that it holds no pointers.
///
/// The source is `roundupsize` (runtime/msize.go), and `mallocgc` for the header. Objects below
/// 16 bytes without pointers share a 16-byte block (the tiny allocator); they count here as
/// their size class.
#[must_use]
pub fn block(version: GoVersion, size: u64, noscan: bool) -> Block {
    let headers = has_malloc_headers(version);
    let limit = if headers {
        MAX_SMALL_SIZE - MALLOC_HEADER_SIZE
    } else {
        MAX_SMALL_SIZE - 1
    };
    if size <= limit {
        let header = if headers && !noscan && size > MIN_SIZE_FOR_MALLOC_HEADER {
            MALLOC_HEADER_SIZE
        } else {
            0
        };
        let class = class_of(size + header);
        return Block {
            size: class,
            usable: class - header,
            small: true,
        };
    }
    let pages = size.checked_next_multiple_of(PAGE_SIZE).unwrap_or(size);
    Block {
        size: pages,
        usable: pages,
        small: false,
    }
}

/// Bytes that an allocation of `size` may use: runtime's `roundupsize`.
#[must_use]
pub fn round_up_size(version: GoVersion, size: u64, noscan: bool) -> u64 {
    block(version, size, noscan).usable
}

/// The smallest size class that holds `size` bytes, which are at most [`MAX_SMALL_SIZE`].
fn class_of(size: u64) -> u64 {
    if size == 0 {
        return 0;
    }
    let index = SIZE_CLASSES.partition_point(|&class| u64::from(class) < size);
    SIZE_CLASSES
        .get(index)
        .map_or(size, |&class| u64::from(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_pages() {
        use GoVersion::{Go1_21, Go1_27};
        assert_eq!(
            block(Go1_27, 512, false),
            Block {
                size: 512,
                usable: 512,
                small: true
            }
        );
        assert_eq!(
            block(Go1_27, 513, false),
            Block {
                size: 576,
                usable: 568,
                small: true
            }
        );
        assert_eq!(
            block(Go1_27, 576, false),
            Block {
                size: 640,
                usable: 632,
                small: true
            }
        );
        assert_eq!(
            block(Go1_21, 576, false),
            Block {
                size: 576,
                usable: 576,
                small: true
            }
        );
        assert_eq!(
            block(Go1_27, 32768, true),
            Block {
                size: 32768,
                usable: 32768,
                small: false
            }
        );
        assert_eq!(
            block(Go1_27, 32761, true),
            Block {
                size: 32768,
                usable: 32768,
                small: false
            }
        );
        assert_eq!(block(Go1_27, 128 * 136, true).size, 18432);
        assert_eq!(block(Go1_27, 128 * 264, true).size, 40960);
        assert_eq!(block(Go1_27, 0, true).size, 0);
    }
}
