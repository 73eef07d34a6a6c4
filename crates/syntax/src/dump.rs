//! The nodes of a file as lines of text, to be compared with what go/parser makes of it.

use crate::walk::Node;
use crate::{File, Span};
use std::fmt::Write;

impl File {
    /// A line `KIND START END` for every node, in the order and with the kinds and extents of
    /// go/ast: the file first, its comments last. `oracle/astdump` prints the same from
    /// go/parser.
    pub fn dump(&self) -> String {
        let mut lines = String::new();
        self.dump_into(&mut lines);
        lines
    }

    /// As [`File::dump`], at the end of `lines`; gives the number of lines.
    pub fn dump_into(&self, lines: &mut String) -> usize {
        let mut count = 0;
        let mut line = |kind: &str, span: Span| {
            count += 1;
            // Writing to a string does not fail.
            let _ = writeln!(lines, "{kind} {} {}", span.start, span.end);
        };
        let last = self.decls.last().map(|&d| self.ast.decl(d).span.end);
        let name = self.package.map(|name| name.span.end);
        if let Some(end) = last.or(name) {
            line("File", Span::new(self.package_start, end));
        }
        self.walk(|node: Node| {
            line(self.ast.go_kind(node), self.ast.span(node));
            true
        });
        for &comment in &self.comments {
            line("Comment", comment);
        }
        count
    }
}
