//! Statements, after go/types stmt.go and range.go.

use crate::assignments::Target;
use crate::body::Mode;
use crate::checker::Checker;
use crate::constant::Value;
use crate::object::*;
use crate::operand::Operand;
use crate::types::*;
use std::rc::Rc;
use tophash_syntax::ast::*;

impl<'w> Checker<'w> {
    pub(crate) fn stmt_list(&mut self, list: List<StmtId>) {
        for &stmt in self.env.ast.list(list) {
            self.stmt(stmt);
        }
    }

    fn scoped(&mut self, check: impl FnOnce(&mut Self)) {
        self.env.scope.open();
        check(self);
        self.env.scope.close();
    }

    fn simple(&mut self, stmt: Option<StmtId>) {
        if let Some(stmt) = stmt {
            self.stmt(stmt);
        }
    }

    pub(crate) fn stmt(&mut self, stmt: StmtId) {
        let ast = self.env.ast;
        match ast.stmt(stmt).kind {
            StmtKind::Bad | StmtKind::Empty { .. } | StmtKind::Branch { .. } => {}
            StmtKind::Decl(decl) => self.local_decl(decl),
            StmtKind::Labeled { stmt, .. } => self.stmt(stmt),
            StmtKind::Expr(e) | StmtKind::Go(e) | StmtKind::Defer(e) => {
                self.raw_expr(None, e, None, false);
            }
            StmtKind::Send { chan, value } => {
                let chan = self.expr(None, chan);
                let under = self.common_underlying(chan.ty);
                let elem = match under.map(|u| self.ty(u)) {
                    Some(&Type::Chan(_, elem)) => elem,
                    _ => TypeId::UNKNOWN,
                };
                let mut x = self.expr(Some(elem), value);
                self.assignment(&mut x, Some(elem));
            }
            StmtKind::IncDec { x, .. } => {
                let mut operand = self.expr(None, x);
                let mut one = self.one();
                self.match_types(&mut operand, &mut one);
                operand.mode = Mode::Value;
                self.assign_operand(x, operand);
            }
            StmtKind::Assign { lhs, op, rhs } => {
                let (lhs, rhs) = (ast.list(lhs), ast.list(rhs));
                match op {
                    AssignOp::Define => self.short_var_decl(lhs, rhs),
                    AssignOp::Assign => self.assign_vars(lhs, rhs),
                    AssignOp::Op(op) => {
                        if let (&[l], &[r]) = (lhs, rhs) {
                            let x = self.binary(None, l, r, op);
                            self.assign_operand(l, x);
                        }
                    }
                }
            }
            StmtKind::Return(values) => self.return_stmt(ast.list(values)),
            StmtKind::Block(list) => self.scoped(|c| c.stmt_list(list)),
            StmtKind::If(parts) => self.if_stmt(parts),
            // Clauses outside a switch or select come from broken source.
            StmtKind::Case { body, .. } | StmtKind::Comm { body, .. } => {
                self.scoped(|c| c.stmt_list(body));
            }
            StmtKind::Switch { init, tag, body } => {
                self.scoped(|c| c.switch_stmt(init, tag, body));
            }
            StmtKind::TypeSwitch { init, guard, body } => {
                self.scoped(|c| c.type_switch_stmt(init, guard, body));
            }
            StmtKind::Select(body) => {
                let StmtKind::Block(clauses) = ast.stmt(body).kind else {
                    return;
                };
                for &clause in ast.list(clauses) {
                    if let StmtKind::Comm { comm, body } = ast.stmt(clause).kind {
                        self.scoped(|c| {
                            c.simple(comm);
                            c.stmt_list(body);
                        });
                    }
                }
            }
            StmtKind::For(parts) => {
                let parts = *ast.for_parts(parts);
                self.scoped(|c| {
                    c.simple(parts.init);
                    if let Some(cond) = parts.cond {
                        c.expr(None, cond);
                    }
                    c.simple(parts.post);
                    c.stmt(parts.body);
                });
            }
            StmtKind::Range(parts) => {
                let parts = *ast.range_parts(parts);
                self.range_stmt(&parts);
            }
        }
    }

    fn if_stmt(&mut self, parts: IfId) {
        let mut parts = *self.env.ast.if_parts(parts);
        let mut opened = 0;
        // Chains of `else if` are taken one by one, as they may be long.
        loop {
            self.env.scope.open();
            opened += 1;
            self.simple(parts.init);
            self.expr(None, parts.cond);
            self.stmt(parts.then);
            match parts.alt.map(|alt| (alt, self.env.ast.stmt(alt).kind)) {
                None => break,
                Some((_, StmtKind::If(next))) => parts = *self.env.ast.if_parts(next),
                Some((alt, _)) => {
                    self.stmt(alt);
                    break;
                }
            }
        }
        for _ in 0..opened {
            self.env.scope.close();
        }
    }

    fn return_stmt(&mut self, values: &[ExprId]) {
        if values.is_empty() {
            return;
        }
        match self.env.signature.clone() {
            Some(signature) => {
                let targets: Vec<Target> = signature
                    .results
                    .iter()
                    .map(|&var| Target { var, typed: true })
                    .collect();
                self.init_vars(&targets, values, false);
            }
            None => values.iter().for_each(|&value| self.use_expr(value)),
        }
    }

    fn switch_stmt(&mut self, init: Option<StmtId>, tag: Option<ExprId>, body: StmtId) {
        let ast = self.env.ast;
        self.simple(init);
        let mut x = match tag {
            Some(tag) => {
                let mut x = self.expr(None, tag);
                self.assignment(&mut x, None);
                x
            }
            None => {
                let mut x = Operand::new(Mode::Constant, TypeId::basic(Basic::Bool), None);
                x.value = Some(Value::Bool(true));
                x
            }
        };
        // Cases are compared with the tag's value, be it constant or not.
        if tag.is_some() {
            x.mode = Mode::Value;
        }
        let StmtKind::Block(clauses) = ast.stmt(body).kind else {
            return;
        };
        for &clause in ast.list(clauses) {
            let StmtKind::Case { values, body } = ast.stmt(clause).kind else {
                continue;
            };
            for &value in ast.list(values) {
                let mut v = self.expr(None, value);
                let mut tag = x.clone();
                self.match_types(&mut v, &mut tag);
                self.comparison(&mut v, &tag, BinaryOp::Eql);
            }
            self.scoped(|c| c.stmt_list(body));
        }
    }

    fn type_switch_stmt(&mut self, init: Option<StmtId>, guard: StmtId, body: StmtId) {
        let ast = self.env.ast;
        self.simple(init);
        let (lhs, rhs) = match ast.stmt(guard).kind {
            StmtKind::Assign { lhs, rhs, .. } => {
                let (lhs, rhs) = (ast.list(lhs), ast.list(rhs));
                (lhs.first().copied(), rhs.first().copied())
            }
            StmtKind::Expr(e) => (None, Some(e)),
            _ => (None, None),
        };
        let name = lhs.and_then(|lhs| match ast.expr(lhs).kind {
            ExprKind::Ident(name) if name != self.blank => Some(Ident {
                name,
                span: ast.expr(lhs).span,
            }),
            _ => None,
        });
        let subject = match rhs.map(|rhs| ast.expr(ast.unparen(rhs)).kind) {
            Some(ExprKind::TypeAssert { x, .. }) => self.expr(None, x).ty,
            _ => TypeId::UNKNOWN,
        };
        let StmtKind::Block(clauses) = ast.stmt(body).kind else {
            return;
        };
        for &clause in ast.list(clauses) {
            let StmtKind::Case { values, body } = ast.stmt(clause).kind else {
                continue;
            };
            let values = ast.list(values);
            let mut case_type = None;
            for &value in values {
                case_type = self.case_type(value);
            }
            self.env.scope.open();
            if let Some(name) = name {
                let ty = match case_type {
                    Some(ty) if values.len() == 1 => ty,
                    _ => subject,
                };
                let var = self.local_var(name, ty);
                self.table().record_clause_variable(clause, var);
                self.declare(var);
            }
            self.stmt_list(body);
            self.env.scope.close();
        }
    }

    /// The type of a type switch case; none for `nil`.
    fn case_type(&mut self, value: ExprId) -> Option<TypeId> {
        let x = self.expr_or_type(value, false);
        if x.is_nil() {
            return None;
        }
        Some(match x.mode {
            Mode::Type => x.ty,
            _ => TypeId::UNKNOWN,
        })
    }

    fn range_stmt(&mut self, parts: &RangeParts) {
        let ast = self.env.ast;
        let x = self.expr(None, parts.x);
        let (key, value) = self.range_types(x.ty);
        let over_int = self.basic_kind(x.ty).is_some_and(Basic::is_integer);
        self.env.scope.open();
        let mut vars = Vec::new();
        for (lhs, ty) in [(parts.key, key), (parts.value, value)] {
            let Some(lhs) = lhs else {
                continue;
            };
            let from = if over_int {
                x.clone()
            } else {
                Operand::new(Mode::Value, ty.unwrap_or(TypeId::UNKNOWN), None)
            };
            if !parts.define {
                self.assign_operand(lhs, from);
                continue;
            }
            let expr = ast.expr(lhs);
            let ExprKind::Ident(name) = expr.kind else {
                self.use_expr(lhs);
                continue;
            };
            let ident = Ident {
                name,
                span: expr.span,
            };
            let var = self.local_var(ident, TypeId::UNKNOWN);
            self.table().record_definition(expr.span.start, var);
            self.table().record_object(lhs, var);
            self.init_var(Target { var, typed: false }, from);
            vars.push(var);
        }
        if parts.key.is_none() && over_int {
            self.assignment(&mut x.clone(), None);
        }
        for var in vars {
            self.declare(var);
        }
        self.stmt(parts.body);
        self.env.scope.close();
    }

    fn local_decl(&mut self, decl: DeclId) {
        let ast = self.env.ast;
        let DeclKind::Gen { tok, specs, .. } = ast.decl(decl).kind else {
            return;
        };
        // The last constant specification that has a type or values.
        let mut source: Option<SpecId> = None;
        for &spec in ast.list(specs) {
            match ast.spec(spec).kind {
                SpecKind::Import { .. } => {}
                SpecKind::Type {
                    name,
                    type_params,
                    alias,
                    ty,
                } => self.local_type(name, type_params, alias, ty),
                SpecKind::Value {
                    names,
                    ty,
                    values,
                    iota,
                } => {
                    let names = ast.list(names);
                    if tok == GenTok::Var {
                        self.local_vars(names, ty, ast.list(values));
                        continue;
                    }
                    if ty.is_some() || !values.is_empty() || source.is_none() {
                        source = Some(spec);
                    }
                    self.local_consts(names, spec, source.unwrap_or(spec), iota);
                }
            }
        }
    }

    fn local_consts(&mut self, names: &[Ident], spec: SpecId, source: SpecId, iota: u32) {
        let ast = self.env.ast;
        let SpecKind::Value { ty, values, .. } = ast.spec(source).kind else {
            return;
        };
        let values = ast.list(values);
        let mut objects = Vec::with_capacity(names.len());
        for (i, &name) in names.iter().enumerate() {
            let obj = self.define_object(ObjKind::Const, name, TypeId::UNKNOWN);
            let value = values.get(i).copied();
            self.const_decl(obj, ty, value, iota, source != spec);
            objects.push(obj);
        }
        for obj in objects {
            self.declare(obj);
        }
    }

    fn local_vars(&mut self, names: &[Ident], ty: Option<ExprId>, values: &[ExprId]) {
        let ty = ty.map(|ty| self.typ(ty));
        let mut targets = Vec::with_capacity(names.len());
        for &name in names {
            let var = self.local_var(name, ty.unwrap_or(TypeId::UNKNOWN));
            self.table().record_definition(name.span.start, var);
            targets.push(Target {
                var,
                typed: ty.is_some(),
            });
        }
        if !values.is_empty() {
            self.init_vars(&targets, values, true);
        }
        for target in targets {
            self.declare(target.var);
        }
    }

    fn local_type(
        &mut self,
        name: Ident,
        type_params: Option<FieldListId>,
        alias: bool,
        ty: ExprId,
    ) {
        let obj = self.define_object(ObjKind::TypeName, name, TypeId::UNKNOWN);
        if alias {
            self.env.scope.open();
            let tparams = type_params.map(|list| self.collect_type_params(list));
            let rhs = self.typ(ty);
            self.env.scope.close();
            let alias = self.new_alias(obj, rhs);
            if let Type::Alias(id) = *self.ty(alias) {
                let tparams = tparams.unwrap_or_else(|| Rc::from([]));
                self.alias_definitions[id.0 as usize].tparams = Some(tparams);
            }
            self.declare(obj);
            return;
        }
        let named = self.new_named(obj);
        self.declare(obj);
        let Type::Named(id) = *self.ty(named) else {
            return;
        };
        let definition = &mut self.named_definitions[id.0 as usize];
        definition.rhs = crate::named::Lazy::InProgress;
        definition.tparams = Some(Rc::from([]));
        self.env.scope.open();
        if let Some(list) = type_params {
            let tparams = self.collect_type_params(list);
            self.named_definitions[id.0 as usize].tparams = Some(tparams);
        }
        let rhs = self.defined_type(ty, Some(named));
        self.env.scope.close();
        self.define(named, rhs);
    }
}
