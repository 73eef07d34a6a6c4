//! Types, fields and parameters.

use super::Parser;
use crate::ast::*;
use crate::token::{EXPRESSION_END, Tok};
use crate::{Span, Symbol};

/// A parameter as written: in `a, b int` only the last has both.
struct Param {
    name: Option<Ident>,
    ty: Option<ExprId>,
}

impl Parser<'_> {
    #[inline]
    pub(super) fn expr(&mut self, kind: ExprKind, span: Span) -> ExprId {
        self.ast.add_expr(Expr { span, kind })
    }

    #[inline]
    pub(super) fn span(&self, id: ExprId) -> Span {
        self.ast.expr(id).span
    }

    /// What is neither type nor expression, from here to something that may follow one.
    pub(super) fn bad_expr(&mut self) -> ExprId {
        let start = self.pos;
        self.skip_to(EXPRESSION_END);
        let span = self.span_from(start);
        self.expr(ExprKind::Bad, span)
    }

    pub(super) fn ident_expr(&mut self, ident: Ident) -> ExprId {
        self.expr(ExprKind::Ident(ident.name), ident.span)
    }

    /// A type; if there is none, that is reported.
    pub(super) fn ty(&mut self) -> ExprId {
        match self.try_type() {
            Some(ty) => ty,
            None => {
                self.expected("type");
                self.bad_expr()
            }
        }
    }

    /// A type, if one starts here.
    pub(super) fn try_type(&mut self) -> Option<ExprId> {
        match self.tok {
            Tok::Ident => {
                let name = self.type_name();
                Some(self.type_args(name))
            }
            Tok::LBrack
            | Tok::Struct
            | Tok::Mul
            | Tok::Func
            | Tok::Interface
            | Tok::Map
            | Tok::Chan
            | Tok::Arrow
            | Tok::LParen => Some(self.deeper(Self::type_literal)),
            _ => None,
        }
    }

    fn type_literal(&mut self) -> ExprId {
        let start = self.pos;
        match self.tok {
            Tok::LBrack => {
                self.next();
                self.array_type(start, None)
            }
            Tok::Struct => self.struct_type(),
            Tok::Mul => {
                self.next();
                let elem = self.ty();
                let end = self.span(elem).end;
                self.expr(ExprKind::Star(elem), Span::new(start, end))
            }
            Tok::Func => {
                let ty = self.func_type();
                let span = self.ast.func_type(ty).span;
                self.expr(ExprKind::FuncType(ty), span)
            }
            Tok::Interface => self.interface_type(),
            Tok::Map => {
                self.next();
                self.expect(Tok::LBrack);
                let key = self.ty();
                self.expect(Tok::RBrack);
                let value = self.ty();
                let end = self.span(value).end;
                self.expr(ExprKind::MapType { key, value }, Span::new(start, end))
            }
            Tok::Chan | Tok::Arrow => self.chan_type(),
            _ => {
                self.expect(Tok::LParen);
                let inner = self.ty();
                self.expect(Tok::RParen);
                let span = self.span_from(start);
                self.expr(ExprKind::Paren(inner), span)
            }
        }
    }

    /// `name` or `package.name`.
    fn type_name(&mut self) -> ExprId {
        let ident = self.ident();
        self.qualified(ident)
    }

    /// What `ident` and a selector behind it denote.
    fn qualified(&mut self, ident: Ident) -> ExprId {
        let x = self.ident_expr(ident);
        if !self.eat(Tok::Period) {
            return x;
        }
        let sel = self.ident();
        let kind = ExprKind::Selector {
            x,
            name: sel.name,
            name_pos: sel.span.start,
        };
        self.expr(kind, Span::new(ident.span.start, sel.span.end))
    }

    fn qualified_instance(&mut self, ident: Ident) -> ExprId {
        let x = self.qualified(ident);
        self.type_args(x)
    }

    /// Type arguments behind `x`, if any.
    #[inline]
    fn type_args(&mut self, x: ExprId) -> ExprId {
        if self.tok == Tok::LBrack {
            self.nested(x, Self::type_instance)
        } else {
            x
        }
    }

    fn type_instance(&mut self, x: ExprId) -> ExprId {
        self.expect(Tok::LBrack);
        self.expr_lev += 1;
        let args = self.begin::<ExprId>();
        while self.tok != Tok::RBrack && self.tok != Tok::Eof {
            let arg = self.ty();
            self.push(arg);
            if !self.comma(Tok::RBrack, "type argument list") {
                break;
            }
        }
        self.expr_lev -= 1;
        if self.count::<ExprId>(args) == 0 {
            self.expected("type argument list");
            let bad = self.expr(ExprKind::Bad, Span::new(self.pos, self.pos));
            self.push(bad);
        }
        self.expect(Tok::RBrack);
        self.indexed(x, args)
    }

    /// `x` with the index or type arguments on the stack, up to here.
    pub(super) fn indexed(&mut self, x: ExprId, args: usize) -> ExprId {
        let span = self.span_from(self.span(x).start);
        let indices = self.finish::<ExprId>(args);
        let kind = match *self.ast.list(indices) {
            [index] => {
                self.ast.expr_pool.pop();
                ExprKind::Index { x, index }
            }
            _ => ExprKind::IndexList { x, indices },
        };
        self.expr(kind, span)
    }

    /// The rest of an array or slice type, behind `[` and the length if that is known.
    pub(super) fn array_type(&mut self, start: u32, len: Option<ExprId>) -> ExprId {
        let mut len = len;
        if len.is_none() {
            self.expr_lev += 1;
            if self.tok == Tok::Ellipsis {
                let span = Span::new(self.pos, self.end);
                self.next();
                len = Some(self.expr(ExprKind::Ellipsis { elem: None }, span));
            } else if self.tok != Tok::RBrack {
                len = Some(self.rhs());
            }
            self.expr_lev -= 1;
        }
        if self.tok == Tok::Comma {
            self.error(self.pos, "unexpected comma; expecting ]");
            self.next();
        }
        self.expect(Tok::RBrack);
        self.array_of(start, len)
    }

    fn array_of(&mut self, start: u32, len: Option<ExprId>) -> ExprId {
        let elem = self.ty();
        let end = self.span(elem).end;
        self.expr(ExprKind::ArrayType { len, elem }, Span::new(start, end))
    }

    /// Behind `name`, at `[`: either `name []E` or `name [P]E`, a name and its type, or the
    /// type `name[P, ...]`.
    fn array_or_instance(&mut self, name: Ident) -> (Option<Ident>, ExprId) {
        let start = self.expect(Tok::LBrack);
        let args = self.begin::<ExprId>();
        let mut trailing_comma = None;
        if self.tok != Tok::RBrack {
            self.expr_lev += 1;
            let arg = self.rhs();
            self.push(arg);
            while self.tok == Tok::Comma {
                let comma = self.pos;
                self.next();
                if self.tok == Tok::RBrack {
                    trailing_comma = Some(comma);
                    break;
                }
                let arg = self.rhs();
                self.push(arg);
            }
            self.expr_lev -= 1;
        }
        self.expect(Tok::RBrack);
        let count = self.count::<ExprId>(args);
        if count == 0 {
            return (Some(name), self.array_of(start, None));
        }
        let close = self.prev_end;
        if count == 1
            && let Some(elem) = self.try_type()
        {
            if let Some(comma) = trailing_comma {
                self.error(comma, "unexpected comma; expecting ]");
            }
            let len = self.finish::<ExprId>(args);
            let len = self.ast.list(len).first().copied();
            self.ast.expr_pool.pop();
            let span = Span::new(start, self.span(elem).end);
            return (
                Some(name),
                self.expr(ExprKind::ArrayType { len, elem }, span),
            );
        }
        debug_assert_eq!(close, self.prev_end);
        let x = self.ident_expr(name);
        (None, self.indexed(x, args))
    }

    fn chan_type(&mut self) -> ExprId {
        let start = self.pos;
        let dir = if self.eat(Tok::Chan) {
            if self.eat(Tok::Arrow) {
                ChanDir::Send
            } else {
                ChanDir::Both
            }
        } else {
            self.expect(Tok::Arrow);
            self.expect(Tok::Chan);
            ChanDir::Recv
        };
        let elem = self.ty();
        let end = self.span(elem).end;
        self.expr(ExprKind::ChanType { dir, elem }, Span::new(start, end))
    }

    pub(super) fn field_list(&mut self, span: Span, fields: usize) -> FieldListId {
        let fields = self.finish::<Field>(fields);
        self.ast.add_field_list(FieldList { span, fields })
    }

    fn struct_type(&mut self) -> ExprId {
        let start = self.expect(Tok::Struct);
        let open = self.expect(Tok::LBrace);
        let fields = self.begin::<Field>();
        while matches!(self.tok, Tok::Ident | Tok::Mul | Tok::LParen) {
            let field = self.field_decl();
            self.push(field);
        }
        while !matches!(self.tok, Tok::RBrace | Tok::Eof) {
            self.expected("field name or embedded type");
            let before = self.pos;
            self.skip_statement();
            if self.pos == before {
                break;
            }
            while matches!(self.tok, Tok::Ident | Tok::Mul | Tok::LParen) {
                let field = self.field_decl();
                self.push(field);
            }
        }
        self.expect(Tok::RBrace);
        let list = self.field_list(self.span_from(open), fields);
        let span = self.span_from(start);
        self.expr(ExprKind::StructType(list), span)
    }

    fn field_decl(&mut self) -> Field {
        let start = self.pos;
        let names = self.begin::<Ident>();
        let ty = match self.tok {
            Tok::Ident => {
                let name = self.ident();
                match self.tok {
                    Tok::Period => self.qualified_instance(name),
                    Tok::String | Tok::Semi | Tok::RBrace => self.ident_expr(name),
                    Tok::LBrack => {
                        let (name, ty) = self.array_or_instance(name);
                        if let Some(name) = name {
                            self.push(name);
                        }
                        ty
                    }
                    _ => {
                        self.push(name);
                        while self.eat(Tok::Comma) {
                            let name = self.ident();
                            self.push(name);
                        }
                        self.ty()
                    }
                }
            }
            Tok::Mul => {
                self.next();
                let parens = self.tok == Tok::LParen;
                if parens {
                    self.error(self.pos, "cannot parenthesize embedded type");
                    self.next();
                }
                let elem = self.embedded_name();
                if parens {
                    self.eat(Tok::RParen);
                }
                let span = Span::new(start, self.span(elem).end);
                self.expr(ExprKind::Star(elem), span)
            }
            _ => {
                self.error(self.pos, "cannot parenthesize embedded type");
                self.expect(Tok::LParen);
                let star = self.pos;
                let ty = if self.eat(Tok::Mul) {
                    let elem = self.embedded_name();
                    let span = Span::new(star, self.span(elem).end);
                    self.expr(ExprKind::Star(elem), span)
                } else {
                    self.embedded_name()
                };
                self.eat(Tok::RParen);
                ty
            }
        };
        let names = self.finish::<Ident>(names);
        let mut end = self.span(ty).end;
        let mut tag = None;
        if self.tok == Tok::String {
            let span = Span::new(self.pos, self.end);
            self.next();
            tag = Some(self.expr(ExprKind::BasicLit(LitKind::String), span));
            end = span.end;
        }
        self.expect_semi();
        Field {
            span: Span::new(self.start_of(names, ty), end),
            names,
            ty,
            tag,
        }
    }

    /// Where a field starts: at its first name, or its type.
    fn start_of(&self, names: List<Ident>, ty: ExprId) -> u32 {
        let first = self.ast.list(names).first();
        first.map_or_else(|| self.span(ty).start, |name| name.span.start)
    }

    fn embedded_name(&mut self) -> ExprId {
        let name = self.ident();
        self.qualified_instance(name)
    }

    /// One parameter; `name` is its name where that was read before.
    fn param(&mut self, name: Option<Ident>, type_params: bool) -> Param {
        let typed = |ty| Param {
            name: None,
            ty: Some(ty),
        };
        let mut param = Param {
            name: None,
            ty: None,
        };
        if name.is_some() || self.tok == Tok::Ident {
            let name = match name {
                Some(name) => name,
                None => self.ident(),
            };
            param.name = Some(name);
            match self.tok {
                Tok::Ident
                | Tok::Mul
                | Tok::Arrow
                | Tok::Func
                | Tok::Chan
                | Tok::Map
                | Tok::Struct
                | Tok::Interface
                | Tok::LParen => param.ty = Some(self.ty()),
                Tok::LBrack => {
                    let (name, ty) = self.array_or_instance(name);
                    param = Param { name, ty: Some(ty) };
                }
                Tok::Ellipsis => {
                    param.ty = Some(self.dots_type());
                    return param;
                }
                Tok::Period => param = typed(self.qualified_instance(name)),
                Tok::Tilde if type_params => {
                    param.ty = Some(self.embedded_elem(None));
                    return param;
                }
                Tok::Or if type_params => {
                    let x = self.ident_expr(name);
                    return typed(self.embedded_elem(Some(x)));
                }
                _ => {}
            }
        } else {
            match self.tok {
                Tok::Tilde if type_params => return typed(self.embedded_elem(None)),
                Tok::Mul
                | Tok::Arrow
                | Tok::Func
                | Tok::LBrack
                | Tok::Chan
                | Tok::Map
                | Tok::Struct
                | Tok::Interface
                | Tok::LParen => param.ty = Some(self.ty()),
                Tok::Ellipsis => return typed(self.dots_type()),
                _ => {
                    self.expected("')'");
                    self.skip_to(EXPRESSION_END);
                }
            }
        }
        if type_params
            && self.tok == Tok::Or
            && let Some(ty) = param.ty
        {
            param.ty = Some(self.embedded_elem(Some(ty)));
        }
        param
    }

    fn dots_type(&mut self) -> ExprId {
        let start = self.expect(Tok::Ellipsis);
        let elem = self.ty();
        let span = Span::new(start, self.span(elem).end);
        self.expr(ExprKind::Ellipsis { elem: Some(elem) }, span)
    }

    /// The parameters up to `close`, put on the stack of fields; `first` are the name and type
    /// already read of the first. Only the last of them may be variadic, if `variadic` says so.
    pub(super) fn params(
        &mut self,
        first: Option<(Ident, Option<ExprId>)>,
        close: Tok,
        variadic: bool,
    ) {
        let type_params = close == Tok::RBrack;
        let start = first.map_or(self.pos, |(name, _)| name.span.start);
        let mut params: Vec<Param> = Vec::new();
        let mut first = first;
        while first.is_some() || self.tok != close && self.tok != Tok::Eof {
            let param = match first.take() {
                Some((name, Some(ty))) => Param {
                    name: Some(name),
                    ty: Some(match type_params {
                        true => self.embedded_elem(Some(ty)),
                        false => ty,
                    }),
                },
                Some((name, None)) => self.param(Some(name), type_params),
                None => self.param(None, type_params),
            };
            if param.name.is_some() || param.ty.is_some() {
                params.push(param);
            }
            if !self.comma(close, "parameter list") {
                break;
            }
        }
        self.distribute(&mut params, type_params, start);
        self.check_variadic(&params, variadic);
        self.push_fields(&params);
    }

    /// Gives every parameter its type: names alone are types if no parameter has both, and
    /// take the type of the next one otherwise.
    fn distribute(&mut self, params: &mut [Param], type_params: bool, start: u32) {
        let both = |p: &&Param| p.name.is_some() && p.ty.is_some();
        let named = params.iter().filter(both).count();
        let typed = params.iter().filter(|p| p.ty.is_some()).count();
        if named == 0 {
            for param in params.iter_mut() {
                if let Some(name) = param.name.take() {
                    param.ty = Some(self.ident_expr(name));
                }
            }
            if type_params && !params.is_empty() {
                if typed == 0 {
                    self.error(self.pos, "missing type constraint");
                } else {
                    self.error(start, "missing type parameter name");
                }
            }
            return;
        }
        if named == params.len() {
            return;
        }
        let mut wrong = None;
        let mut ty = None;
        for param in params.iter_mut().rev() {
            match param {
                Param { name, ty: Some(t) } => {
                    ty = Some(*t);
                    if name.is_none() {
                        let at = self.span(*t).start;
                        wrong = Some(at);
                        *name = Some(Ident {
                            name: Symbol::BLANK,
                            span: Span::new(at, at),
                        });
                    }
                }
                Param { name, ty: None } => {
                    param.ty = Some(match ty {
                        Some(ty) => ty,
                        None => {
                            let end = name.map_or(self.pos, |n| n.span.end);
                            wrong = Some(end);
                            self.expr(ExprKind::Bad, Span::new(end, end))
                        }
                    });
                }
            }
        }
        let Some(wrong) = wrong else {
            return;
        };
        let what = match (named == typed, type_params) {
            (true, true) => "missing type constraint",
            (true, false) => "missing parameter type",
            (false, true) => "missing type parameter name",
            (false, false) => "missing parameter name",
        };
        let at = if named == typed { self.pos } else { wrong };
        self.error(at, what);
    }

    fn check_variadic(&mut self, params: &[Param], variadic: bool) {
        for (n, param) in params.iter().enumerate() {
            let Some(ty) = param.ty else { continue };
            let dots = matches!(self.ast.expr(ty).kind, ExprKind::Ellipsis { .. });
            if dots && !(variadic && n + 1 == params.len()) {
                let at = self.span(ty).start;
                self.error(at, "can only use ... with final parameter in list");
                self.ast.exprs[ty.index()].kind = ExprKind::Bad;
            }
        }
    }

    /// Makes fields of parameters: neighbours of one type share one.
    fn push_fields(&mut self, params: &[Param]) {
        let mut rest = params;
        while let Some(Param { name, ty: Some(ty) }) = rest.first() {
            let names = self.begin::<Ident>();
            let mut count = 1;
            if name.is_some() {
                count = rest.iter().take_while(|p| p.ty == Some(*ty)).count();
                for param in &rest[..count] {
                    if let Some(name) = param.name {
                        self.push(name);
                    }
                }
            }
            let names = self.finish::<Ident>(names);
            self.push(Field {
                span: Span::new(self.start_of(names, *ty), self.span(*ty).end),
                names,
                ty: *ty,
                tag: None,
            });
            rest = &rest[count..];
        }
    }

    pub(super) fn type_params(&mut self) -> Option<FieldListId> {
        let open = self.expect(Tok::LBrack);
        let fields = self.begin::<Field>();
        if self.tok != Tok::RBrack {
            self.params(None, Tok::RBrack, false);
        }
        let close = self.expect(Tok::RBrack);
        if self.count::<Field>(fields) == 0 {
            self.error(close, "empty type parameter list");
            return None;
        }
        Some(self.field_list(self.span_from(open), fields))
    }

    /// Parameters in parentheses.
    pub(super) fn parameters(&mut self, variadic: bool) -> FieldListId {
        let open = self.expect(Tok::LParen);
        let fields = self.begin::<Field>();
        if self.tok != Tok::RParen {
            self.params(None, Tok::RParen, variadic);
        }
        self.expect(Tok::RParen);
        self.field_list(self.span_from(open), fields)
    }

    fn results(&mut self) -> Option<FieldListId> {
        if self.tok == Tok::LParen {
            return Some(self.parameters(false));
        }
        let ty = self.try_type()?;
        let span = self.span(ty);
        let fields = self.begin::<Field>();
        self.push(Field {
            span,
            names: List::EMPTY,
            ty,
            tag: None,
        });
        Some(self.field_list(span, fields))
    }

    pub(super) fn func_type(&mut self) -> FuncTypeId {
        let start = self.expect(Tok::Func);
        if self.tok == Tok::LBrack {
            let at = self.pos;
            self.type_params();
            self.error(at, "function type must have no type parameters");
        }
        self.signature(Some(start), None)
    }

    /// Parameters and results of a function whose type starts at `start`, or at the parameters.
    pub(super) fn signature(
        &mut self,
        start: Option<u32>,
        type_params: Option<FieldListId>,
    ) -> FuncTypeId {
        let start = start.unwrap_or(self.pos);
        let params = self.parameters(true);
        let results = self.results();
        let last = self.ast.field_list(results.unwrap_or(params)).span;
        self.ast.add_func_type(FuncType {
            span: Span::new(start, last.end),
            type_params,
            params,
            results,
        })
    }

    fn interface_type(&mut self) -> ExprId {
        let start = self.expect(Tok::Interface);
        let open = self.expect(Tok::LBrace);
        let fields = self.begin::<Field>();
        loop {
            let field = match self.tok {
                Tok::Ident => self.method_or_embedded(),
                Tok::Tilde => {
                    let ty = self.embedded_elem(None);
                    self.unnamed(ty)
                }
                Tok::RBrace | Tok::Eof => break,
                _ => match self.try_type() {
                    Some(ty) => {
                        let ty = self.embedded_elem(Some(ty));
                        self.unnamed(ty)
                    }
                    None => {
                        self.expected("method or embedded type");
                        let before = self.pos;
                        self.skip_statement();
                        if self.pos == before {
                            break;
                        }
                        continue;
                    }
                },
            };
            self.expect_semi();
            self.push(field);
        }
        self.expect(Tok::RBrace);
        let list = self.field_list(self.span_from(open), fields);
        let span = self.span_from(start);
        self.expr(ExprKind::InterfaceType(list), span)
    }

    fn unnamed(&self, ty: ExprId) -> Field {
        Field {
            span: self.span(ty),
            names: List::EMPTY,
            ty,
            tag: None,
        }
    }

    fn method(&mut self, name: Ident) -> Field {
        let sig = self.signature(None, None);
        let span = self.ast.func_type(sig).span;
        let ty = self.expr(ExprKind::FuncType(sig), span);
        let names = self.single(name);
        Field {
            span: Span::new(name.span.start, span.end),
            names,
            ty,
            tag: None,
        }
    }

    fn method_or_embedded(&mut self) -> Field {
        let name = self.ident();
        let ty = match self.tok {
            Tok::LParen => return self.method(name),
            Tok::LBrack => {
                let bracket = self.pos;
                self.next();
                self.expr_lev += 1;
                let arg = self.expression();
                self.expr_lev -= 1;
                if let ExprKind::Ident(param) = self.ast.expr(arg).kind
                    && self.tok != Tok::Comma
                    && self.tok != Tok::RBrack
                {
                    // A method with type parameters, which interfaces may not have.
                    let param = Ident {
                        name: param,
                        span: self.span(arg),
                    };
                    let fields = self.begin::<Field>();
                    self.params(Some((param, None)), Tok::RBrack, false);
                    self.finish::<Field>(fields);
                    self.expect(Tok::RBrack);
                    self.error(bracket, "interface method must have no type parameters");
                    return self.method(name);
                }
                let args = self.begin::<ExprId>();
                self.push(arg);
                self.expr_lev += 1;
                while self.comma(Tok::RBrack, "type argument list") {
                    let arg = self.ty();
                    self.push(arg);
                }
                self.expr_lev -= 1;
                self.expect(Tok::RBrack);
                let x = self.ident_expr(name);
                self.indexed(x, args)
            }
            Tok::Period => self.qualified_instance(name),
            _ => self.ident_expr(name),
        };
        let ty = self.embedded_elem(Some(ty));
        self.unnamed(ty)
    }

    /// A union of terms; `x` is the first if it was read before.
    pub(super) fn embedded_elem(&mut self, x: Option<ExprId>) -> ExprId {
        let mut x = match x {
            Some(x) => x,
            None => self.embedded_term(),
        };
        let links = self.links;
        while self.eat(Tok::Or) {
            self.link();
            let y = self.embedded_term();
            let span = Span::new(self.span(x).start, self.span(y).end);
            let op = BinaryOp::Or;
            x = self.expr(ExprKind::Binary { op, x, y }, span);
        }
        self.links = links;
        x
    }

    fn embedded_term(&mut self) -> ExprId {
        let start = self.pos;
        if self.eat(Tok::Tilde) {
            let x = self.ty();
            let span = Span::new(start, self.span(x).end);
            let op = UnaryOp::Tilde;
            return self.expr(ExprKind::Unary { op, x }, span);
        }
        match self.try_type() {
            Some(ty) => ty,
            None => {
                self.expected("~ term or type");
                self.bad_expr()
            }
        }
    }
}
