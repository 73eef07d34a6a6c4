//! Declarations.

use super::Parser;
use crate::ast::*;
use crate::token::{EXPRESSION_END, Set, Tok};
use crate::{Bodies, Span, Symbol};

impl Parser<'_> {
    /// A declaration; its keyword is ahead.
    pub(super) fn decl(&mut self) -> DeclId {
        match self.tok {
            Tok::Import => self.gen_decl(GenTok::Import),
            Tok::Const => self.gen_decl(GenTok::Const),
            Tok::Type => self.gen_decl(GenTok::Type),
            Tok::Var => self.gen_decl(GenTok::Var),
            _ => self.func_decl(),
        }
    }

    fn gen_decl(&mut self, tok: GenTok) -> DeclId {
        let start = self.pos;
        self.next();
        let specs = self.begin::<SpecId>();
        let grouped = self.eat(Tok::LParen);
        if grouped {
            let mut iota = 0;
            while !matches!(self.tok, Tok::RParen | Tok::Eof) {
                let before = (self.pos, self.end);
                let spec = self.spec(tok, iota);
                self.push(spec);
                iota += 1;
                if (self.pos, self.end) == before {
                    if self.tok == Tok::RBrace {
                        break;
                    }
                    self.next();
                }
            }
            self.expect(Tok::RParen);
        } else {
            let spec = self.spec(tok, 0);
            self.push(spec);
        }
        let specs = self.finish::<SpecId>(specs);
        let mut span = self.span_from(start);
        if grouped {
            self.expect_semi();
        } else if let Some(&spec) = self.ast.list(specs).first() {
            span.end = self.ast.spec(spec).span.end;
        }
        let kind = DeclKind::Gen {
            tok,
            specs,
            grouped,
        };
        self.ast.add_decl(Decl { span, kind })
    }

    fn spec(&mut self, tok: GenTok, iota: u32) -> SpecId {
        let spec = match tok {
            GenTok::Import => self.import_spec(),
            GenTok::Type => self.type_spec(),
            GenTok::Const | GenTok::Var => self.value_spec(tok, iota),
        };
        self.expect_semi();
        self.ast.add_spec(spec)
    }

    fn import_spec(&mut self) -> Spec {
        let start = self.pos;
        let name = match self.tok {
            Tok::Ident => Some(self.ident()),
            Tok::Period => {
                let span = Span::new(self.pos, self.end);
                self.next();
                let name = Symbol::DOT;
                Some(Ident { name, span })
            }
            _ => None,
        };
        let mut path_span = Span::new(self.pos, self.end);
        let mut path = Symbol::new("");
        match self.tok {
            Tok::String => {
                path = unquote(path_span.of(self.scan.src));
                self.next();
            }
            Tok::Int | Tok::Float | Tok::Imag | Tok::Char | Tok::Ident => {
                self.error(self.pos, "import path must be a string");
                self.next();
            }
            _ => {
                self.error(self.pos, "missing import path");
                path_span = Span::new(self.prev_end, self.prev_end);
                self.skip_to(EXPRESSION_END);
            }
        }
        Spec {
            span: Span::new(start.min(path_span.start), path_span.end),
            kind: SpecKind::Import {
                name,
                path,
                path_span,
            },
        }
    }

    fn value_spec(&mut self, tok: GenTok, iota: u32) -> Spec {
        let start = self.pos;
        let names = self.begin::<Ident>();
        let name = self.ident();
        self.push(name);
        while self.eat(Tok::Comma) {
            let name = self.ident();
            self.push(name);
        }
        let mut end = self.prev_end.max(start);
        let names = self.finish::<Ident>(names);
        let ty = match (tok, self.tok) {
            (_, Tok::Assign) => None,
            (GenTok::Var, _) => Some(self.ty()),
            (_, Tok::Eof | Tok::Semi | Tok::RParen) => None,
            _ => self.try_type(),
        };
        if let Some(ty) = ty {
            end = self.span(ty).end.max(end);
        }
        let mut values = List::EMPTY;
        if self.eat(Tok::Assign) {
            values = self.expr_list(true);
            let last = self.ast.list(values).last();
            end = last.map_or(end, |&x| self.span(x).end);
        }
        Spec {
            span: Span::new(start, end),
            kind: SpecKind::Value {
                names,
                ty,
                values,
                iota,
            },
        }
    }

    fn type_spec(&mut self) -> Spec {
        let name = self.ident();
        let mut type_params = None;
        let mut alias = false;
        let ty = if self.tok == Tok::LBrack {
            let open = self.pos;
            self.next();
            if self.tok == Tok::Ident {
                match self.array_length_or_param() {
                    Split::Param(param, constraint) => {
                        let fields = self.begin::<Field>();
                        self.params(Some((param, constraint)), Tok::RBrack, false);
                        self.expect(Tok::RBrack);
                        type_params = Some(self.field_list(self.span_from(open), fields));
                        alias = self.eat(Tok::Assign);
                        self.ty()
                    }
                    Split::Length(len) => self.array_type(open, Some(len)),
                }
            } else {
                self.array_type(open, None)
            }
        } else {
            alias = self.eat(Tok::Assign);
            self.ty()
        };
        Spec {
            span: Span::new(name.span.start, self.span(ty).end),
            kind: SpecKind::Type {
                name,
                type_params,
                alias,
                ty,
            },
        }
    }

    /// Behind `type T [`, at a name: either the length of an array or the first type parameter,
    /// perhaps with its constraint. `P *C` and `P (C)` read as expressions at first; see
    /// parseTypeSpec of go/parser.
    fn array_length_or_param(&mut self) -> Split {
        let name = self.ident();
        if self.tok == Tok::LBrack {
            // An index is never constant, so P [ starts a constraint.
            return Split::Param(name, None);
        }
        let operator = self.pos;
        self.expr_lev += 1;
        let x = self.ident_expr(name);
        let x = self.primary(Some(x));
        let x = self.binary_from(x, 1);
        self.expr_lev -= 1;
        let comma = self.tok == Tok::Comma;
        match self.split(x, operator, comma) {
            Some(None) if self.tok == Tok::RBrack => Split::Length(x),
            Some(constraint) => Split::Param(name, constraint),
            None => Split::Length(x),
        }
    }

    /// Splits `x`, which starts with a name and the token at `operator`, into that name and
    /// the type behind it, if the rest must be a type or `force` says so. Gives `None` if it
    /// cannot be split, `Some(None)` for a name alone.
    fn split(&mut self, x: ExprId, operator: u32, force: bool) -> Option<Option<ExprId>> {
        let mut force = force;
        let mut unions = Vec::new();
        let mut id = x;
        let is_name = |p: &Self, x: ExprId| matches!(p.ast.expr(x).kind, ExprKind::Ident(_));
        let head = loop {
            let Expr { kind, span } = *self.ast.expr(id);
            match kind {
                ExprKind::Ident(_) if unions.is_empty() => return Some(None),
                ExprKind::Binary {
                    op: BinaryOp::Or,
                    x,
                    y,
                } => {
                    force |= self.is_type_elem(y);
                    unions.push(id);
                    id = x;
                }
                ExprKind::Binary {
                    op: BinaryOp::Mul,
                    x,
                    y,
                } if is_name(self, x) && (force || self.is_type_elem(y)) => {
                    break self.expr(ExprKind::Star(y), Span::new(operator, span.end));
                }
                ExprKind::Call {
                    fun,
                    args,
                    spread: false,
                } if args.len() == 1 && is_name(self, fun) => {
                    let arg = self.ast.list(args)[0];
                    if !force && !self.is_type_elem(arg) {
                        return None;
                    }
                    break self.expr(ExprKind::Paren(arg), Span::new(operator, span.end));
                }
                _ => return None,
            }
        };
        let mut result = head;
        for &union in unions.iter().rev() {
            let node = &mut self.ast.exprs[union.index()];
            node.span.start = operator;
            if let ExprKind::Binary { x, .. } = &mut node.kind {
                *x = result;
            }
            result = union;
        }
        Some(Some(result))
    }

    /// Whether `x` can only be a type, not a value.
    fn is_type_elem(&self, x: ExprId) -> bool {
        let mut open = vec![x];
        while let Some(x) = open.pop() {
            match self.ast.expr(x).kind {
                ExprKind::ArrayType { .. }
                | ExprKind::StructType(_)
                | ExprKind::FuncType(_)
                | ExprKind::InterfaceType(_)
                | ExprKind::MapType { .. }
                | ExprKind::ChanType { .. }
                | ExprKind::Unary {
                    op: UnaryOp::Tilde, ..
                } => return true,
                ExprKind::Binary { x, y, .. } => open.extend([y, x]),
                ExprKind::Paren(x) => open.push(x),
                _ => {}
            }
        }
        false
    }

    fn func_decl(&mut self) -> DeclId {
        let start = self.expect(Tok::Func);
        let recv = (self.tok == Tok::LParen).then(|| self.parameters(true));
        let name = self.ident();
        let type_params = match self.tok {
            Tok::LBrack => self.type_params(),
            _ => None,
        };
        let ty = self.signature(Some(start), type_params);
        let mut span = self.ast.func_type(ty).span;
        let mut body = Body::None;
        match self.tok {
            Tok::LBrace => body = self.func_body(),
            Tok::Semi => {
                self.next();
                if self.tok == Tok::LBrace {
                    self.error(self.pos, "unexpected semicolon or newline before {");
                    body = self.func_body();
                }
            }
            _ => {
                self.expected("';'");
                self.skip_to(Set::of(&[Tok::LBrace]));
                match self.tok {
                    Tok::LBrace => body = self.func_body(),
                    _ => self.skip_statement(),
                }
            }
        }
        match body {
            Body::None => {}
            Body::Skipped(body) => span.end = body.end,
            Body::Block(block) => span.end = self.ast.stmt(block).span.end,
        }
        let func = self.ast.add_func(FuncDecl {
            recv,
            name,
            ty,
            body,
        });
        self.ast.add_decl(Decl {
            span,
            kind: DeclKind::Func(func),
        })
    }

    fn func_body(&mut self) -> Body {
        let body = match self.bodies {
            Bodies::Parse => Body::Block(self.body()),
            Bodies::Skip => {
                let start = self.pos;
                let closed = self.scan.skip_block();
                let span = Span::new(start, self.scan.at as u32);
                self.end = span.end;
                self.next();
                if !closed {
                    self.missing(Tok::RBrace);
                }
                Body::Skipped(span)
            }
        };
        self.expect_semi();
        body
    }
}

/// What stands behind `type T [`.
enum Split {
    /// The length of an array.
    Length(ExprId),
    /// A type parameter, and its constraint if that was read.
    Param(Ident, Option<ExprId>),
}

/// The text of a string literal.
fn unquote(literal: &[u8]) -> Symbol {
    let Some((quote, rest)) = literal.split_first() else {
        return Symbol::new("");
    };
    let text = rest.strip_suffix(&[*quote]).unwrap_or(rest);
    if *quote == b'`' {
        let text: Vec<u8> = text.iter().copied().filter(|&b| b != b'\r').collect();
        return Symbol::from_bytes(&text);
    }
    if !text.contains(&b'\\') {
        return Symbol::from_bytes(text);
    }
    Symbol::from_bytes(&unescape(text))
}

/// The bytes that `text` with its escape sequences stands for; wrong ones stay as they are.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        let Some(&escape) = tail.first().filter(|_| b == b'\\') else {
            bytes.push(b);
            continue;
        };
        let (skip, digits, radix) = match escape {
            b'0'..=b'7' => (0, 3, 8),
            b'x' => (1, 2, 16),
            b'u' => (1, 4, 16),
            b'U' => (1, 8, 16),
            _ => {
                let plain = [7, 8, 12, 10, 13, 9, 11];
                let named = b"abfnrtv".iter().position(|&e| e == escape);
                bytes.push(named.map_or(escape, |n| plain[n]));
                rest = &tail[1..];
                continue;
            }
        };
        let number = tail.get(skip..skip + digits);
        let number = number.and_then(|d| u32::from_str_radix(str::from_utf8(d).ok()?, radix).ok());
        match (number, escape) {
            (Some(n), b'u' | b'U') => {
                let c = char::from_u32(n).unwrap_or(char::REPLACEMENT_CHARACTER);
                bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
            }
            (Some(n), _) => bytes.push(n as u8),
            (None, _) => {
                bytes.push(b);
                continue;
            }
        }
        rest = &tail[skip + digits..];
    }
    bytes
}
