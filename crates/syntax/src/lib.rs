//! Go source text to tokens to trees.
//!
//! [`parse`] always gives a tree, whatever the bytes are, together with the
//! errors found; a broken function costs that function alone. The language is Go
//! through 1.27.

pub mod ast;
mod span;
mod symbol;

pub use ast::Ast;
pub use span::Span;
pub use symbol::Symbol;

/// How much of a file to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bodies {
    /// Parse function bodies.
    Parse,
    /// Match braces and leave [`ast::Body::Skipped`].
    Skip,
}

/// A syntax error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// Where parsing could not go on.
    pub offset: u32,
    /// What was found and what was expected.
    pub message: String,
}

/// A parsed file.
#[derive(Debug)]
pub struct File {
    /// All its nodes.
    pub ast: Ast,
    /// The name of the package clause; none if it has none.
    pub package: Option<ast::Ident>,
    /// Top-level declarations in source order, imports included.
    pub decls: Vec<ast::DeclId>,
    /// Every comment, in source order, its `//` or `/*` included.
    pub comments: Vec<Span>,
    /// Offset of the first byte of each line; the first is 0.
    pub lines: Vec<u32>,
    /// What does not belong to the language, in source order.
    pub errors: Vec<SyntaxError>,
}

impl File {
    /// Line and column of a byte offset, both from 1; the column counts bytes.
    pub fn position(&self, offset: u32) -> (u32, u32) {
        let line = self.lines.partition_point(|&start| start <= offset).max(1);
        (line as u32, offset - self.lines[line - 1] + 1)
    }
}

/// Parses a file.
pub fn parse(source: &[u8], bodies: Bodies) -> File {
    let _ = (source, bodies);
    File {
        ast: Ast::default(),
        package: None,
        decls: Vec::new(),
        comments: Vec::new(),
        lines: vec![0],
        errors: Vec::new(),
    }
}
