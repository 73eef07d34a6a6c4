//! What comments and names say of locks.

use rustc_hash::FxHashMap;
use tophash_syntax::ast::{DeclKind, ExprKind, SpecKind};
use tophash_syntax::{File, Span, Symbol};

/// What a function's name or comment says of the locks it needs.
pub(crate) fn expects_lock(name: &str, doc: &str) -> bool {
    const SUFFIXES: [&str; 10] = [
        "Locked",
        "locked",
        "NoLock",
        "Nolock",
        "nolock",
        "NoLocks",
        "Unlocked",
        "LockHeld",
        "Unsafe",
        "WithoutLock",
    ];
    const PREFIXES: [&str; 4] = ["unsafe", "locked", "unlocked", "Unsafe"];
    if SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name.contains("Locked")
        || name.contains("_locked")
    {
        return true;
    }
    let doc = doc.to_ascii_lowercase();
    const WORDS: [&str; 20] = [
        "must hold",
        "must be held",
        "should hold",
        "should be held",
        "lock held",
        "lock is held",
        "locks held",
        "mutex held",
        "mutex is held",
        "holding",
        "holds ",
        "held by",
        "must be locked",
        "should be locked",
        "must lock",
        "+checklocks",
        "not thread",
        "not safe for concurrent",
        "not goroutine",
        "under lock",
    ];
    WORDS.iter().any(|words| doc.contains(words))
        || (doc.contains("assume") && doc.contains("lock"))
        || (doc.contains("need") && doc.contains("lock"))
        || (doc.contains("caller") && doc.contains("lock"))
        || (doc.contains("require") && doc.contains("lock"))
        || (doc.contains("without") && doc.contains("lock"))
        || (doc.contains("with") && doc.contains("held"))
}

/// Whether the name or comment leaves no doubt that a lock is held when it is called, so that
/// callers which don't seem to hold it do so in a way that is not seen.
pub(crate) fn insists_on_lock(name: &str, doc: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let doc = doc.to_ascii_lowercase();
    name.contains("locked")
        || name.contains("nolock")
        || doc.contains("checklocks")
        || (doc.contains("lock") || doc.contains("mu"))
            && [
                "should be held",
                "must be held",
                "must hold",
                "is held",
                "lock held",
                "with lock",
                "with the lock",
            ]
            .iter()
            .any(|words| doc.contains(words))
}

/// Whether a file says that it is generated, by the line that the go command looks for
/// (<https://go.dev/s/generatedcode>).
pub(crate) fn is_generated(file: &File, source: &[u8]) -> bool {
    let head = file
        .comments
        .iter()
        .take_while(|c| c.start < file.package_start);
    head.map(|&comment| text(source, comment))
        .any(|line| line.starts_with("// Code generated ") && line.contains("DO NOT EDIT"))
}

fn text(source: &[u8], span: Span) -> &str {
    source
        .get(span.start as usize..span.end as usize)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .unwrap_or_default()
}

/// What a comment says of who may use a field or variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Guard {
    /// Who holds the lock of that name.
    Lock(Symbol),
    /// One goroutine alone.
    OneGoroutine,
}

/// Fields and package-level variables whose comment says so: by the name of their struct
/// (none for variables) and their own.
pub(crate) type Guards = FxHashMap<(Option<Symbol>, Symbol), Guard>;

/// Reads what comments say in a file.
pub(crate) fn guards(file: &File, source: &[u8], into: &mut Guards) {
    let ast = &file.ast;
    let says = |span: Span| -> Option<Guard> {
        let line = file.position(span.end).0;
        let after = file.comments.partition_point(|c| c.start < span.end);
        let beside = file
            .comments
            .get(after)
            .filter(|c| file.position(c.start).0 == line);
        let beside = beside.map(|&c| text(source, c)).unwrap_or_default();
        guard(beside).or_else(|| guard(file.comments_above(source, span.start)))
    };
    for &decl in &file.decls {
        let DeclKind::Gen { specs, .. } = ast.decl(decl).kind else {
            continue;
        };
        for &spec in ast.list(specs) {
            match ast.spec(spec).kind {
                SpecKind::Type { name, ty, .. } => {
                    let ExprKind::StructType(fields) = ast.expr(ty).kind else {
                        continue;
                    };
                    for field in ast.fields(fields) {
                        let Some(guard) = says(field.span) else {
                            continue;
                        };
                        for ident in ast.list(field.names) {
                            into.insert((Some(name.name), ident.name), guard);
                        }
                    }
                }
                SpecKind::Value { names, .. } => {
                    let Some(guard) = says(ast.spec(spec).span) else {
                        continue;
                    };
                    for ident in ast.list(names) {
                        into.insert((None, ident.name), guard);
                    }
                }
                _ => {}
            }
        }
    }
}

fn guard(comment: &str) -> Option<Guard> {
    let lock = named_lock(comment).map(Guard::Lock);
    lock.or_else(|| is_confined(comment).then_some(Guard::OneGoroutine))
}

/// Whether a comment says that one goroutine alone comes to something: "must only be accessed
/// from the sync thread".
fn is_confined(comment: &str) -> bool {
    let lower = comment.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    has(&[
        "only be access",
        "only access",
        "only be used",
        "only used",
        "only be touched",
        "only touched",
    ]) && has(&["goroutine", "thread", " loop"])
}

/// The lock in `guarded by mu`, `protected by c.mu`, `+checklocks:mu`.
fn named_lock(comment: &str) -> Option<Symbol> {
    let lower = comment.to_ascii_lowercase();
    let rest = ["guarded by ", "protected by ", "+checklocks:", "locked by "]
        .iter()
        .find_map(|words| lower.find(words).map(|at| &comment[at + words.len()..]))?;
    let rest = rest.strip_prefix("the ").unwrap_or(rest);
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let path: &str = rest.split(|c| !is_name(c)).next()?;
    let name = path.trim_end_matches('.').rsplit('.').next()?;
    (!name.is_empty()).then(|| Symbol::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_comments_that_ask_for_a_lock() {
        assert!(expects_lock("evictLocked", ""));
        assert!(expects_lock(
            "evict",
            "// evict drops one. The caller must hold c.mu.\n"
        ));
        assert!(!expects_lock("Evict", "// Evict drops one entry.\n"));
    }

    #[test]
    fn locks_named_in_comments() {
        let lock = |text| named_lock(text).map(|s| s.as_str().to_owned());
        assert_eq!(lock("// guarded by mu").as_deref(), Some("mu"));
        assert_eq!(lock("// Protected by s.connMu.").as_deref(), Some("connMu"));
        assert_eq!(lock("// +checklocks:mu").as_deref(), Some("mu"));
        assert_eq!(lock("// the guard"), None);
    }
}
