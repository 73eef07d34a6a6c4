//! `switch`, type switches and `select`.

use super::assign::Target;
use super::cond::Side;
use super::{Lowerer, Target as Leave, at_span};
use crate::ir::*;
use crate::place::PlaceId;
use tophash_syntax::Symbol;
use tophash_syntax::ast::{AssignOp, BinaryOp, ExprId, ExprKind, List, StmtId, StmtKind, UnaryOp};
use tophash_types::{Basic, TypeId, constant};

/// A clause of a switch, and the block its statements begin in.
struct Clause {
    stmt: StmtId,
    values: List<ExprId>,
    body: List<StmtId>,
    block: BlockId,
}

impl Lowerer<'_, '_> {
    pub(super) fn switch(
        &mut self,
        stmt: StmtId,
        label: Option<Symbol>,
        init: Option<StmtId>,
        tag: Option<ExprId>,
        body: StmtId,
    ) {
        if let Some(init) = init {
            self.stmt(init);
        }
        let compared = tag;
        let tag = tag.map(|tag| self.side(tag));
        let after = self.new_block();
        let clauses = self.clauses(body);
        let mut default = after;
        for clause in &clauses {
            if clause.values.is_empty() {
                default = clause.block;
            }
            let ast = self.ast;
            for &value in ast.list(clause.values) {
                let next = self.new_block();
                self.case(tag, value, clause.block, next);
                self.draft().current = next;
            }
        }
        if let (Some(tag), true) = (compared, default == after) {
            self.no_case(stmt, &clauses, |this, values| {
                this.may_be_another(tag, values)
            });
        }
        self.end(Terminator::Jump(default), self.at_stmt(stmt));
        for (n, clause) in clauses.iter().enumerate() {
            self.draft().current = clause.block;
            let next = clauses.get(n + 1).map(|c| c.block);
            self.clause_body(label, clause.stmt, clause.body, next, after);
        }
        self.draft().current = after;
    }

    /// Notes that no case holds, where there are two values or types at least.
    fn no_case(
        &mut self,
        stmt: StmtId,
        clauses: &[Clause],
        is_possible: impl FnOnce(&mut Self, &[ExprId]) -> bool,
    ) {
        let lists = clauses
            .iter()
            .flat_map(|clause| self.ast.list(clause.values));
        let values: Vec<ExprId> = lists.copied().collect();
        if values.len() > 1 {
            let possible = is_possible(self, &values);
            self.emit(Op::NoCase { possible }, self.at_stmt(stmt));
        }
    }

    /// Whether a tag may be another value than the cases have. It may not if they have all
    /// constants of its type, and nothing is said if some value is not known.
    fn may_be_another(&mut self, tag: ExprId, values: &[ExprId]) -> bool {
        let cases: Vec<&constant::Value> = values
            .iter()
            .filter_map(|&value| self.body.constant(value))
            .filter(|value| **value != constant::Value::Unknown)
            .collect();
        if cases.len() < values.len() {
            return false;
        }
        let ty = self.body.type_of(tag);
        let members = self.types.checker.constants_of(ty);
        members.is_empty() || !members.iter().all(|member| cases.contains(&member))
    }

    /// Goes to `then` if the tag equals the value of a case.
    fn case(&mut self, tag: Option<Side>, value: ExprId, then: BlockId, other: BlockId) {
        let Some(tag) = tag else {
            return self.branch(value, then, other);
        };
        match tag.known_bool() {
            Some(true) => self.branch(value, then, other),
            Some(false) => self.branch(value, other, then),
            None => {
                let value_side = self.side(value);
                let at = self.at(value);
                self.compare(BinaryOp::Eql, tag, value_side, then, other, at);
            }
        }
    }

    fn clauses(&mut self, body: StmtId) -> Vec<Clause> {
        let ast = self.ast;
        let StmtKind::Block(list) = ast.stmt(body).kind else {
            return Vec::new();
        };
        let mut clauses = Vec::new();
        for &stmt in ast.list(list) {
            if let StmtKind::Case { values, body } = ast.stmt(stmt).kind {
                let block = self.new_block();
                clauses.push(Clause {
                    stmt,
                    values,
                    body,
                    block,
                });
            }
        }
        clauses
    }

    /// The statements of a clause, from the current block to `after`.
    fn clause_body(
        &mut self,
        label: Option<Symbol>,
        clause: StmtId,
        body: List<StmtId>,
        next: Option<BlockId>,
        after: BlockId,
    ) {
        let outer = std::mem::replace(&mut self.draft().next_clause, next);
        self.draft().targets.push(Leave {
            label,
            on_break: after,
            on_continue: None,
        });
        self.stmts(body);
        self.draft().targets.pop();
        self.draft().next_clause = outer;
        self.end(Terminator::Jump(after), self.at_stmt(clause));
    }

    pub(super) fn type_switch(
        &mut self,
        stmt: StmtId,
        label: Option<Symbol>,
        init: Option<StmtId>,
        guard: StmtId,
        body: StmtId,
    ) {
        if let Some(init) = init {
            self.stmt(init);
        }
        let ast = self.ast;
        let asserted = match ast.stmt(guard).kind {
            StmtKind::Assign { rhs, .. } => ast.list(rhs).first().copied(),
            StmtKind::Expr(e) => Some(e),
            _ => None,
        };
        let x = match asserted.map(|e| ast.expr(ast.unparen(e)).kind) {
            Some(ExprKind::TypeAssert { x, .. }) => self.place(x),
            _ => {
                let at = self.at_stmt(guard);
                self.keep(Value::Unknown, TypeId::UNKNOWN, at)
            }
        };
        let after = self.new_block();
        let clauses = self.clauses(body);
        let mut default = after;
        // What holds the value in each clause.
        let mut holders = Vec::with_capacity(clauses.len());
        for clause in &clauses {
            if clause.values.is_empty() {
                default = clause.block;
            }
            let values = ast.list(clause.values);
            let mut holder = x;
            for &value in values {
                let next = self.new_block();
                let found = self.type_case(x, value, clause.block, next);
                if values.len() == 1 {
                    holder = found;
                }
                self.draft().current = next;
            }
            holders.push(holder);
        }
        if default == after {
            self.no_case(stmt, &clauses, |this, types| {
                let mut types = types.iter();
                types.all(|&ty| this.is_nil(ty) || this.body.type_of(ty) != TypeId::UNKNOWN)
            });
        }
        self.end(Terminator::Jump(default), self.at_stmt(stmt));
        for (clause, holder) in clauses.iter().zip(holders) {
            self.draft().current = clause.block;
            if let Some(obj) = self.body.clause_variable(clause.stmt) {
                let ty = self.types.type_of(obj);
                let object = self.types.checker.object(obj);
                let name = Some(object.name);
                let span = object.place.map_or(ast.stmt(guard).span, |p| p.span);
                let var = self.var(VarKind::Local, name, ty, Some(obj), span);
                let place = self.declare(var);
                self.assign(place, Value::Use(Operand::Place(holder)), at_span(span));
            }
            self.clause_body(label, clause.stmt, clause.body, None, after);
        }
        self.draft().current = after;
    }

    /// Goes to `then` if `x` holds the type of a case; says where its value is then.
    fn type_case(&mut self, x: PlaceId, value: ExprId, then: BlockId, other: BlockId) -> PlaceId {
        let at = self.at(value);
        if self.is_nil(value) {
            let cond = Cond::IsNil(x);
            self.end(Terminator::Branch { cond, then, other }, at);
            return x;
        }
        let ty = self.body.type_of(value);
        let dst = self.temp(ty, at.span);
        let ok = self.temp(TypeId::basic(Basic::Bool), at.span);
        let assert = Op::Assign {
            dst,
            ok: Some(ok),
            value: Value::TypeAssert {
                x: Operand::Place(x),
                ty,
            },
        };
        self.emit(assert, at);
        let cond = Cond::True(ok);
        self.end(Terminator::Branch { cond, then, other }, at);
        dst
    }

    pub(super) fn select(&mut self, stmt: StmtId, label: Option<Symbol>, body: StmtId) {
        let ast = self.ast;
        let StmtKind::Block(list) = ast.stmt(body).kind else {
            return;
        };
        // Channels and values to send are evaluated first, in source order.
        let mut clauses = Vec::new();
        for &clause in ast.list(list) {
            if let StmtKind::Comm { comm, body } = ast.stmt(clause).kind {
                let comm = comm.map(|comm| (comm, self.communication(comm)));
                clauses.push((clause, comm, body, self.new_block()));
            }
        }
        let after = self.new_block();
        let blocks = clauses.iter().map(|c| c.3).collect();
        self.end(Terminator::Select(blocks), self.at_stmt(stmt));
        for (clause, comm, body, block) in clauses {
            self.draft().current = block;
            if let Some((comm, operands)) = comm {
                self.communicate(comm, operands);
            }
            self.clause_body(label, clause, body, None, after);
        }
        self.draft().current = after;
    }

    /// Evaluates the operands of a clause: the channel, and the value if it sends.
    fn communication(&mut self, comm: StmtId) -> (Operand, Option<Operand>) {
        match self.ast.stmt(comm).kind {
            StmtKind::Send { chan, value } => {
                let chan = self.operand(chan);
                (chan, Some(self.operand(value)))
            }
            _ => match self.received(comm).and_then(|e| self.channel(e)) {
                Some(chan) => (self.operand(chan), None),
                None => (Operand::Nil, None),
            },
        }
    }

    /// The receive expression of a clause.
    fn received(&self, comm: StmtId) -> Option<ExprId> {
        match self.ast.stmt(comm).kind {
            StmtKind::Expr(e) => Some(e),
            StmtKind::Assign { rhs, .. } => self.ast.list(rhs).first().copied(),
            _ => None,
        }
    }

    fn channel(&self, e: ExprId) -> Option<ExprId> {
        match self.ast.expr(self.ast.unparen(e)).kind {
            ExprKind::Unary {
                op: UnaryOp::Recv,
                x,
            } => Some(x),
            _ => None,
        }
    }

    fn communicate(&mut self, comm: StmtId, (chan, value): (Operand, Option<Operand>)) {
        let at = self.at_stmt(comm);
        if let Some(value) = value {
            return self.emit(Op::Send { chan, value }, at);
        }
        let ast = self.ast;
        let Some(e) = self.received(comm) else {
            return;
        };
        let ty = self.received_type(chan);
        let value = Value::Recv { chan };
        match ast.stmt(comm).kind {
            StmtKind::Assign { lhs, op, .. } => {
                let define = op == AssignOp::Define;
                let mut targets = ast.list(lhs).iter().map(|&e| self.target(e, define));
                let first = targets.next().unwrap_or(Target::Blank);
                let second = targets.next().unwrap_or(Target::Blank);
                drop(targets);
                let types = (ty, TypeId::basic(Basic::Bool));
                let at = self.at(e);
                self.assign_comma_ok(first, second, value, types, at, WriteForm::Clause);
            }
            _ => {
                self.keep(value, ty, at);
            }
        }
    }

    fn received_type(&mut self, chan: Operand) -> TypeId {
        let Operand::Place(place) = chan else {
            return TypeId::UNKNOWN;
        };
        let ty = self.places.get(place).ty;
        match self.types.core(ty) {
            tophash_types::Type::Chan(_, elem) => elem,
            _ => TypeId::UNKNOWN,
        }
    }
}
