//! Functions that are known never to return.

use crate::ir::{Divergence, FuncName};
use rustc_hash::FxHashMap;
use std::sync::LazyLock;
use tophash_syntax::Symbol;

/// How a call of a well-known function ends, if it never returns. User functions of that
/// kind are found by their summaries.
pub fn known_divergence(name: FuncName) -> Option<Divergence> {
    KNOWN.get(&name).copied()
}

/// Names of methods or functions of one package.
struct Group {
    package: &'static str,
    /// Receiver types; the empty one stands for functions.
    receivers: &'static [&'static str],
    names: &'static [&'static str],
    how: Divergence,
}

/// The functions of the standard library, of testing packages, and of the loggers in wide use.
const GROUPS: &[Group] = &[
    group("os", &[""], &["Exit"], Divergence::Exit),
    group("syscall", &[""], &["Exit"], Divergence::Exit),
    group("runtime", &[""], &["Goexit"], Divergence::Goexit),
    group("runtime", &[""], &["throw", "fatal"], Divergence::Exit),
    group("log", &["", "Logger"], FATAL, Divergence::Exit),
    group("log", &["", "Logger"], PANIC, Divergence::Panic),
    group(
        "testing",
        &["common", "TB", "T", "B", "F"],
        &["FailNow", "Fatal", "Fatalf", "Skip", "Skipf", "SkipNow"],
        Divergence::Goexit,
    ),
    group(
        "gopkg.in/check.v1",
        &["C"],
        &["FailNow", "Fatal", "Fatalf", "Skip"],
        Divergence::Goexit,
    ),
    group(
        "github.com/stretchr/testify/require",
        &["", "Assertions"],
        &["Fail", "Failf", "FailNow", "FailNowf"],
        Divergence::Goexit,
    ),
    group(
        "github.com/sirupsen/logrus",
        LOGRUS,
        FATAL,
        Divergence::Exit,
    ),
    group(
        "github.com/sirupsen/logrus",
        LOGRUS,
        PANIC,
        Divergence::Panic,
    ),
    group(
        "github.com/sirupsen/logrus",
        &["", "Logger"],
        &["Exit"],
        Divergence::Exit,
    ),
    group("go.uber.org/zap", &["Logger"], &["Fatal"], Divergence::Exit),
    group(
        "go.uber.org/zap",
        &["Logger"],
        &["Panic"],
        Divergence::Panic,
    ),
    group(
        "go.uber.org/zap",
        &["SugaredLogger"],
        &["Fatal", "Fatalf", "Fatalln", "Fatalw"],
        Divergence::Exit,
    ),
    group(
        "go.uber.org/zap",
        &["SugaredLogger"],
        &["Panic", "Panicf", "Panicln", "Panicw"],
        Divergence::Panic,
    ),
    group("k8s.io/klog", &[""], GLOG, Divergence::Exit),
    group("k8s.io/klog/v2", &[""], GLOG, Divergence::Exit),
    group("github.com/golang/glog", &[""], GLOG, Divergence::Exit),
    group(
        "google.golang.org/grpc/grpclog",
        &["", "LoggerV2"],
        FATAL,
        Divergence::Exit,
    ),
    group(
        "github.com/ethereum/go-ethereum/log",
        &["", "Logger"],
        &["Crit"],
        Divergence::Exit,
    ),
    group(
        "github.com/onsi/ginkgo",
        &[""],
        &["Fail", "Skip"],
        Divergence::Panic,
    ),
    group(
        "github.com/onsi/ginkgo/v2",
        &[""],
        &["Fail", "Skip"],
        Divergence::Panic,
    ),
];

const FATAL: &[&str] = &["Fatal", "Fatalf", "Fatalln"];
const PANIC: &[&str] = &["Panic", "Panicf", "Panicln"];
const LOGRUS: &[&str] = &[
    "",
    "Logger",
    "Entry",
    "FieldLogger",
    "StdLogger",
    "Ext1FieldLogger",
];
const GLOG: &[&str] = &[
    "Fatal",
    "Fatalf",
    "Fatalln",
    "FatalDepth",
    "FatalDepthf",
    "Exit",
    "Exitf",
    "Exitln",
    "ExitDepth",
    "ExitDepthf",
];

const fn group(
    package: &'static str,
    receivers: &'static [&'static str],
    names: &'static [&'static str],
    how: Divergence,
) -> Group {
    Group {
        package,
        receivers,
        names,
        how,
    }
}

static KNOWN: LazyLock<FxHashMap<FuncName, Divergence>> = LazyLock::new(|| {
    let mut known = FxHashMap::default();
    for group in GROUPS {
        let package = Symbol::new(group.package);
        for &receiver in group.receivers {
            let receiver = (!receiver.is_empty()).then(|| Symbol::new(receiver));
            for &name in group.names {
                let name = Symbol::new(name);
                let name = FuncName {
                    package,
                    receiver,
                    name,
                };
                known.insert(name, group.how);
            }
        }
    }
    known
});
