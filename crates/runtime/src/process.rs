//! Where the runtime of a process keeps its goroutines, threads, heap and tables.
//!
//! All offsets and sizes are in bytes, for 64-bit Linux; the columns are Go 1.21 to 1.27. They
//! are those of the DWARF of programs of each version, where a reader should take them from if
//! it can: [`ProcessLayout::refined`].

use crate::version::GoVersion;

/// Defines a struct of offsets for each struct of the runtime, with a row per field and a column
/// per version.
macro_rules! layouts {
    ($(
        $(#[$doc:meta])*
        $Layout:ident = $go:literal $sizes:tt {
            $( $(#[$field_doc:meta])* $field:ident = $go_field:literal $offsets:tt, )*
        } optional {
            $( $(#[$option_doc:meta])* $option:ident = $go_option:literal $option_offsets:tt, )*
        }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $Layout {
                /// Bytes of the whole.
                pub size: u64,
                $( $(#[$field_doc])* pub $field: u64, )*
                $( $(#[$option_doc])* pub $option: Option<u64>, )*
            }

            impl $Layout {
                /// Its name in DWARF.
                pub const NAME: &'static str = $go;

                fn of(version: GoVersion) -> Self {
                    let column = version as usize;
                    Self {
                        size: $sizes[column],
                        $( $field: $offsets[column], )*
                        $( $option: $option_offsets[column], )*
                    }
                }

                fn refine(&mut self, offset: &dyn Fn(&str, &str) -> Option<u64>) {
                    $( self.$field = offset($go, $go_field).unwrap_or(self.$field); )*
                    $( self.$option = offset($go, $go_option).or(self.$option); )*
                }
            }
        )*
    };
}

layouts! {
    /// `g`, a goroutine (runtime/runtime2.go).
    GLayout = "runtime.g" [408, 424, 432, 440, 440, 456, 456] {
        /// The stack: its lowest address and the one behind its highest, two words.
        stack = "stack" [0, 0, 0, 0, 0, 0, 0],
        /// Pointer to the innermost panic in progress.
        panic = "_panic" [32, 32, 32, 32, 32, 32, 32],
        /// Pointer to the thread that runs it, nil if none does.
        m = "m" [48, 48, 48, 48, 48, 48, 48],
        /// Where it goes on: a `gobuf`.
        sched = "sched" [56, 56, 56, 56, 56, 56, 56],
        /// Stack pointer at the call into the system, 0 outside of one: a word.
        syscallsp = "syscallsp" [112, 112, 112, 112, 104, 104, 104],
        /// Return address of that call: a word.
        syscallpc = "syscallpc" [120, 120, 120, 120, 112, 112, 112],
        /// State: four bytes.
        atomicstatus = "atomicstatus" [144, 144, 152, 152, 144, 144, 144],
        /// Its number: a word.
        goid = "goid" [152, 152, 160, 160, 152, 152, 152],
        /// When it began to wait, in nanoseconds, 0 if not noted: a word.
        waitsince = "waitsince" [168, 168, 176, 176, 168, 168, 168],
        /// Why it waits: a byte.
        waitreason = "waitreason" [176, 176, 184, 184, 176, 176, 176],
        /// The signal that it got: four bytes.
        sig = "sig" [216, 216, 224, 228, 220, 224, 224],
        /// `si_code` of that signal: a word.
        sigcode0 = "sigcode0" [248, 248, 256, 256, 248, 256, 256],
        /// The address of its fault: a word.
        sigcode1 = "sigcode1" [256, 256, 264, 264, 256, 264, 264],
        /// The instruction at fault: a word.
        sigpc = "sigpc" [264, 264, 272, 272, 264, 272, 272],
        /// Where its prints go in place of standard error: a slice.
        writebuf = "writebuf" [224, 224, 232, 232, 224, 232, 232],
        /// Number of the goroutine that made it: a word.
        parent_goid = "parentGoid" [272, 272, 280, 280, 272, 280, 280],
        /// The `go` statement that made it: a word.
        gopc = "gopc" [280, 280, 288, 288, 280, 288, 288],
        /// The function it began with: a word.
        startpc = "startpc" [296, 296, 304, 304, 296, 304, 304],
        /// Pointer to its profiling labels.
        labels = "labels" [344, 344, 352, 352, 344, 352, 352],
    } optional {
    }
    /// `gobuf`: registers of a goroutine that does not run.
    GobufLayout = "runtime.gobuf" [56, 56, 56, 56, 48, 48, 48] {
        /// Stack pointer.
        sp = "sp" [0, 0, 0, 0, 0, 0, 0],
        /// Next instruction.
        pc = "pc" [8, 8, 8, 8, 8, 8, 8],
        /// Link register, where there is one.
        lr = "lr" [40, 40, 40, 40, 32, 32, 32],
        /// Frame pointer.
        bp = "bp" [48, 48, 48, 48, 40, 40, 40],
    } optional {
    }
    /// `m`, a thread.
    MLayout = "runtime.m" [1008, 2024, 1760, 1832, 1816, 1824, 1832] {
        /// Pointer to the goroutine of the scheduler and of `systemstack`.
        g0 = "g0" [0, 0, 0, 0, 0, 0, 0],
        /// The kernel's number of the thread: a word.
        procid = "procid" [72, 72, 72, 72, 64, 64, 64],
        /// Pointer to the goroutine that handles signals.
        gsignal = "gsignal" [80, 80, 80, 80, 72, 72, 72],
        /// Pointer to the goroutine that it runs.
        curg = "curg" [192, 192, 192, 192, 184, 184, 184],
        /// Not 0 while it brings the process down by a fatal error: four bytes.
        throwing = "throwing" [244, 244, 244, 244, 236, 244, 244],
        /// Not 0 while it brings the process down: four bytes.
        dying = "dying" [268, 268, 268, 268, 260, 268, 268],
        /// Whether it is in a call into C: a byte.
        incgo = "incgo" [280, 280, 280, 280, 272, 280, 280],
        /// Pointer to the next thread in `runtime.allm`.
        alllink = "alllink" [336, 328, 328, 352, 344, 352, 352],
    } optional {
    }
    /// `mspan`: a run of pages with objects of one size (runtime/mheap.go).
    SpanLayout = "runtime.mspan" [168, 160, 160, 160, 160, 160, 160] {
        /// First address: a word.
        start = "startAddr" [24, 24, 24, 24, 24, 24, 24],
        /// Pages: a word.
        npages = "npages" [32, 32, 32, 32, 32, 32, 32],
        /// Objects before this one are in use: a word in 1.21, then two bytes.
        freeindex = "freeindex" [48, 48, 48, 48, 48, 48, 48],
        /// Objects that it holds: a word in 1.21, then two bytes.
        nelems = "nelems" [56, 50, 50, 50, 50, 50, 50],
        /// Pointer to a bit for each object, set if it was in use after the last sweep.
        alloc_bits = "allocBits" [72, 64, 64, 64, 64, 64, 64],
        /// Pointer to a bit for each object, set if the last collection has reached it.
        gcmark_bits = "gcmarkBits" [80, 72, 72, 72, 72, 72, 72],
        /// Against that of the heap: whether it is swept: four bytes.
        sweepgen = "sweepgen" [96, 88, 88, 88, 88, 88, 88],
        /// Size class times two, and 1 if no object holds pointers: a byte.
        spanclass = "spanclass" [106, 98, 98, 98, 98, 98, 98],
        /// 1 if it holds objects of the heap, 2 if it is managed by hand: a byte.
        state = "state" [107, 99, 99, 99, 99, 99, 99],
        /// Bytes of an object: a word.
        elemsize = "elemsize" [112, 104, 104, 104, 104, 104, 104],
    } optional {
        /// Pointer to the type of the only object, if it is above 32 KB.
        large_type = "largeType" [None, Some(152), Some(152), Some(152), Some(152), Some(152), Some(152)],
    }
    /// `mheap`: `runtime.mheap_`.
    HeapLayout = "runtime.mheap" [92792, 92856, 92928, 93008, 93320, 93464, 93464] {
        /// Goes up by two with each collection: four bytes.
        sweepgen = "sweepgen" [65856, 65856, 65856, 65856, 65856, 65856, 65856],
        /// All spans: a slice of pointers.
        allspans = "allspans" [65864, 65864, 65864, 65864, 65864, 65864, 65864],
    } optional {
        /// Pointer to the array of pointers to `heapArena` (linux: one first level only). From
        /// 1.22 on nothing in them is needed, and the offset is another on each processor.
        arenas = "arenas" [Some(65944), None, None, None, None, None, None],
    }
    /// `heapArena`: what is known of 64 MB of heap.
    ArenaLayout = "runtime.heapArena" [1133584, 68624, 68624, 68624, 69648, 69648, 69648] {
        /// A pointer to the span of each page.
        spans = "spans" [1064960, 0, 0, 0, 0, 0, 0],
    } optional {
        /// A bit for each word of the arena, set if it is a pointer.
        bitmap = "bitmap" [Some(0), None, None, None, None, None, None],
        /// A bit for each 512 bytes, set if no pointers follow in the object.
        no_more_pointers = "noMorePtrs" [Some(1048576), None, None, None, None, None, None],
    }
    /// `moduledata`: what the linker tells the runtime (runtime/symtab.go).
    ModuleLayout = "runtime.moduledata" [592, 592, 584, 584, 584, 592, 568] {
        /// Names of functions: a slice.
        funcnametab = "funcnametab" [8, 8, 8, 8, 8, 8, 8],
        /// File numbers of compilation units: a slice.
        cutab = "cutab" [32, 32, 32, 32, 32, 32, 32],
        /// Names of files: a slice.
        filetab = "filetab" [56, 56, 56, 56, 56, 56, 56],
        /// Tables of values by program counter: a slice.
        pctab = "pctab" [80, 80, 80, 80, 80, 80, 80],
        /// Records of functions: a slice.
        pclntable = "pclntable" [104, 104, 104, 104, 104, 104, 104],
        /// Entries of functions and offsets of their records: a slice.
        ftab = "ftab" [128, 128, 128, 128, 128, 128, 128],
        /// First address of code: a word.
        minpc = "minpc" [160, 160, 160, 160, 160, 160, 160],
        /// Behind the last address of code: a word.
        maxpc = "maxpc" [168, 168, 168, 168, 168, 168, 168],
        /// What entries of functions count from: a word.
        text = "text" [176, 176, 176, 176, 176, 176, 176],
        /// End of the code: a word.
        etext = "etext" [184, 184, 184, 184, 184, 184, 184],
        /// Variables with a value and no pointers: start and end, two words.
        noptrdata = "noptrdata" [192, 192, 192, 192, 192, 192, 192],
        /// Variables with a value and pointers: start and end, two words.
        data = "data" [208, 208, 208, 208, 208, 208, 208],
        /// Variables that begin as zero, with pointers: start and end, two words.
        bss = "bss" [224, 224, 224, 224, 224, 224, 224],
        /// Variables that begin as zero, without pointers: start and end, two words.
        noptrbss = "noptrbss" [240, 240, 240, 240, 240, 240, 240],
        /// Start of type descriptors: a word.
        types = "types" [296, 296, 296, 296, 296, 296, 296],
        /// Their end: a word.
        etypes = "etypes" [304, 304, 304, 304, 304, 304, 312],
        /// Start of constants: a word.
        rodata = "rodata" [312, 312, 312, 312, 312, 312, 336],
        /// What offsets of function data count from: a word.
        gofunc = "gofunc" [320, 320, 320, 320, 320, 320, 344],
        /// Name of the module, empty for a program: a string.
        modulename = "modulename" [488, 488, 488, 488, 488, 496, 472],
        /// Which words of `data` are pointers: a length in bits and a pointer.
        gcdatamask = "gcdatamask" [536, 536, 536, 536, 536, 544, 520],
        /// Which words of `bss` are pointers: a length in bits and a pointer.
        gcbssmask = "gcbssmask" [552, 552, 552, 552, 552, 560, 536],
        /// Pointer to the next module, of a plugin.
        next = "next" [584, 584, 576, 576, 576, 584, 560],
    } optional {
        /// Length of the part of `types` that holds descriptors, one after the other: a word.
        typedesclen = "typedesclen" [None, None, None, None, None, None, Some(304)],
        /// Offsets of descriptors from `types`: a slice of four bytes each.
        typelinks = "typelinks" [Some(352), Some(352), Some(352), Some(352), Some(352), Some(360), None],
        /// Pointers to itabs: a slice.
        itablinks = "itablinks" [Some(376), Some(376), Some(376), Some(376), Some(376), Some(384), None],
    }
    /// `_panic`: a panic in progress.
    PanicLayout = "runtime._panic" [56, 104, 104, 104, 104, 104, 96] {
        /// Its value: an `any`.
        arg = "arg" [8, 8, 8, 8, 8, 0, 0],
        /// Pointer to the panic before.
        link = "link" [24, 24, 24, 24, 24, 16, 16],
        /// Whether it was recovered: a byte.
        recovered = "recovered" [48, 96, 96, 96, 96, 88, 88],
        /// Whether it stands for `runtime.Goexit`: a byte.
        goexit = "goexit" [50, 97, 97, 97, 98, 90, 90],
    } optional {
    }
}

/// Offsets in all structs of the runtime that a reader of its memory needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessLayout {
    /// `g`.
    pub g: GLayout,
    /// `gobuf`.
    pub gobuf: GobufLayout,
    /// `m`.
    pub m: MLayout,
    /// `mspan`.
    pub span: SpanLayout,
    /// `mheap`.
    pub heap: HeapLayout,
    /// `heapArena`.
    pub arena: ArenaLayout,
    /// `moduledata`.
    pub module: ModuleLayout,
    /// `_panic`.
    pub panics: PanicLayout,
}

impl ProcessLayout {
    /// Names of the structs in DWARF.
    pub const STRUCTS: &'static [&'static str] = &[
        GLayout::NAME,
        GobufLayout::NAME,
        MLayout::NAME,
        SpanLayout::NAME,
        HeapLayout::NAME,
        ArenaLayout::NAME,
        ModuleLayout::NAME,
        PanicLayout::NAME,
    ];

    /// The offsets of a version.
    #[must_use]
    pub fn of(version: GoVersion) -> Self {
        Self {
            g: GLayout::of(version),
            gobuf: GobufLayout::of(version),
            m: MLayout::of(version),
            span: SpanLayout::of(version),
            heap: HeapLayout::of(version),
            arena: ArenaLayout::of(version),
            module: ModuleLayout::of(version),
            panics: PanicLayout::of(version),
        }
    }

    /// The same with what `offset` knows of a struct's field in place of the table's.
    #[must_use]
    pub fn refined(mut self, offset: &dyn Fn(&str, &str) -> Option<u64>) -> Self {
        self.g.refine(offset);
        self.gobuf.refine(offset);
        self.m.refine(offset);
        self.span.refine(offset);
        self.heap.refine(offset);
        self.arena.refine(offset);
        self.module.refine(offset);
        self.panics.refine(offset);
        self
    }
}

/// How the heap marks pointers and reached objects, which experiments change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapRules {
    /// Since 1.22: objects above 512 bytes have their type in front, smaller ones have the
    /// bitmap of their pointers at the end of the span. Before, the arena has the bitmap.
    pub malloc_headers: bool,
    /// Since 1.26, or with `GOEXPERIMENT=greenteagc`: the last [`INLINE_MARKS`] bytes of a span
    /// of small objects with pointers are its marks.
    pub inline_marks: bool,
}

/// Bytes of `spanInlineMarkBits` (runtime/mgcmark_greenteagc.go): 63 bytes of scanned bits, a
/// byte, 63 bytes of marks, a byte.
pub const INLINE_MARKS: u64 = 128;

impl HeapRules {
    /// Reads what `runtime.Version()` says: `go1.26.6 X:nogreenteagc`.
    #[must_use]
    pub fn of(version: GoVersion, text: &str) -> Self {
        let has = |experiment: &str| {
            let mut words = text.split([' ', '-', ',', ':']);
            words.any(|word| word == experiment)
        };
        Self {
            malloc_headers: match version {
                GoVersion::Go1_21 => false,
                GoVersion::Go1_22 => !has("noallocheaders"),
                _ => true,
            },
            inline_marks: match version {
                GoVersion::Go1_21 | GoVersion::Go1_22 | GoVersion::Go1_23 | GoVersion::Go1_24 => {
                    false
                }
                GoVersion::Go1_25 => has("greenteagc"),
                GoVersion::Go1_26 | GoVersion::Go1_27 => !has("nogreenteagc"),
            },
        }
    }
}
