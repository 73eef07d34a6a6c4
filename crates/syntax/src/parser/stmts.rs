//! Statements.

use super::Parser;
use super::exprs::binary_op;
use crate::Span;
use crate::ast::*;
use crate::token::{STATEMENT_START, Set, Tok};

/// What a simple statement may be besides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Basic,
    Label,
    Range,
}

/// A simple statement, or what stands before the body of a range loop.
enum Simple {
    Stmt(Stmt),
    Range(RangeClause),
}

struct RangeClause {
    lhs: List<ExprId>,
    define: bool,
    x: ExprId,
}

/// The parts of a header of `if`, `for` or `switch`.
type Header = Option<Stmt>;

impl Parser<'_> {
    #[inline]
    fn stmt(&mut self, kind: StmtKind, span: Span) -> StmtId {
        self.ast.add_stmt(Stmt { span, kind })
    }

    fn add_header(&mut self, stmt: Header) -> Option<StmtId> {
        stmt.map(|s| self.ast.add_stmt(s))
    }

    /// The block of a function.
    pub(super) fn body(&mut self) -> StmtId {
        self.block()
    }

    /// Statements up to the end of their block or clause.
    fn stmt_list(&mut self) -> List<StmtId> {
        let list = self.begin::<StmtId>();
        loop {
            match self.tok {
                Tok::RBrace | Tok::Eof => break,
                Tok::Case | Tok::Default => {
                    if !self.skip_stray_clause() {
                        break;
                    }
                }
                _ => {
                    if self.tok == Tok::Func && self.at_declaration() {
                        break;
                    }
                    let before = (self.pos, self.end);
                    let stmt = self.deeper(Self::statement);
                    self.push(stmt);
                    if (self.pos, self.end) == before && self.tok != Tok::RBrace {
                        self.next();
                    }
                }
            }
        }
        self.finish(list)
    }

    /// Outside of any switch, steps over the header of a clause.
    fn skip_stray_clause(&mut self) -> bool {
        if self.clauses > 0 {
            return false;
        }
        self.missing(Tok::RBrace);
        self.next();
        const END: Set = STATEMENT_START.and(Set::of(&[
            Tok::Colon,
            Tok::Semi,
            Tok::LBrace,
            Tok::RBrace,
            Tok::Eof,
        ]));
        while !END.has(self.tok) {
            self.next();
        }
        self.eat(Tok::Colon);
        true
    }

    /// Whether `func` here starts a named function: the braces before are not balanced.
    fn at_declaration(&mut self) -> bool {
        let rest = self.scan.src.get(self.end as usize..).unwrap_or_default();
        let name = rest.trim_ascii_start();
        let named = name.len() < rest.len()
            && name
                .first()
                .is_some_and(|&b| b == b'_' || b.is_ascii_alphabetic());
        if named {
            self.missing(Tok::RBrace);
        }
        named
    }

    pub(super) fn block(&mut self) -> StmtId {
        let start = self.pos;
        if self.tok != Tok::LBrace {
            self.missing(Tok::LBrace);
            self.skip_to(Set::of(&[Tok::LBrace]));
            if self.tok != Tok::LBrace {
                let end = self.prev_end.max(start);
                return self.stmt(StmtKind::Block(List::EMPTY), Span::new(end, end));
            }
        }
        let start = self.pos;
        self.next();
        let list = self.stmt_list();
        self.expect(Tok::RBrace);
        let span = self.span_from(start);
        self.stmt(StmtKind::Block(list), span)
    }

    fn statement(&mut self) -> StmtId {
        let start = self.pos;
        match self.tok {
            Tok::Const | Tok::Type | Tok::Var => {
                let decl = self.decl();
                let span = self.ast.decl(decl).span;
                self.stmt(StmtKind::Decl(decl), span)
            }
            Tok::Ident
            | Tok::Int
            | Tok::Float
            | Tok::Imag
            | Tok::Char
            | Tok::String
            | Tok::Func
            | Tok::LParen
            | Tok::LBrack
            | Tok::Struct
            | Tok::Map
            | Tok::Chan
            | Tok::Interface
            | Tok::Add
            | Tok::Sub
            | Tok::Mul
            | Tok::And
            | Tok::Xor
            | Tok::Arrow
            | Tok::Not => {
                let stmt = self.simple_stmt(Mode::Label);
                if !matches!(stmt.kind, StmtKind::Labeled { .. }) {
                    self.expect_semi();
                }
                self.ast.add_stmt(stmt)
            }
            Tok::Go | Tok::Defer => self.go_or_defer(),
            Tok::Return => {
                self.next();
                let mut span = Span::new(start, self.prev_end);
                let mut results = List::EMPTY;
                if !matches!(self.tok, Tok::Semi | Tok::RBrace) {
                    results = self.expr_list(true);
                    span.end = self.end_of(results, span.end);
                }
                self.expect_semi();
                self.stmt(StmtKind::Return(results), span)
            }
            Tok::Break => self.branch(BranchTok::Break),
            Tok::Continue => self.branch(BranchTok::Continue),
            Tok::Goto => self.branch(BranchTok::Goto),
            Tok::Fallthrough => self.branch(BranchTok::Fallthrough),
            Tok::LBrace => {
                let block = self.block();
                self.expect_semi();
                block
            }
            Tok::If => self.if_stmt(),
            Tok::Switch => self.switch_stmt(),
            Tok::Select => self.select_stmt(),
            Tok::For => self.for_stmt(),
            Tok::Semi => {
                let implicit = self.at_newline();
                let span = Span::new(start, self.end);
                self.next();
                self.stmt(StmtKind::Empty { implicit }, span)
            }
            Tok::RBrace => {
                let implicit = true;
                self.stmt(StmtKind::Empty { implicit }, Span::new(start, start))
            }
            _ => {
                self.expected("statement");
                self.next();
                self.skip_statement();
                let span = self.span_from(start);
                self.stmt(StmtKind::Bad, span)
            }
        }
    }

    /// Where the last expression of `list` ends, or `none` if there is none.
    fn end_of(&self, list: List<ExprId>, none: u32) -> u32 {
        let last = self.ast.list(list).last();
        last.map_or(none, |&x| self.span(x).end)
    }

    /// A simple statement that is no range clause.
    fn simple_stmt(&mut self, mode: Mode) -> Stmt {
        match self.simple(mode) {
            Simple::Stmt(stmt) => stmt,
            Simple::Range(clause) => Stmt {
                span: self.span(clause.x),
                kind: StmtKind::Expr(clause.x),
            },
        }
    }

    fn simple(&mut self, mode: Mode) -> Simple {
        let start = self.pos;
        let lhs = self.expr_list(false);
        let first = self.ast.list(lhs)[0];
        let first_span = self.span(first);
        let start = first_span.start.min(start);
        if let Some(op) = assign_op(self.tok) {
            let define_or_assign = !matches!(op, AssignOp::Op(_));
            self.next();
            if mode == Mode::Range && self.tok == Tok::Range && define_or_assign {
                self.next();
                return Simple::Range(RangeClause {
                    lhs,
                    define: op == AssignOp::Define,
                    x: self.rhs(),
                });
            }
            let rhs = self.expr_list(true);
            let span = Span::new(start, self.end_of(rhs, self.prev_end));
            let kind = StmtKind::Assign { lhs, op, rhs };
            return Simple::Stmt(Stmt { span, kind });
        }
        if lhs.len() > 1 {
            self.error(start, "expected 1 expression");
        } else {
            // The one expression stays without a list.
            self.ast.expr_pool.pop();
        }
        let (kind, end) = match self.tok {
            Tok::Colon => {
                let colon = self.pos;
                self.next();
                let kind = self.ast.expr(first).kind;
                if let (Mode::Label, ExprKind::Ident(name)) = (mode, kind) {
                    // A label is a name of its own, not an expression.
                    if first.index() + 1 == self.ast.exprs.len() {
                        self.ast.exprs.pop();
                    }
                    let stmt = self.deeper(Self::statement);
                    let label = Ident {
                        name,
                        span: first_span,
                    };
                    (
                        StmtKind::Labeled { label, stmt },
                        self.ast.stmt(stmt).span.end,
                    )
                } else {
                    self.error(colon, "illegal label declaration");
                    (StmtKind::Bad, colon + 1)
                }
            }
            Tok::Arrow => {
                self.next();
                let value = self.rhs();
                let end = self.span(value).end;
                (StmtKind::Send { chan: first, value }, end)
            }
            Tok::Inc | Tok::Dec => {
                let inc = self.tok == Tok::Inc;
                self.next();
                (StmtKind::IncDec { x: first, inc }, self.prev_end)
            }
            _ => (StmtKind::Expr(first), first_span.end),
        };
        Simple::Stmt(Stmt {
            span: Span::new(start, end),
            kind,
        })
    }

    fn go_or_defer(&mut self) -> StmtId {
        let start = self.pos;
        let go = self.tok == Tok::Go;
        self.next();
        let name = if go { "go" } else { "defer" };
        let keyword_end = self.prev_end;
        let x = self.rhs();
        let call = self.ast.unparen(x);
        if call != x {
            let at = self.span(x).start;
            let message = format!("expression in {name} must not be parenthesized");
            self.error(at, &message);
        }
        let is_call = match self.ast.expr(call).kind {
            ExprKind::Call { .. } => true,
            ExprKind::Bad => false,
            _ => {
                let at = self.span(call).end;
                self.error(at, &format!("expression in {name} must be function call"));
                false
            }
        };
        let end = self.span(call).end;
        self.expect_semi();
        if !is_call {
            return self.stmt(StmtKind::Bad, Span::new(start, keyword_end));
        }
        let kind = if go {
            StmtKind::Go(call)
        } else {
            StmtKind::Defer(call)
        };
        self.stmt(kind, Span::new(start, end))
    }

    fn branch(&mut self, tok: BranchTok) -> StmtId {
        let start = self.pos;
        self.next();
        let mut span = Span::new(start, self.prev_end);
        let may_have_label = matches!(tok, BranchTok::Break | BranchTok::Continue);
        let label =
            (tok == BranchTok::Goto || may_have_label && self.tok == Tok::Ident).then(|| {
                let name = self.ident();
                span.end = name.span.end.max(span.end);
                LabelRef {
                    name: name.name,
                    pos: name.span.start,
                }
            });
        self.expect_semi();
        self.stmt(StmtKind::Branch { tok, label }, span)
    }

    /// The expression that a header consists of.
    fn header_expr(&mut self, stmt: Header, want: &str) -> Option<ExprId> {
        let stmt = stmt?;
        if let StmtKind::Expr(x) = stmt.kind {
            return Some(x);
        }
        let found = match stmt.kind {
            StmtKind::Assign { .. } => "assignment",
            _ => "simple statement",
        };
        let message = format!(
            "expected {want}, found {found} (missing parentheses around composite literal?)"
        );
        self.error(stmt.span.start, &message);
        Some(self.expr(ExprKind::Bad, stmt.span))
    }

    fn if_header(&mut self) -> (Header, ExprId) {
        if self.tok == Tok::LBrace {
            self.error(self.pos, "missing condition in if statement");
            let bad = self.expr(ExprKind::Bad, Span::new(self.pos, self.pos));
            return (None, bad);
        }
        let level = std::mem::replace(&mut self.expr_lev, -1);
        let mut init = None;
        if self.tok != Tok::Semi {
            if self.tok == Tok::Var {
                self.next();
                self.error(self.pos, "var declaration not allowed in if initializer");
            }
            init = Some(self.simple_stmt(Mode::Basic));
        }
        let mut cond = None;
        let mut semi = None;
        if self.tok == Tok::LBrace {
            cond = init.take();
        } else {
            if self.tok == Tok::Semi {
                semi = Some((self.pos, self.at_newline()));
                self.next();
            } else {
                self.missing(Tok::Semi);
                self.skip_to(Set::of(&[Tok::LBrace]));
            }
            if self.tok != Tok::LBrace {
                cond = Some(self.simple_stmt(Mode::Basic));
            }
        }
        let cond = match (self.header_expr(cond, "boolean expression"), semi) {
            (Some(cond), _) => cond,
            (None, semi) => {
                if let Some((at, newline)) = semi {
                    let message = match newline {
                        true => "unexpected newline, expecting { after if clause",
                        false => "missing condition in if statement",
                    };
                    self.error(at, message);
                }
                let at = self.prev_end;
                self.expr(ExprKind::Bad, Span::new(at, at))
            }
        };
        self.expr_lev = level;
        (init, cond)
    }

    fn if_stmt(&mut self) -> StmtId {
        let start = self.expect(Tok::If);
        let (init, cond) = self.if_header();
        let init = self.add_header(init);
        let then = self.block();
        let mut alt = None;
        if self.eat(Tok::Else) {
            match self.tok {
                Tok::If => alt = Some(self.deeper(Self::if_stmt)),
                Tok::LBrace => {
                    alt = Some(self.block());
                    self.expect_semi();
                }
                _ => {
                    self.expected("if statement or block");
                    let at = self.prev_end;
                    alt = Some(self.stmt(StmtKind::Bad, Span::new(at, at)));
                }
            }
        } else {
            self.expect_semi();
        }
        let end = self.ast.stmt(alt.unwrap_or(then)).span.end;
        let id = self.ast.add_if(IfParts {
            init,
            cond,
            then,
            alt,
        });
        self.stmt(StmtKind::If(id), Span::new(start, end))
    }

    /// Whether a header is `x.(type)` or `v := x.(type)`.
    fn is_type_switch(&mut self, header: Header) -> bool {
        let asserted = |p: &Self, x: ExprId| {
            matches!(p.ast.expr(x).kind, ExprKind::TypeAssert { ty: None, .. })
        };
        match header.map(|s| s.kind) {
            Some(StmtKind::Expr(x)) => asserted(self, x),
            Some(StmtKind::Assign { lhs, op, rhs }) => {
                if lhs.len() != 1 || rhs.len() != 1 {
                    return false;
                }
                if !asserted(self, self.ast.list(rhs)[0]) {
                    return false;
                }
                if op == AssignOp::Assign {
                    let at = self.end_of(lhs, self.pos);
                    self.error(at, "expected ':=', found '='");
                }
                matches!(op, AssignOp::Assign | AssignOp::Define)
            }
            _ => false,
        }
    }

    fn switch_stmt(&mut self) -> StmtId {
        let start = self.expect(Tok::Switch);
        let (mut init, mut tag) = (None, None);
        if self.tok != Tok::LBrace {
            let level = std::mem::replace(&mut self.expr_lev, -1);
            if self.tok != Tok::Semi {
                tag = Some(self.simple_stmt(Mode::Basic));
            }
            if self.eat(Tok::Semi) {
                init = tag.take();
                if self.tok != Tok::LBrace {
                    tag = Some(self.simple_stmt(Mode::Basic));
                }
            }
            self.expr_lev = level;
        }
        let init = self.add_header(init);
        let type_switch = self.is_type_switch(tag);
        let guard = match type_switch {
            true => self.add_header(tag),
            false => None,
        };
        let body = self.clause_block(Self::case_clause);
        let kind = match guard {
            Some(guard) => StmtKind::TypeSwitch { init, guard, body },
            None => StmtKind::Switch {
                init,
                tag: self.header_expr(tag, "switch expression"),
                body,
            },
        };
        let end = self.ast.stmt(body).span.end;
        self.stmt(kind, Span::new(start, end))
    }

    fn select_stmt(&mut self) -> StmtId {
        let start = self.expect(Tok::Select);
        let body = self.clause_block(Self::comm_clause);
        let end = self.ast.stmt(body).span.end;
        self.stmt(StmtKind::Select(body), Span::new(start, end))
    }

    /// The block of a switch or select.
    fn clause_block(&mut self, clause: fn(&mut Self) -> StmtId) -> StmtId {
        if self.tok != Tok::LBrace {
            self.missing(Tok::LBrace);
            self.skip_to(Set::of(&[Tok::LBrace]));
        }
        let start = self.pos;
        self.eat(Tok::LBrace);
        self.clauses += 1;
        let list = self.begin::<StmtId>();
        loop {
            match self.tok {
                Tok::Case | Tok::Default => {
                    let clause = clause(self);
                    self.push(clause);
                }
                Tok::RBrace | Tok::Eof => break,
                _ => {
                    self.expected("'}'");
                    // Statements before the first clause: over to the next one, or the end.
                    let before = self.pos;
                    self.stmt_list();
                    if self.pos == before {
                        break;
                    }
                }
            }
        }
        self.clauses -= 1;
        self.expect(Tok::RBrace);
        let list = self.finish(list);
        let span = self.span_from(start);
        let block = self.stmt(StmtKind::Block(list), span);
        self.expect_semi();
        block
    }

    /// Where a clause ends: with its last statement, or behind its colon.
    fn clause_end(&self, body: List<StmtId>, colon_end: u32) -> u32 {
        let last = self.ast.list(body).last();
        last.map_or(colon_end, |&s| self.ast.stmt(s).span.end)
    }

    fn case_clause(&mut self) -> StmtId {
        let start = self.pos;
        let mut values = List::EMPTY;
        if self.eat(Tok::Case) {
            values = self.expr_list(true);
        } else {
            self.expect(Tok::Default);
        }
        self.expect(Tok::Colon);
        let colon_end = self.prev_end;
        let body = self.stmt_list();
        let span = Span::new(start, self.clause_end(body, colon_end));
        self.stmt(StmtKind::Case { values, body }, span)
    }

    fn comm_clause(&mut self) -> StmtId {
        let start = self.pos;
        let mut comm = None;
        if self.eat(Tok::Case) {
            comm = Some(self.communication());
        } else {
            self.expect(Tok::Default);
        }
        self.expect(Tok::Colon);
        let colon_end = self.prev_end;
        let body = self.stmt_list();
        let span = Span::new(start, self.clause_end(body, colon_end));
        self.stmt(StmtKind::Comm { comm, body }, span)
    }

    fn communication(&mut self) -> StmtId {
        let mut lhs = self.expr_list(false);
        let first = self.ast.list(lhs)[0];
        let start = self.span(first).start;
        if let Tok::Assign | Tok::Define = self.tok {
            if lhs.len() > 2 {
                self.error(start, "expected 1 or 2 expressions");
                lhs.len = 2;
            }
            let op = match self.tok {
                Tok::Define => AssignOp::Define,
                _ => AssignOp::Assign,
            };
            self.next();
            let value = self.rhs();
            let end = self.span(value).end;
            let rhs = self.single(value);
            return self.stmt(StmtKind::Assign { lhs, op, rhs }, Span::new(start, end));
        }
        if lhs.len() > 1 {
            self.error(start, "expected 1 expression");
        } else {
            self.ast.expr_pool.pop();
        }
        if self.eat(Tok::Arrow) {
            let value = self.rhs();
            let span = Span::new(start, self.span(value).end);
            return self.stmt(StmtKind::Send { chan: first, value }, span);
        }
        let span = self.span(first);
        self.stmt(StmtKind::Expr(first), span)
    }

    fn for_stmt(&mut self) -> StmtId {
        let start = self.expect(Tok::For);
        let (mut init, mut cond, mut post) = (None, None, None);
        let mut range = None;
        if self.tok != Tok::LBrace {
            let level = std::mem::replace(&mut self.expr_lev, -1);
            if self.eat(Tok::Range) {
                range = Some(RangeClause {
                    lhs: List::EMPTY,
                    define: false,
                    x: self.rhs(),
                });
            } else if self.tok != Tok::Semi {
                match self.simple(Mode::Range) {
                    Simple::Stmt(stmt) => cond = Some(stmt),
                    Simple::Range(clause) => range = Some(clause),
                }
            }
            if range.is_none() && self.eat(Tok::Semi) {
                init = cond.take();
                if self.tok != Tok::Semi {
                    cond = Some(self.simple_stmt(Mode::Basic));
                }
                if self.tok == Tok::LBrace {
                    self.missing(Tok::Semi);
                } else {
                    self.expect_semi();
                }
                if self.tok != Tok::LBrace {
                    post = Some(self.simple_stmt(Mode::Basic));
                }
            }
            self.expr_lev = level;
        }
        let init = self.add_header(init);
        let post = self.add_header(post);
        let body = self.block();
        self.expect_semi();
        let span = Span::new(start, self.ast.stmt(body).span.end);
        let Some(RangeClause { lhs, define, x }) = range else {
            let cond = self.header_expr(cond, "boolean or range expression");
            let id = self.ast.add_for(ForParts {
                init,
                cond,
                post,
                body,
            });
            return self.stmt(StmtKind::For(id), span);
        };
        let variables = self.ast.list(lhs);
        let (key, value) = (variables.first().copied(), variables.get(1).copied());
        if let Some(&third) = variables.get(2) {
            let at = self.span(third).start;
            self.error(at, "expected at most 2 expressions");
        }
        let id = self.ast.add_range(RangeParts {
            key,
            value,
            define,
            x,
            body,
        });
        self.stmt(StmtKind::Range(id), span)
    }
}

fn assign_op(tok: Tok) -> Option<AssignOp> {
    Some(match tok {
        Tok::Assign => AssignOp::Assign,
        Tok::Define => AssignOp::Define,
        _ => {
            let n = (tok as u8).checked_sub(Tok::AddAssign as u8)?;
            let plain = *PLAIN.get(n as usize)?;
            AssignOp::Op(binary_op(plain)?)
        }
    })
}

/// The operators of `+=` and so on, in the order of the tokens.
const PLAIN: [Tok; 11] = [
    Tok::Add,
    Tok::Sub,
    Tok::Mul,
    Tok::Quo,
    Tok::Rem,
    Tok::And,
    Tok::Or,
    Tok::Xor,
    Tok::Shl,
    Tok::Shr,
    Tok::AndNot,
];
