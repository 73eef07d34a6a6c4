//! Expressions.

use super::Parser;
use crate::Span;
use crate::ast::*;
use crate::token::Tok;

impl Parser<'_> {
    /// An expression or a type, raw ones like `[...]int` included.
    pub(super) fn expression(&mut self) -> ExprId {
        self.binary(1)
    }

    /// An expression where `=` is a mistake for `==`.
    pub(super) fn rhs(&mut self) -> ExprId {
        let before = std::mem::replace(&mut self.in_rhs, true);
        let x = self.expression();
        self.in_rhs = before;
        x
    }

    pub(super) fn expr_list(&mut self, in_rhs: bool) -> List<ExprId> {
        let before = std::mem::replace(&mut self.in_rhs, in_rhs);
        let list = self.begin::<ExprId>();
        let x = self.expression();
        self.push(x);
        while self.eat(Tok::Comma) {
            let x = self.expression();
            self.push(x);
        }
        self.in_rhs = before;
        self.finish(list)
    }

    fn binary(&mut self, min: u8) -> ExprId {
        let x = self.unary();
        self.binary_from(x, min)
    }

    /// Operators that bind at least as strongly as `min`, and their right operands, behind `x`.
    pub(super) fn binary_from(&mut self, x: ExprId, min: u8) -> ExprId {
        let mut x = x;
        let links = self.links;
        loop {
            let mut tok = self.tok;
            if tok == Tok::Assign && self.in_rhs {
                tok = Tok::Eql;
            }
            let precedence = tok.precedence();
            let Some(op) = binary_op(tok).filter(|_| precedence >= min) else {
                break;
            };
            if self.tok == Tok::Assign {
                self.expected("'=='");
            }
            self.next();
            self.link();
            let y = self.binary(precedence + 1);
            let span = Span::new(self.span(x).start, self.span(y).end);
            x = self.expr(ExprKind::Binary { op, x, y }, span);
        }
        self.links = links;
        x
    }

    #[inline]
    fn unary(&mut self) -> ExprId {
        match self.tok {
            Tok::Add | Tok::Sub | Tok::Not | Tok::Xor | Tok::And | Tok::Tilde | Tok::Mul => {
                self.deeper(Self::prefixed)
            }
            Tok::Arrow => self.deeper(Self::receive),
            _ => self.primary(None),
        }
    }

    fn prefixed(&mut self) -> ExprId {
        let start = self.pos;
        let tok = self.tok;
        self.next();
        let x = self.unary();
        let span = Span::new(start, self.span(x).end);
        let op = match tok {
            Tok::Add => UnaryOp::Plus,
            Tok::Sub => UnaryOp::Minus,
            Tok::Not => UnaryOp::Not,
            Tok::Xor => UnaryOp::Xor,
            Tok::And => UnaryOp::And,
            Tok::Tilde => UnaryOp::Tilde,
            _ => return self.expr(ExprKind::Star(x), span),
        };
        self.expr(ExprKind::Unary { op, x }, span)
    }

    /// `<-x`, or a channel type `<-chan T`: which of them only shows behind the operand.
    fn receive(&mut self) -> ExprId {
        let start = self.expect(Tok::Arrow);
        let x = self.unary();
        if !matches!(self.ast.expr(x).kind, ExprKind::ChanType { .. }) {
            let span = Span::new(start, self.span(x).end);
            let op = UnaryOp::Recv;
            return self.expr(ExprKind::Unary { op, x }, span);
        }
        // The arrow belongs to the type: <-(chan T) is (<-chan T), and in <-(chan<- T) the
        // arrow of the outer type becomes that of the inner, (<-chan (<-T)).
        let mut arrow = start;
        let mut id = x;
        loop {
            let node = &mut self.ast.exprs[id.index()];
            let ExprKind::ChanType { dir, elem } = &mut node.kind else {
                self.error(arrow, "expected channel type");
                return x;
            };
            let (before, elem) = (*dir, *elem);
            *dir = ChanDir::Recv;
            let chan = std::mem::replace(&mut node.span.start, arrow);
            match before {
                ChanDir::Both => return x,
                ChanDir::Recv => {
                    self.error(chan, "expected 'chan'");
                    return x;
                }
                ChanDir::Send => arrow = self.arrow_behind(chan),
            }
            id = elem;
        }
    }

    /// The place of the arrow in the type `chan<- T` at `chan`.
    fn arrow_behind(&self, chan: u32) -> u32 {
        let mut from = chan;
        loop {
            let rest = &self.scan.src[from as usize..];
            let Some(n) = memchr::memmem::find(rest, b"<-") else {
                return chan;
            };
            let at = from + n as u32;
            let comments = &self.scan.comments;
            let next = comments.partition_point(|c| c.end <= at);
            match comments.get(next) {
                Some(comment) if comment.contains(at) => from = comment.end,
                _ => return at,
            }
        }
    }

    fn operand(&mut self) -> ExprId {
        let span = Span::new(self.pos, self.end);
        let literal = match self.tok {
            Tok::Ident => {
                let name = self.symbol();
                self.next();
                return self.expr(ExprKind::Ident(name), span);
            }
            Tok::Int => LitKind::Int,
            Tok::Float => LitKind::Float,
            Tok::Imag => LitKind::Imag,
            Tok::Char => LitKind::Char,
            Tok::String => LitKind::String,
            Tok::LParen => return self.deeper(Self::parenthesized),
            Tok::Func => return self.deeper(Self::func_type_or_literal),
            _ => {
                if let Some(ty) = self.try_type() {
                    return ty;
                }
                self.expected("operand");
                return self.bad_expr();
            }
        };
        self.next();
        self.expr(ExprKind::BasicLit(literal), span)
    }

    fn parenthesized(&mut self) -> ExprId {
        let start = self.expect(Tok::LParen);
        self.expr_lev += 1;
        let x = self.rhs();
        self.expr_lev -= 1;
        self.expect(Tok::RParen);
        let span = self.span_from(start);
        self.expr(ExprKind::Paren(x), span)
    }

    fn func_type_or_literal(&mut self) -> ExprId {
        let ty = self.func_type();
        let span = self.ast.func_type(ty).span;
        if self.tok != Tok::LBrace {
            return self.expr(ExprKind::FuncType(ty), span);
        }
        self.expr_lev += 1;
        let clauses = std::mem::take(&mut self.clauses);
        let body = self.body();
        self.clauses = clauses;
        self.expr_lev -= 1;
        let end = self.ast.stmt(body).span.end;
        self.expr(ExprKind::FuncLit { ty, body }, Span::new(span.start, end))
    }

    /// An operand with selectors, indices, calls and so on; `x` is the operand if it was read before.
    pub(super) fn primary(&mut self, x: Option<ExprId>) -> ExprId {
        let mut x = match x {
            Some(x) => x,
            None => self.operand(),
        };
        let links = self.links;
        loop {
            match self.tok {
                Tok::Period => {
                    self.next();
                    x = self.selector_or_assertion(x);
                }
                Tok::LBrack => x = self.nested(x, Self::index_or_slice),
                Tok::LParen => x = self.nested(x, Self::call),
                Tok::LBrace => {
                    if !self.is_literal_type(x) {
                        break;
                    }
                    x = self.nested(x, |p, x| p.literal_value(Some(x)));
                }
                _ => break,
            }
            self.link();
        }
        self.links = links;
        x
    }

    /// As [`Parser::deeper`], for what belongs to `x`.
    #[inline]
    pub(super) fn nested(&mut self, x: ExprId, f: fn(&mut Self, ExprId) -> ExprId) -> ExprId {
        self.level += 1;
        let result = if self.level.is_multiple_of(super::LEVELS_PER_CHECK) {
            self.check_depth();
            stacker::maybe_grow(super::RED_ZONE, super::STACK_PIECE, || f(self, x))
        } else {
            f(self, x)
        };
        self.level -= 1;
        result
    }

    /// Whether `{` behind `x` starts a composite literal, not a block.
    fn is_literal_type(&mut self, x: ExprId) -> bool {
        let inner = self.ast.unparen(x);
        let literal = match self.ast.expr(inner).kind {
            ExprKind::Bad
            | ExprKind::Ident(_)
            | ExprKind::Selector { .. }
            | ExprKind::Index { .. }
            | ExprKind::IndexList { .. } => self.expr_lev >= 0,
            ExprKind::ArrayType { .. } | ExprKind::StructType(_) | ExprKind::MapType { .. } => true,
            _ => false,
        };
        if literal && inner != x {
            let at = self.span(inner).start;
            self.error(at, "cannot parenthesize type in composite literal");
        }
        literal
    }

    fn selector_or_assertion(&mut self, x: ExprId) -> ExprId {
        let start = self.span(x).start;
        match self.tok {
            Tok::Ident => {
                let kind = ExprKind::Selector {
                    x,
                    name: self.symbol(),
                    name_pos: self.pos,
                };
                let span = Span::new(start, self.end);
                self.next();
                self.expr(kind, span)
            }
            Tok::LParen => {
                self.next();
                let ty = if self.eat(Tok::Type) {
                    None
                } else {
                    Some(self.ty())
                };
                self.expect(Tok::RParen);
                let span = self.span_from(start);
                self.expr(ExprKind::TypeAssert { x, ty }, span)
            }
            _ => {
                self.expected("selector or type assertion");
                let kind = ExprKind::Selector {
                    x,
                    name: crate::Symbol::BLANK,
                    name_pos: self.prev_end,
                };
                let span = self.span_from(start);
                self.expr(kind, span)
            }
        }
    }

    fn index_or_slice(&mut self, x: ExprId) -> ExprId {
        let start = self.span(x).start;
        self.expect(Tok::LBrack);
        if self.tok == Tok::RBrack {
            self.expected("operand");
            let index = self.expr(ExprKind::Bad, Span::new(self.pos, self.pos));
            self.eat(Tok::RBrack);
            let span = self.span_from(start);
            return self.expr(ExprKind::Index { x, index }, span);
        }
        self.expr_lev += 1;
        let first = (self.tok != Tok::Colon).then(|| self.rhs());
        let result = match (self.tok, first) {
            (Tok::Comma, Some(first)) => {
                let args = self.begin::<ExprId>();
                self.push(first);
                while self.eat(Tok::Comma) {
                    if self.tok != Tok::RBrack && self.tok != Tok::Eof {
                        let arg = self.ty();
                        self.push(arg);
                    }
                }
                self.expr_lev -= 1;
                self.expect(Tok::RBrack);
                return self.indexed(x, args);
            }
            (tok, Some(index)) if tok != Tok::Colon => ExprKind::Index { x, index },
            (_, lo) => self.slice_bounds(x, lo),
        };
        self.expr_lev -= 1;
        self.expect(Tok::RBrack);
        let span = self.span_from(start);
        self.expr(result, span)
    }

    /// The rest of `x[lo:hi:max]`, at the first colon.
    fn slice_bounds(&mut self, x: ExprId, lo: Option<ExprId>) -> ExprKind {
        let mut bounds = [None; 2];
        let mut colons = 0;
        while self.tok == Tok::Colon && colons < 2 {
            self.next();
            if !matches!(self.tok, Tok::Colon | Tok::RBrack | Tok::Eof) {
                bounds[colons] = Some(self.rhs());
            }
            colons += 1;
        }
        let three = colons == 2;
        if three {
            for (bound, name) in bounds.iter_mut().zip(["middle", "final"]) {
                if bound.is_none() {
                    let at = self.prev_end;
                    self.error(at, &format!("{name} index required in 3-index slice"));
                    *bound = Some(self.expr(ExprKind::Bad, Span::new(at, at)));
                }
            }
        }
        let [hi, max] = bounds;
        let parts = SliceParts {
            x,
            lo,
            hi,
            max,
            three,
        };
        ExprKind::Slice(self.ast.add_slice(parts))
    }

    fn call(&mut self, fun: ExprId) -> ExprId {
        let start = self.span(fun).start;
        self.expect(Tok::LParen);
        self.expr_lev += 1;
        let args = self.begin::<ExprId>();
        let mut spread = false;
        while !matches!(self.tok, Tok::RParen | Tok::Eof) && !spread {
            let arg = self.rhs();
            self.push(arg);
            spread = self.eat(Tok::Ellipsis);
            if !self.comma(Tok::RParen, "argument list") {
                break;
            }
        }
        self.expr_lev -= 1;
        self.expect(Tok::RParen);
        let args = self.finish(args);
        let span = self.span_from(start);
        self.expr(ExprKind::Call { fun, args, spread }, span)
    }

    fn element_value(&mut self) -> ExprId {
        if self.tok == Tok::LBrace {
            self.deeper(|p| p.literal_value(None))
        } else {
            self.expression()
        }
    }

    fn literal_value(&mut self, ty: Option<ExprId>) -> ExprId {
        let start = ty.map_or(self.pos, |ty| self.span(ty).start);
        self.expect(Tok::LBrace);
        self.expr_lev += 1;
        let elems = self.begin::<ExprId>();
        while !matches!(self.tok, Tok::RBrace | Tok::Eof) {
            let mut x = self.element_value();
            if self.eat(Tok::Colon) {
                let value = self.element_value();
                let span = Span::new(self.span(x).start, self.span(value).end);
                x = self.expr(ExprKind::KeyValue { key: x, value }, span);
            }
            self.push(x);
            if !self.comma(Tok::RBrace, "composite literal") {
                break;
            }
        }
        self.expr_lev -= 1;
        self.expect(Tok::RBrace);
        let elems = self.finish(elems);
        let span = self.span_from(start);
        self.expr(ExprKind::CompositeLit { ty, elems }, span)
    }
}

/// The operator that `tok` is between two operands.
#[inline]
pub(super) fn binary_op(tok: Tok) -> Option<BinaryOp> {
    Some(match tok {
        Tok::Add => BinaryOp::Add,
        Tok::Sub => BinaryOp::Sub,
        Tok::Mul => BinaryOp::Mul,
        Tok::Quo => BinaryOp::Quo,
        Tok::Rem => BinaryOp::Rem,
        Tok::And => BinaryOp::And,
        Tok::Or => BinaryOp::Or,
        Tok::Xor => BinaryOp::Xor,
        Tok::Shl => BinaryOp::Shl,
        Tok::Shr => BinaryOp::Shr,
        Tok::AndNot => BinaryOp::AndNot,
        Tok::LAnd => BinaryOp::LAnd,
        Tok::LOr => BinaryOp::LOr,
        Tok::Eql => BinaryOp::Eql,
        Tok::Neq => BinaryOp::Neq,
        Tok::Lss => BinaryOp::Lss,
        Tok::Leq => BinaryOp::Leq,
        Tok::Gtr => BinaryOp::Gtr,
        Tok::Geq => BinaryOp::Geq,
        _ => return None,
    })
}
