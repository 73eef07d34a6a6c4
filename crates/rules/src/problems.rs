//! What could not be read or resolved.

use tophash_finding::{Problem, ProblemKind};
use tophash_workspace::{FileId, ProblemKind as Cause, Workspace};

use crate::places::Places;
use crate::suppress::Directives;

/// The problems of a run after its analysis.
pub(crate) fn collect(
    workspace: &Workspace,
    files: &[FileId],
    places: &Places<'_>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for error in workspace.pattern_errors() {
        problems.push(Problem {
            file: None,
            line: None,
            column: None,
            kind: ProblemKind::Pattern,
            message: error.to_string(),
        });
    }
    for problem in workspace.problems() {
        problems.push(Problem {
            file: Some(places.display(&problem.path)),
            line: problem.line,
            column: None,
            kind: match problem.kind {
                Cause::Unreadable(_) => ProblemKind::Read,
                Cause::MalformedConstraint | Cause::PackageMismatch { .. } => ProblemKind::Syntax,
                Cause::ImportNotFound(_) => ProblemKind::Import,
            },
            message: problem.kind.to_string(),
        });
    }
    for &file in files {
        problems.extend(syntax_errors(workspace, file, places));
        problems.extend(directives(workspace, file, places));
    }
    problems
}

/// One problem for all errors of a file: the first is the cause of most others.
fn syntax_errors(workspace: &Workspace, file: FileId, places: &Places<'_>) -> Option<Problem> {
    let tree = workspace.tree(file);
    let first = tree.errors.first()?;
    let others = match tree.errors.len() - 1 {
        0 => String::new(),
        n => format!(" (and {n} more)"),
    };
    Some(Problem {
        file: Some(places.path(file)),
        line: Some(tree.position(first.offset).0),
        column: None,
        kind: ProblemKind::Syntax,
        message: format!("syntax error: {}{others}", first.message),
    })
}

fn directives(workspace: &Workspace, file: FileId, places: &Places<'_>) -> Vec<Problem> {
    let (source, tree) = (&workspace.file(file).bytes, workspace.tree(file));
    let is_lint = |comment: &&tophash_syntax::Span| comment.of(source).starts_with(b"//lint:");
    if tree.comments.iter().find(is_lint).is_none() {
        return Vec::new();
    }
    let lines = Directives::read(source, tree).without_reason;
    let problem = |line| Problem {
        file: Some(places.path(file)),
        line: Some(line),
        column: None,
        kind: ProblemKind::Directive,
        message: "//lint: directive without a reason: it suppresses nothing".into(),
    };
    lines.into_iter().map(problem).collect()
}
