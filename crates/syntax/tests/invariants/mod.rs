//! What holds of the tree of any bytes.

use tophash_syntax::walk::Node;
use tophash_syntax::{Ast, Bodies, File, Span, ast, parse, parse_body};

/// Bytes of tree for a byte of source that no input exceeds: an empty statement takes a
/// statement and its place in a list for one byte, in a table that may be half empty.
const MAX_MULTIPLE: usize = 80;

/// Parses `source` in all ways and checks the trees.
pub fn check(source: &[u8]) {
    let file = parse(source, Bodies::Parse);
    check_file(source, &file);
    let skipped = parse(source, Bodies::Skip);
    check_file(source, &skipped);
    for &decl in &skipped.decls {
        if let ast::DeclKind::Func(func) = skipped.ast.decl(decl).kind
            && let ast::Body::Skipped(span) = skipped.ast.func(func).body
        {
            let body = parse_body(source, span);
            check_nesting(&body.ast, Node::Stmt(body.block), source.len());
        }
    }
    if file.errors.is_empty() {
        check_skipped(source, &file, &skipped);
    }
}

fn check_file(source: &[u8], file: &File) {
    let len = source.len() as u32;
    let bytes = file.heap_size();
    assert!(
        bytes <= 4096 + MAX_MULTIPLE * source.len(),
        "{bytes} bytes of tree for {len} bytes"
    );
    let mut at = 0;
    for &decl in &file.decls {
        let span = file.ast.decl(decl).span;
        assert!(span.start >= at, "declarations out of order");
        at = span.end;
        check_nesting(&file.ast, Node::Decl(decl), source.len());
    }
    ordered(&file.comments, len);
    assert!(file.lines.is_sorted_by(|a, b| a < b), "lines out of order");
    assert_eq!(file.lines.first(), Some(&0));
    let newlines = source.iter().filter(|&&b| b == b'\n').count();
    assert_eq!(file.lines.len(), newlines + 1, "lines missing");
    assert!(file.comment_groups.is_sorted_by(|a, b| a < b));
    for error in &file.errors {
        assert!(error.offset <= len);
        file.position(error.offset);
    }
}

fn ordered(spans: &[Span], len: u32) {
    let mut at = 0;
    for span in spans {
        assert!(at <= span.start && span.start < span.end && span.end <= len);
        at = span.end;
    }
}

/// Children lie inside their parents.
fn check_nesting(ast: &Ast, root: Node, len: usize) {
    // The extents of the nodes around the current one, innermost last.
    let mut around = vec![Span::new(0, len as u32)];
    ast.walk_depth(root, |node, depth| {
        around.truncate(depth + 1);
        let outer = around[depth];
        let span = ast.span(node);
        assert!(
            outer.start <= span.start && span.start <= span.end && span.end <= outer.end,
            "{} {span:?} in {outer:?}",
            ast.go_kind(node)
        );
        around.push(span);
        true
    });
}

/// A file without errors has the same declarations with and without bodies.
fn check_skipped(source: &[u8], file: &File, skipped: &File) {
    assert!(skipped.errors.is_empty(), "{:?}", skipped.errors);
    assert_eq!(file.decls.len(), skipped.decls.len());
    for (&a, &b) in file.decls.iter().zip(&skipped.decls) {
        assert_eq!(file.ast.decl(a).span, skipped.ast.decl(b).span);
        if let ast::DeclKind::Func(func) = skipped.ast.decl(b).kind
            && let ast::Body::Skipped(span) = skipped.ast.func(func).body
        {
            assert!(parse_body(source, span).errors.is_empty());
        }
    }
}
