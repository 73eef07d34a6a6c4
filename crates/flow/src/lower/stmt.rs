//! Statements.

use super::assign::Target;
use super::{Lowerer, at_span};
use crate::ir::*;
use tophash_syntax::ast::{
    Ast, BinaryOp, BranchTok, DeclId, DeclKind, ExprId, ExprKind, GenTok, Ident, IfId, LabelRef,
    List, SpecId, SpecKind, StmtId, StmtKind,
};
use tophash_types::{ObjKind, TypeId, VarKind as ObjVar};

/// The specifications of package-level variables with initial values.
pub(super) fn variables(ast: &Ast, decls: &[DeclId]) -> Vec<SpecId> {
    let mut found = Vec::new();
    for &decl in decls {
        let DeclKind::Gen {
            tok: GenTok::Var,
            specs,
            ..
        } = ast.decl(decl).kind
        else {
            continue;
        };
        for &spec in ast.list(specs) {
            if let SpecKind::Value { values, .. } = ast.spec(spec).kind
                && !values.is_empty()
            {
                found.push(spec);
            }
        }
    }
    found
}

impl Lowerer<'_, '_> {
    pub(super) fn stmts(&mut self, list: List<StmtId>) {
        let ast = self.ast;
        for &stmt in ast.list(list) {
            self.stmt(stmt);
        }
    }

    pub(super) fn stmt(&mut self, stmt: StmtId) {
        // A label belongs to the statement that follows it directly.
        let label = self.draft().label.take();
        match self.ast.stmt(stmt).kind {
            StmtKind::Bad | StmtKind::Empty { .. } => {}
            StmtKind::Decl(decl) => self.decl(decl),
            StmtKind::Labeled { label, stmt: inner } => {
                let block = self.label_block(label.name);
                self.go_on(block, at_span(label.span));
                self.draft().label = Some(label.name);
                self.stmt(inner);
                self.draft().label = None;
            }
            StmtKind::Expr(e) => self.discard(e),
            StmtKind::Send { chan, value } => {
                let chan = self.operand(chan);
                let value = self.operand(value);
                self.emit(Op::Send { chan, value }, self.at_stmt(stmt));
            }
            StmtKind::IncDec { x, inc } => {
                let op = if inc { BinaryOp::Add } else { BinaryOp::Sub };
                let one = Operand::Const(Const::Int(1));
                self.op_assign(stmt, x, op, Ok(one), WriteForm::IncDec);
            }
            StmtKind::Assign { lhs, op, rhs } => self.assignment(stmt, lhs, op, rhs),
            StmtKind::Go(call) => {
                let call = self.ast.unparen(call);
                let prepared = self.prepare_call(call);
                self.emit(Op::Go(Box::new(prepared)), self.at(call));
            }
            StmtKind::Defer(call) => self.defer(call),
            StmtKind::Return(values) => self.returns(stmt, values),
            StmtKind::Branch { tok, label } => self.jump(stmt, tok, label),
            StmtKind::Block(list) => self.stmts(list),
            StmtKind::If(id) => self.if_stmt(stmt, id),
            StmtKind::Switch { init, tag, body } => self.switch(stmt, label, init, tag, body),
            StmtKind::TypeSwitch { init, guard, body } => {
                self.type_switch(stmt, label, init, guard, body);
            }
            StmtKind::Select(body) => self.select(stmt, label, body),
            StmtKind::For(id) => self.for_stmt(stmt, label, id),
            StmtKind::Range(id) => self.range(stmt, label, id),
            // Outside a switch or select: a syntax error.
            StmtKind::Case { body, .. } | StmtKind::Comm { body, .. } => self.stmts(body),
        }
    }

    fn label_block(&mut self, label: tophash_syntax::Symbol) -> BlockId {
        if let Some(&block) = self.draft().labels.get(&label) {
            return block;
        }
        let block = self.new_block();
        self.draft().labels.insert(label, block);
        block
    }

    fn decl(&mut self, decl: DeclId) {
        let ast = self.ast;
        let DeclKind::Gen {
            tok: GenTok::Var,
            specs,
            ..
        } = ast.decl(decl).kind
        else {
            return;
        };
        for &spec in ast.list(specs) {
            let SpecKind::Value {
                names, ty, values, ..
            } = ast.spec(spec).kind
            else {
                continue;
            };
            let ty = ty.map_or(TypeId::UNKNOWN, |ty| self.body.type_of(ty));
            let targets: Vec<Target> = ast
                .list(names)
                .iter()
                .map(|name| self.new_variable(name, ty))
                .collect();
            if !values.is_empty() {
                self.assign_all(&targets, ast.list(values));
                continue;
            }
            for target in targets {
                if let Target::New(var) = target {
                    let place = self.declare(var);
                    let Var { ty, span, .. } = self.vars[var.index()];
                    self.assign(place, Value::Zero(ty), at_span(span));
                }
            }
        }
    }

    fn new_variable(&mut self, name: &Ident, ty: TypeId) -> Target {
        if name.name == self.types.blank {
            return Target::Blank;
        }
        Target::New(self.declared(VarKind::Local, name, ty))
    }

    /// The initial values of one specification at package level.
    pub(super) fn package_variables(&mut self, spec: SpecId) {
        let ast = self.ast;
        let SpecKind::Value { names, values, .. } = ast.spec(spec).kind else {
            return;
        };
        let targets: Vec<Target> = ast
            .list(names)
            .iter()
            .map(|name| self.package_variable(name))
            .collect();
        self.assign_all(&targets, ast.list(values));
    }

    fn package_variable(&mut self, name: &Ident) -> Target {
        if name.name == self.types.blank {
            return Target::Blank;
        }
        let place = self.body.definition(name.span.start).and_then(|obj| {
            let kind = &self.types.checker.object(obj).kind;
            matches!(kind, ObjKind::Var(ObjVar::Package)).then(|| self.object_place(obj))?
        });
        match place {
            Some(place) => Target::Place(place),
            None => {
                let package = self.name.package;
                let kind = crate::place::PlaceKind::Global {
                    package,
                    name: name.name,
                };
                Target::Place(self.places.intern(kind, TypeId::UNKNOWN))
            }
        }
    }

    fn if_stmt(&mut self, stmt: StmtId, id: IfId) {
        let parts = *self.ast.if_parts(id);
        if let Some(init) = parts.init {
            self.stmt(init);
        }
        let (then, after) = (self.new_block(), self.new_block());
        let other = match parts.alt {
            Some(_) => self.new_block(),
            None => after,
        };
        self.branch(parts.cond, then, other);
        let at = self.at_stmt(stmt);
        self.draft().current = then;
        self.stmt(parts.then);
        self.go_on(after, at);
        if let Some(alt) = parts.alt {
            self.draft().current = other;
            self.stmt(alt);
            self.go_on(after, at);
        }
    }

    fn returns(&mut self, stmt: StmtId, values: List<ExprId>) {
        let ast = self.ast;
        let values = ast.list(values);
        let (named, results) = {
            let function = &self.draft().function;
            (function.named_results, function.results.clone())
        };
        let targets: Vec<Target> = results
            .iter()
            .map(|r| Target::Place(self.vars[r.index()].place))
            .collect();
        if !values.is_empty() {
            if named || values.len() == 1 {
                self.assign_all(&targets, values);
            } else {
                // Unnamed results are read by nothing: they can be filled one by one.
                for (n, &e) in values.iter().enumerate() {
                    match targets.get(n) {
                        Some(&Target::Place(place)) => self.eval_into(place, e),
                        _ => self.discard(e),
                    }
                }
            }
        }
        self.end(Terminator::Return, self.at_stmt(stmt));
    }

    fn jump(&mut self, stmt: StmtId, tok: BranchTok, label: Option<LabelRef>) {
        let label = label.map(|l| l.name);
        let to = match tok {
            BranchTok::Goto => label.map(|l| self.label_block(l)),
            BranchTok::Fallthrough => self.draft().next_clause,
            BranchTok::Break => self
                .draft()
                .targets
                .iter()
                .rev()
                .find(|t| label.is_none() || t.label == label)
                .map(|t| t.on_break),
            BranchTok::Continue => self
                .draft()
                .targets
                .iter()
                .rev()
                .filter(|t| label.is_none() || t.label == label)
                .find_map(|t| t.on_continue),
        };
        // A jump to nowhere is a syntax error: the statement is left out.
        if let Some(to) = to {
            self.end(Terminator::Jump(to), self.at_stmt(stmt));
        }
    }

    fn defer(&mut self, call: ExprId) {
        let call = self.ast.unparen(call);
        let at = self.at(call);
        let mut prepared = self.prepare_call(call);
        if let ExprKind::Call { args, .. } = self.ast.expr(call).kind {
            let args = self.ast.list(args);
            let span_of = |n: usize| args.get(n).or(args.first()).copied().unwrap_or(call);
            prepared.args = prepared
                .args
                .iter()
                .enumerate()
                .map(|(n, &arg)| self.copy_out(arg, span_of(n)))
                .collect();
        }
        let id = DeferId(self.draft().function.defers.len() as u32);
        prepared.deferred = Some(id);
        self.draft()
            .function
            .defers
            .push(Deferred { call: prepared, at });
        self.emit(Op::Defer(id), at);
    }
}
