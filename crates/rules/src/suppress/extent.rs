//! Which lines a comment holds for.

use std::ops::RangeInclusive;

use tophash_syntax::ast::{DeclKind, ExprId, StmtId};
use tophash_syntax::{File, Span};

/// Whether something stands before a comment on its line.
pub(super) fn code_before(source: &[u8], file: &File, comment: Span) -> bool {
    let (_, column) = file.position(comment.start);
    let before = Span::new(comment.start + 1 - column, comment.start).of(source);
    !before.trim_ascii().is_empty()
}

/// The lines of the comment group and of the node below it.
pub(super) fn nolint_lines(file: &File, first: Span, last: Span) -> RangeInclusive<u32> {
    let (start, column) = file.position(first.start);
    let (end, _) = file.position(last.end.saturating_sub(1));
    let next_line = file.lines.get(end as usize).copied();
    if let (Some(package), Some(next)) = (file.package, next_line)
        && column == 1
        && file.position(package.span.start).0 == file.position(next).0
    {
        return start..=u32::MAX;
    }
    let node = next_line.and_then(|next| end_of_node(file, next + column - 1));
    let end_of_node = node.map_or(end, |offset| file.position(offset.saturating_sub(1)).0);
    start..=end.max(end_of_node)
}

/// The end of the largest node that begins at `offset`.
fn end_of_node(file: &File, offset: u32) -> Option<u32> {
    let ast = &file.ast;
    let expressions = (0..ast.expr_count()).map(|i| ast.expr(ExprId::from_index(i)).span);
    let statements = (0..ast.stmt_count()).map(|i| ast.stmt(StmtId::from_index(i)).span);
    let declarations = file.decls.iter().flat_map(|&id| {
        let decl = ast.decl(id);
        let specs = match decl.kind {
            DeclKind::Gen { specs, .. } => ast.list(specs),
            _ => &[],
        };
        let specs = specs.iter().map(|&spec| ast.spec(spec).span);
        specs.chain([decl.span])
    });
    let all = expressions.chain(statements).chain(declarations);
    all.filter(|span| span.start == offset)
        .map(|span| span.end)
        .max()
}

/// The line that a `//lint:ignore` holds for: its own where code stands before it,
/// else that of the next token that is not a comment.
pub(super) fn target_line(source: &[u8], file: &File, comment: Span) -> u32 {
    if code_before(source, file, comment) {
        return file.position(comment.start).0;
    }
    let mut offset = comment.end;
    let later = file.comments.iter().filter(|c| c.start >= comment.end);
    for next in later {
        if !Span::new(offset, next.start)
            .of(source)
            .trim_ascii()
            .is_empty()
        {
            break;
        }
        offset = next.end;
    }
    let rest = Span::new(offset, source.len() as u32).of(source);
    let blank = rest.len() - rest.trim_ascii_start().len();
    file.position(offset + blank as u32).0
}
