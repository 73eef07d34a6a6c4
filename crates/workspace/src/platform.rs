//! Tables of operating systems, architectures and experiments: which build tags
//! a platform and a Go release bring with them.

use crate::version::GoVersion;

/// Operating systems that a file name suffix may name, past ones included
/// (internal/syslist, Go 1.27).
pub fn is_known_os(name: &str) -> bool {
    matches!(
        name,
        "aix"
            | "android"
            | "darwin"
            | "dragonfly"
            | "freebsd"
            | "hurd"
            | "illumos"
            | "ios"
            | "js"
            | "linux"
            | "nacl"
            | "netbsd"
            | "openbsd"
            | "plan9"
            | "solaris"
            | "wasip1"
            | "windows"
            | "zos"
    )
}

/// Operating systems for which the tag `unix` holds (internal/syslist, Go 1.27).
pub fn is_unix(os: &str) -> bool {
    matches!(
        os,
        "aix"
            | "android"
            | "darwin"
            | "dragonfly"
            | "freebsd"
            | "hurd"
            | "illumos"
            | "ios"
            | "linux"
            | "netbsd"
            | "openbsd"
            | "solaris"
    )
}

/// Architectures that a file name suffix may name (internal/syslist, Go 1.27).
pub fn is_known_arch(name: &str) -> bool {
    matches!(
        name,
        "386"
            | "amd64"
            | "amd64p32"
            | "arm"
            | "armbe"
            | "arm64"
            | "arm64be"
            | "loong64"
            | "mips"
            | "mipsle"
            | "mips64"
            | "mips64le"
            | "mips64p32"
            | "mips64p32le"
            | "ppc"
            | "ppc64"
            | "ppc64le"
            | "riscv"
            | "riscv64"
            | "s390"
            | "s390x"
            | "sparc"
            | "sparc64"
            | "wasm"
    )
}

/// Ports on which cgo works (internal/platform, Go 1.26).
pub fn supports_cgo(os: &str, arch: &str) -> bool {
    match os {
        "aix" => arch == "ppc64",
        "linux" | "openbsd" => arch != "ppc64",
        "android" | "darwin" | "dragonfly" | "freebsd" | "illumos" | "ios" | "netbsd"
        | "solaris" | "windows" => true,
        _ => false,
    }
}

/// GOOS of the machine this program was built for.
pub fn host_os() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        os => os,
    }
}

/// GOARCH of the machine this program was built for.
pub fn host_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86" => "386",
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "loongarch64" => "loong64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        "wasm32" => "wasm",
        arch => arch,
    }
}

/// Experiments that are on by default in a release
/// (`ParseGOEXPERIMENT` in internal/buildcfg/exp.go of Go 1.20 to 1.27).
pub fn default_experiments(version: GoVersion, os: &str, arch: &str) -> Vec<&'static str> {
    let mut list = Vec::new();
    let regabi = match arch {
        "amd64" | "arm64" | "ppc64" | "ppc64le" | "riscv64" => true,
        "loong64" => version >= GoVersion::new(1, 22),
        "s390x" => version >= GoVersion::new(1, 26),
        _ => false,
    };
    if regabi {
        list.extend(["regabiwrappers", "regabiargs"]);
    }
    if !matches!(os, "darwin" | "ios" | "aix") && version >= GoVersion::new(1, 25) {
        list.push("dwarf5");
    }
    let has_xchg8 = matches!(
        arch,
        "386" | "amd64" | "arm" | "arm64" | "ppc64" | "ppc64le"
    );
    if has_xchg8 && version == GoVersion::new(1, 24) {
        list.push("spinbitmutex");
    }
    // Name, first release with it on, first release without the flag.
    const BY_RELEASE: &[(&str, u16, u16)] = &[
        ("unified", 20, 21),
        ("coverageredesign", 20, 25),
        ("allocheaders", 22, 23),
        ("exectracer2", 22, 23),
        ("aliastypeparams", 24, 26),
        ("swissmap", 24, 26),
        ("synchashtriemap", 24, 26),
        ("randomizedheapbase64", 26, u16::MAX),
        ("greenteagc", 26, u16::MAX),
        ("jsonv2", 27, u16::MAX),
        ("sizespecializedmalloc", 27, u16::MAX),
    ];
    for &(name, from, until) in BY_RELEASE {
        if (from..until).contains(&version.minor) {
            list.push(name);
        }
    }
    list
}

/// Tags for features of an architecture, such as `amd64.v1`
/// (`gogoarchTags` in internal/buildcfg/cfg.go, Go 1.26). `level` is the value of
/// `GOAMD64` and its like, where set.
pub fn arch_feature_tags(arch: &str, level: Option<&str>) -> Vec<String> {
    let up_to = |from: u32, to: u32, prefix: &str| -> Vec<String> {
        (from..=to).map(|i| format!("{arch}.{prefix}{i}")).collect()
    };
    let number = |prefix: &str, default: u32| {
        level
            .and_then(|l| l.strip_prefix(prefix))
            .and_then(|l| {
                let digits = l.bytes().take_while(u8::is_ascii_digit).count();
                l[..digits].parse().ok()
            })
            .unwrap_or(default)
    };
    match arch {
        "386" => vec![format!("386.{}", level.unwrap_or("sse2"))],
        "amd64" => up_to(1, number("v", 1).min(4), "v"),
        "arm" => up_to(5, number("", 7).min(7), ""),
        "arm64" => {
            let (major, minor) = match level.and_then(|l| l.strip_prefix('v')) {
                Some(l) => {
                    let mut digits = l.bytes().filter(u8::is_ascii_digit);
                    let mut next = || digits.next().map_or(0, |d| u32::from(d - b'0'));
                    (next(), next())
                }
                None => (8, 0),
            };
            let mut list = up_to(0, minor, &format!("v{major}."));
            // v9.x also has all of v8.(x+5).
            if major == 9 {
                list.extend(up_to(0, (minor + 5).min(9), "v8."));
            }
            list
        }
        "mips" | "mipsle" | "mips64" | "mips64le" => {
            vec![format!("{arch}.{}", level.unwrap_or("hardfloat"))]
        }
        "ppc64" | "ppc64le" => up_to(8, number("power", 8).min(10), "power"),
        "riscv64" => {
            let level = number("rva", 20);
            [20, 22, 23]
                .into_iter()
                .filter(|&l| l <= level)
                .map(|l| format!("riscv64.rva{l}u64"))
                .collect()
        }
        "wasm" => vec!["wasm.satconv".to_owned(), "wasm.signext".to_owned()],
        _ => Vec::new(),
    }
}
