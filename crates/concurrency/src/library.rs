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

const ONE: Runs = Runs::Apart { many: false };
const MANY: Runs = Runs::Apart { many: true };

/// When a function of another package runs a function that it is given; none if that is
/// not known.
pub(crate) fn runs(name: FuncName) -> Option<Runs> {
    let function = name.name.as_str();
    let package = name.package.as_str();
    let receiver = name.receiver.map(|r| r.as_str()).unwrap_or_default();
    match (package, receiver, function) {
        ("sync", "Once", "Do") | ("sync", "", _) => Some(Runs::Once),
        ("sync", "Map", "Range") => Some(Runs::Now),
        ("sync", "WaitGroup", "Go") => Some(ONE),
        ("sort" | "slices" | "strings" | "bytes" | "maps", ..) => Some(Runs::Now),
        ("path/filepath" | "io/fs" | "go/ast" | "flag" | "container/ring", ..) => Some(Runs::Now),
        ("time", "", "AfterFunc") => Some(ONE),
        ("context", "", "AfterFunc") => Some(ONE),
        ("testing", "B", "RunParallel") => Some(MANY),
        ("testing", "T" | "B", "Run") => Some(Runs::Now),
        ("k8s.io/apimachinery/pkg/util/wait", "Group", _) => Some(ONE),
        ("k8s.io/apimachinery/pkg/util/wait", "", _) => Some(Runs::Now),
        (_, "Group", "Go" | "TryGo") if package.ends_with("errgroup") => Some(ONE),
        _ if package.starts_with("github.com/sourcegraph/conc") && function == "Go" => Some(ONE),
        _ if package.starts_with("github.com/panjf2000/ants") && function == "Submit" => Some(ONE),
        _ => serves(name).map(|(runs, _)| runs),
    }
}

/// Which methods of an object are called by whoever it is given to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Serves {
    /// `ServeHTTP`.
    Http,
    /// Methods with the form of a gRPC service's.
    Grpc,
    /// Of a reconciler, an informer's handler or a job.
    Named(&'static [&'static str]),
    /// All that are exported.
    Exported,
}

const VERBS: [&str; 9] = [
    "get", "post", "put", "patch", "delete", "head", "options", "connect", "trace",
];

/// What a function that takes functions or objects to be called on demand does with them.
/// Routers call theirs once for each request (net/http documents a goroutine for each
/// connection, which the others build on), grpc-go the same; informers call the handlers of
/// one registration one after another; controller-runtime has one worker for each controller
/// unless it is told otherwise (`MaxConcurrentReconciles`); cron starts a goroutine for each
/// run of a job.
pub(crate) fn serves(name: FuncName) -> Option<(Runs, Serves)> {
    let function = name.name.as_str();
    let package = name.package.as_str();
    let receiver = name.receiver.map(|r| r.as_str()).unwrap_or_default();
    let within = |path: &str| {
        package
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let verb = |others: &[&str]| {
        let lower = function.to_ascii_lowercase();
        VERBS.contains(&lower.as_str()) || others.contains(&lower.as_str())
    };
    let http = Some((MANY, Serves::Http));
    match function {
        _ if package == "net/http" => matches!(
            function,
            "Handle" | "HandleFunc" | "ListenAndServe" | "ListenAndServeTLS" | "Serve" | "ServeTLS"
        )
        .then_some((MANY, Serves::Http)),
        "Handle" | "HandleFunc" | "Handler" | "HandlerFunc" if within("github.com/gorilla/mux") => {
            http
        }
        _ if within("github.com/go-chi/chi") => {
            let others = ["handle", "handlefunc", "method", "methodfunc", "notfound"];
            verb(&others).then_some((MANY, Serves::Http))
        }
        _ if within("github.com/gin-gonic/gin") => {
            verb(&["any", "handle", "use", "noroute"]).then_some((MANY, Serves::Http))
        }
        _ if within("github.com/labstack/echo") => {
            verb(&["any", "match", "add"]).then_some((MANY, Serves::Http))
        }
        _ if within("github.com/gofiber/fiber") => {
            verb(&["all", "add", "use"]).then_some((MANY, Serves::Http))
        }
        _ if package == "google.golang.org/grpc" => {
            let takes = function.ends_with("Interceptor") || function == "UnknownServiceHandler";
            (takes && !function.starts_with("With")).then_some((MANY, Serves::Grpc))
        }
        _ if receiver.is_empty()
            && function.starts_with("Register")
            && function.ends_with("Server") =>
        {
            Some((MANY, Serves::Grpc))
        }
        "Complete" | "Build" if within("sigs.k8s.io/controller-runtime/pkg/builder") => {
            Some((ONE, Serves::Named(&["Reconcile"])))
        }
        "AddEventHandler" | "AddEventHandlerWithResyncPeriod" | "AddEventHandlerWithOptions" => {
            Some((ONE, Serves::Named(&["OnAdd", "OnUpdate", "OnDelete"])))
        }
        "AddFunc" | "AddJob" | "Schedule" if within("github.com/robfig/cron") => {
            Some((ONE, Serves::Named(&["Run"])))
        }
        _ => None,
    }
}

/// What is done with the functions and objects in a literal of a struct type.
pub(crate) fn literal_serves(package: &str, name: &str) -> Option<(Runs, Serves)> {
    match (package, name) {
        ("net/http", "Server") => Some((MANY, Serves::Http)),
        (
            "k8s.io/client-go/tools/cache",
            "ResourceEventHandlerFuncs" | "ResourceEventHandlerDetailedFuncs",
        ) => Some((ONE, Serves::Named(&[]))),
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

/// Whether a method with that name ends what its object does in goroutines.
pub(crate) fn ends(name: &str) -> bool {
    [
        "Stop", "stop", "Close", "close", "Shutdown", "shutdown", "Cancel", "cancel",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}
