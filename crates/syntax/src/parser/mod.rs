//! Recursive descent, production by production as in go/parser (Go 1.27), so that the same
//! files are accepted and nodes get the same kinds and extents.
//!
//! Errors are treated differently. A top-level declaration is first parsed in the hope that
//! it has none. At the first error that attempt ends, and the declaration is read again, this
//! time tolerantly and no further than the next line that starts with `func`, `type`, `var`,
//! `const` or `import`: with an unbalanced bracket, that is where it most likely ends.

mod decls;
mod exprs;
mod extents;
mod lists;
mod stmts;
mod types;

use crate::ast::*;
use crate::recover::Cuts;
use crate::scanner::{Mark, Scanner};
use crate::symbol::Names;
use crate::token::{DECLARATION_START, STATEMENT_START, Set, Tok};
use crate::walk::Node;
use crate::{Bodies, Span, Symbol};
use lists::{Scratch, Sizes};
use std::fmt;

/// How deep a tree may be: nesting and chains like `a + b + ...` count alike. What is deeper
/// is an error. (go/parser bounds its depth at 100,000, counted a little differently.)
pub const MAX_DEPTH: u32 = 10_000;

/// Recursions between two looks at the stack.
const LEVELS_PER_CHECK: u32 = 16;
/// Stack that so many recursions surely leave unused.
const RED_ZONE: usize = 256 << 10;
/// Size of a further piece of stack.
const STACK_PIECE: usize = 4 << 20;

/// How to go on after an error.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnError {
    /// Pretend that the file ends.
    Stop,
    /// Skip what does not fit.
    Recover,
}

pub(crate) struct Parser<'s> {
    pub(crate) scan: Scanner<'s>,
    names: Names,
    cuts: Cuts<'s>,
    bodies: Bodies,
    /// The token ahead.
    tok: Tok,
    /// Its first byte.
    pos: u32,
    /// Behind its last byte.
    end: u32,
    /// Behind the token before it.
    prev_end: u32,
    /// Below 0 inside the header of `if`, `for` and `switch`, where `{` starts a block.
    expr_lev: i32,
    /// Whether `=` would be a mistake for `==`.
    in_rhs: bool,
    /// Recursions under way.
    level: u32,
    /// Links of chains under way, which deepen the tree without recursion.
    links: u32,
    /// `switch` and `select` bodies around the current place.
    clauses: u32,
    on_error: OnError,
    /// Whether the file was made to end here, and where it can be taken up again.
    stopped: Option<(Mark, Tok, u32, u32)>,
    pub(crate) ast: Ast,
    scratch: Scratch,
}

/// What is needed to parse a declaration once more.
struct Snapshot {
    mark: Mark,
    tok: Tok,
    pos: u32,
    end: u32,
    prev_end: u32,
    sizes: Sizes,
}

impl<'s> Parser<'s> {
    /// A parser of `source`, of which `len` bytes are to be read.
    pub(crate) fn new(source: &'s [u8], len: usize, bodies: Bodies, names: Names) -> Parser<'s> {
        Parser {
            scan: Scanner::new(source, len),
            names,
            cuts: Cuts::new(source),
            bodies,
            tok: Tok::Eof,
            pos: 0,
            end: 0,
            prev_end: 0,
            expr_lev: 0,
            in_rhs: false,
            level: 0,
            links: 0,
            clauses: 0,
            on_error: OnError::Recover,
            stopped: None,
            ast: Ast::with_capacity_for(len, bodies),
            scratch: Scratch::default(),
        }
    }

    /// Gives the name table back for the next file.
    pub(crate) fn into_parts(self) -> (Scanner<'s>, Ast, Names) {
        (self.scan, self.ast, self.names)
    }

    /// A whole file: start of the package clause, package name and declarations.
    pub(crate) fn file(&mut self) -> (u32, Option<Ident>, Vec<DeclId>) {
        self.next();
        let start = self.pos;
        let package = self.package_clause();
        let mut decls = Vec::new();
        let mut imports_over = false;
        while self.tok != Tok::Eof {
            if self.tok == Tok::Import && imports_over {
                self.error(self.pos, "imports must appear before other declarations");
            }
            if DECLARATION_START.has(self.tok) {
                imports_over = self.tok != Tok::Import;
                decls.push(self.top_level());
            } else {
                self.expected("declaration");
                self.skip_to_declaration();
            }
        }
        (start, package, decls)
    }

    /// The body of a function, from its opening brace.
    pub(crate) fn body_alone(&mut self, from: u32) -> StmtId {
        self.scan.at = from as usize;
        self.next();
        let body = self.body();
        if !self.scan.errors.is_empty() {
            self.ast.cover_children(Node::Stmt(body));
        }
        body
    }

    fn package_clause(&mut self) -> Option<Ident> {
        if self.tok != Tok::Package {
            self.expected("'package'");
            return None;
        }
        self.next();
        if self.tok != Tok::Ident {
            self.expected("identifier");
            return None;
        }
        let name = self.ident();
        self.expect_semi();
        Some(name)
    }

    fn top_level(&mut self) -> DeclId {
        let snapshot = self.snapshot();
        self.on_error = OnError::Stop;
        let decl = self.decl();
        self.on_error = OnError::Recover;
        if self.stopped.is_none() {
            return decl;
        }
        let error = self.scan.first_error(&snapshot.mark);
        self.rewind(&snapshot);
        let cut = self.cuts.after(snapshot.pos as usize);
        self.scan.limit(cut);
        let decl = self.decl();
        self.ast.cover_children(Node::Decl(decl));
        if let Some(error) = error
            && !self.scan.failed_since(&snapshot.mark)
        {
            self.scan.error(error.offset as usize, error.message);
        }
        self.resume();
        if let Some(cut) = cut {
            self.go_to(cut);
        }
        decl
    }

    /// At a place where no declaration starts, goes to the next one.
    fn skip_to_declaration(&mut self) {
        if let Some(cut) = self.cuts.after(self.pos as usize) {
            self.go_to(cut);
            return;
        }
        while self.tok != Tok::Eof && !DECLARATION_START.has(self.tok) {
            self.next();
        }
    }

    /// Goes to the declaration that starts at `cut`.
    fn go_to(&mut self, cut: usize) {
        self.scan.limit(Some(cut));
        if self.end as usize > cut {
            // A string without end goes over it.
            self.scan.cut_token(cut);
            self.next();
        }
        while self.tok != Tok::Eof {
            self.next();
        }
        self.scan.limit(None);
        self.next();
    }

    /// Lets the file go on where [`Parser::stop`] made it end.
    fn resume(&mut self) {
        if let Some((mark, tok, pos, end)) = self.stopped.take() {
            self.scan.take_up(&mark);
            (self.tok, self.pos, self.end) = (tok, pos, end);
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            mark: self.scan.mark(),
            tok: self.tok,
            pos: self.pos,
            end: self.end,
            prev_end: self.prev_end,
            sizes: self.ast.sizes(),
        }
    }

    fn rewind(&mut self, to: &Snapshot) {
        self.scan.rewind(&to.mark);
        (self.tok, self.pos, self.end) = (to.tok, to.pos, to.end);
        self.prev_end = to.prev_end;
        self.ast.truncate(&to.sizes);
        self.stopped = None;
    }

    #[inline]
    fn next(&mut self) {
        self.prev_end = self.end;
        let token = self.scan.scan();
        (self.tok, self.pos, self.end) = (token.tok, token.start(), token.end());
    }

    /// Steps over `tok` if it is ahead.
    #[inline]
    fn eat(&mut self, tok: Tok) -> bool {
        let found = self.tok == tok;
        if found {
            self.next();
        }
        found
    }

    /// Steps over `tok`, or reports that it is missing. Gives the place of the token ahead.
    #[inline]
    fn expect(&mut self, tok: Tok) -> u32 {
        let pos = self.pos;
        if self.tok == tok {
            self.next();
        } else {
            self.missing(tok);
        }
        pos
    }

    #[cold]
    fn missing(&mut self, tok: Tok) {
        let found = self.found();
        self.report(self.pos, format_args!("expected '{}', {found}", tok.text()));
    }

    #[cold]
    fn expected(&mut self, what: &str) {
        let found = self.found();
        self.report(self.pos, format_args!("expected {what}, {found}"));
    }

    fn found(&self) -> String {
        match self.tok {
            Tok::Semi if self.at_newline() => "found newline".into(),
            Tok::Ident | Tok::Int | Tok::Float | Tok::Imag | Tok::Char | Tok::String => {
                let text = Span::new(self.pos, self.end).of(self.scan.src);
                let text = String::from_utf8_lossy(text);
                format!("found {}", text.chars().take(40).collect::<String>())
            }
            tok => format!("found '{}'", tok.text()),
        }
    }

    #[cold]
    fn error(&mut self, offset: u32, message: &str) {
        self.report(offset, format_args!("{message}"));
    }

    #[cold]
    fn report(&mut self, offset: u32, message: fmt::Arguments<'_>) {
        if self.stopped.is_some() {
            return;
        }
        self.scan.error(offset as usize, message.to_string());
        if self.on_error == OnError::Stop {
            self.stop();
        }
    }

    /// Makes the file end here.
    fn stop(&mut self) {
        if self.stopped.is_none() {
            let mark = self.scan.end_here();
            self.stopped = Some((mark, self.tok, self.pos, self.end));
        }
        self.tok = Tok::Eof;
        self.end = self.pos;
    }

    /// Whether the token ahead is the semicolon that a newline stands for.
    fn at_newline(&self) -> bool {
        self.tok == Tok::Semi && self.pos == self.end
    }

    /// Runs `f` one level deeper.
    #[inline]
    fn deeper<T>(&mut self, f: fn(&mut Self) -> T) -> T {
        self.level += 1;
        let result = if self.level.is_multiple_of(LEVELS_PER_CHECK) {
            self.check_depth();
            stacker::maybe_grow(RED_ZONE, STACK_PIECE, || f(self))
        } else {
            f(self)
        };
        self.level -= 1;
        result
    }

    /// Counts another link of a chain.
    #[inline]
    fn link(&mut self) {
        self.links += 1;
        if self.level + self.links > MAX_DEPTH {
            self.check_depth();
        }
    }

    fn check_depth(&mut self) {
        if self.level + self.links > MAX_DEPTH && self.tok != Tok::Eof {
            self.error(self.pos, "nested too deeply");
            self.stop();
        }
    }

    fn ident(&mut self) -> Ident {
        if self.tok == Tok::Ident {
            let name = self.symbol();
            let span = Span::new(self.pos, self.end);
            self.next();
            return Ident { name, span };
        }
        self.missing(Tok::Ident);
        let name = Symbol::BLANK;
        let span = Span::new(self.prev_end, self.prev_end);
        Ident { name, span }
    }

    /// The name of the identifier ahead.
    #[inline]
    fn symbol(&mut self) -> Symbol {
        let source = &self.scan.src[self.pos as usize..];
        self.names.symbol(source, (self.end - self.pos) as usize)
    }

    /// Ends a statement, specification or declaration.
    fn expect_semi(&mut self) {
        match self.tok {
            Tok::Semi => self.next(),
            Tok::RParen | Tok::RBrace => {}
            Tok::Comma => {
                self.expected("';'");
                self.next();
            }
            _ => {
                self.expected("';'");
                self.skip_statement();
            }
        }
    }

    /// Goes behind the next semicolon, or to something that may start or end a statement.
    fn skip_statement(&mut self) {
        const SYNC: Set = STATEMENT_START.and(Set::of(&[
            Tok::LBrace,
            Tok::RBrace,
            Tok::Case,
            Tok::Default,
            Tok::Eof,
        ]));
        while !SYNC.has(self.tok) {
            if self.eat(Tok::Semi) {
                return;
            }
            self.next();
        }
    }

    /// Goes to a token of `to`, but no further than the end of a statement.
    fn skip_to(&mut self, to: Set) {
        const END: Set =
            STATEMENT_START.and(Set::of(&[Tok::Semi, Tok::LBrace, Tok::RBrace, Tok::Eof]));
        while !to.has(self.tok) && !END.has(self.tok) {
            self.next();
        }
    }

    /// Whether another element of a list that ends with `close` follows; goes over the comma
    /// before it. A missing comma is reported, and the list goes on if an element can start here.
    fn comma(&mut self, close: Tok, context: &str) -> bool {
        if self.tok == Tok::Comma {
            self.next();
            return self.tok != close && self.tok != Tok::Eof;
        }
        if self.tok == close {
            return false;
        }
        let before = if self.at_newline() {
            " before newline"
        } else {
            ""
        };
        self.report(self.pos, format_args!("missing ','{before} in {context}"));
        if self.at_newline() && self.byte_ahead() == close.text().bytes().next() {
            self.next();
            return false;
        }
        if self.tok == Tok::Semi && close == Tok::RBrace {
            self.next();
            return self.tok != close && self.tok != Tok::Eof;
        }
        ELEMENT_START.has(self.tok)
    }

    /// The next byte of the source that is not white space.
    fn byte_ahead(&self) -> Option<u8> {
        let rest = self.scan.src.get(self.scan.at..)?;
        rest.iter().copied().find(|b| !b.is_ascii_whitespace())
    }

    fn span_from(&self, start: u32) -> Span {
        Span::new(start, self.prev_end.max(start))
    }
}

/// Tokens that an element of a list can start with.
const ELEMENT_START: Set = Set::of(&[
    Tok::Ident,
    Tok::Int,
    Tok::Float,
    Tok::Imag,
    Tok::Char,
    Tok::String,
    Tok::Func,
    Tok::LParen,
    Tok::LBrack,
    Tok::Struct,
    Tok::Map,
    Tok::Chan,
    Tok::Interface,
]);
