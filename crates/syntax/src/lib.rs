//! Go source text to tokens to trees.
//!
//! [`parse`] always gives a tree, whatever the bytes are, together with the
//! errors found; a broken function costs that function alone. The language is Go
//! through 1.27.

pub mod ast;
mod dump;
mod encoding;
mod literal;
mod parser;
mod recover;
mod scanner;
mod span;
mod symbol;
mod token;
mod unicode;
pub mod walk;

pub use ast::Ast;
pub use parser::MAX_DEPTH;
pub use span::Span;
pub use symbol::Symbol;

use parser::Parser;
use std::cell::Cell;
use symbol::Names;

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
    /// Where the package clause starts: behind the file's head comment, doc and build constraints.
    pub package_start: u32,
    /// The name of the package clause; none if it has none.
    pub package: Option<ast::Ident>,
    /// Top-level declarations in source order, imports included.
    pub decls: Vec<ast::DeclId>,
    /// Every comment, in source order, its `//` or `/*` included; those inside skipped
    /// bodies are left out.
    pub comments: Vec<Span>,
    /// Index of the first comment of each group: comments with no token and no empty line
    /// between them belong together, as in go/ast.
    pub comment_groups: Vec<u32>,
    /// Offset of the first byte of each line; the first is 0.
    pub lines: Vec<u32>,
    /// What does not belong to the language, in source order.
    pub errors: Vec<SyntaxError>,
}

impl File {
    /// Bytes on the heap that this file takes, its errors left out.
    pub fn heap_size(&self) -> usize {
        self.ast.heap_size()
            + self.decls.capacity() * size_of::<ast::DeclId>()
            + self.comments.capacity() * size_of::<Span>()
            + (self.comment_groups.capacity() + self.lines.capacity()) * size_of::<u32>()
    }

    /// The comment in front of a function declaration.
    pub fn doc<'s>(&self, source: &'s [u8], func: ast::FuncId) -> &'s str {
        let start = self
            .decls
            .iter()
            .find_map(|&decl| match self.ast.decl(decl).kind {
                ast::DeclKind::Func(id) if id == func => Some(self.ast.decl(decl).span.start),
                _ => None,
            });
        start.map_or("", |start| self.comments_above(source, start))
    }

    /// The comments on the lines directly above a place.
    pub fn comments_above<'s>(&self, source: &'s [u8], start: u32) -> &'s str {
        let end = self.comments.partition_point(|c| c.end <= start);
        let mut line = self.position(start).0;
        let mut first = start;
        for comment in self.comments[..end].iter().rev() {
            if self.position(comment.end.saturating_sub(1)).0 + 1 != line {
                break;
            }
            line = self.position(comment.start).0;
            first = comment.start;
        }
        std::str::from_utf8(Span::new(first, start).of(source)).unwrap_or_default()
    }

    /// The specs of top-level declarations with a keyword, in source order.
    pub fn specs(&self, keyword: ast::GenTok) -> impl Iterator<Item = ast::SpecId> + '_ {
        let specs = move |&decl: &ast::DeclId| match self.ast.decl(decl).kind {
            ast::DeclKind::Gen { tok, specs, .. } if tok == keyword => self.ast.list(specs),
            _ => &[],
        };
        self.decls.iter().flat_map(specs).copied()
    }

    /// The imports, in source order.
    pub fn imports(&self) -> impl Iterator<Item = Import> + '_ {
        self.specs(ast::GenTok::Import)
            .filter_map(|spec| match self.ast.spec(spec).kind {
                ast::SpecKind::Import {
                    name,
                    path,
                    path_span,
                } => Some(Import {
                    name,
                    path,
                    path_span,
                }),
                _ => None,
            })
    }

    /// Line and column of a byte offset, both from 1; the column counts bytes.
    pub fn position(&self, offset: u32) -> (u32, u32) {
        let line = self.lines.partition_point(|&start| start <= offset).max(1);
        (line as u32, offset - self.lines[line - 1] + 1)
    }
}

/// One import of a file.
#[derive(Clone, Copy, Debug)]
pub struct Import {
    /// The name that it is given; none if it keeps that of the package.
    pub name: Option<ast::Ident>,
    /// The path, without quotes.
    pub path: Symbol,
    /// Where the path stands, quotes included.
    pub path_span: Span,
}

/// A function body parsed apart from its file.
#[derive(Debug)]
pub struct BodyTree {
    /// The nodes of the body; its ids say nothing in the tree of the file.
    pub ast: Ast,
    /// The block.
    pub block: ast::StmtId,
    /// What does not belong to the language.
    pub errors: Vec<SyntaxError>,
}

/// The longest file that is read: offsets take 32 bits.
const MAX_LEN: usize = u32::MAX as usize - 1;

thread_local! {
    static NAMES: Cell<Option<Names>> = const { Cell::new(None) };
}

/// Parses a file. A file of 4 GB or more is cut off there.
pub fn parse(source: &[u8], bodies: Bodies) -> File {
    let (source, too_long) = match source.get(..MAX_LEN) {
        Some(head) if source.len() > MAX_LEN => (head, true),
        _ => (source, false),
    };
    let names = NAMES.take().unwrap_or_else(Names::new);
    let mut parser = Parser::new(source, source.len(), bodies, names);
    let (package_start, package, decls) = parser.file();
    let (mut scan, mut ast, names) = parser.into_parts();
    NAMES.set(Some(names));
    let mut errors = scan.errors;
    errors.extend(encoding::errors(source));
    if too_long {
        errors.push(SyntaxError {
            offset: MAX_LEN as u32,
            message: "file too long".into(),
        });
    }
    errors.sort_by_key(|e| e.offset);
    ast.shrink_to_fit();
    scan.comments.shrink_to_fit();
    scan.lines.shrink_to_fit();
    File {
        ast,
        package_start,
        package,
        decls,
        comments: scan.comments,
        comment_groups: scan.groups,
        lines: scan.lines,
        errors,
    }
}

/// Parses a body that [`Bodies::Skip`] left out: `body` is its extent in `source`.
pub fn parse_body(source: &[u8], body: Span) -> BodyTree {
    let end = (body.end as usize).min(source.len());
    let start = body.start.min(end as u32);
    let names = NAMES.take().unwrap_or_else(Names::new);
    let mut parser = Parser::new(&source[..end], end - start as usize, Bodies::Parse, names);
    let block = parser.body_alone(start);
    let (scan, ast, names) = parser.into_parts();
    NAMES.set(Some(names));
    BodyTree {
        ast,
        block,
        errors: scan.errors,
    }
}
