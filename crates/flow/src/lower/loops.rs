//! Loops.

use super::{Lowerer, Target as Leave};
use crate::ir::*;
use crate::lower::assign::Target;
use tophash_syntax::Symbol;
use tophash_syntax::ast::{AssignOp, ExprId, ExprKind, ForId, RangeId, StmtId, StmtKind};
use tophash_types::{Basic, Type, TypeId};

impl Lowerer<'_, '_> {
    pub(super) fn for_stmt(&mut self, stmt: StmtId, label: Option<Symbol>, id: ForId) {
        let parts = *self.ast.for_parts(id);
        let at = self.at_stmt(stmt);
        let mut declared = Vec::new();
        if let Some(init) = parts.init {
            let first = self.vars.len();
            self.stmt(init);
            if self.per_iteration && self.is_define(init) {
                declared.extend(
                    (first..self.vars.len())
                        .map(|n| VarId(n as u32))
                        .filter(|v| self.vars[v.index()].kind == VarKind::Local)
                        .filter(|v| self.vars[v.index()].owner == self.owner()),
                );
            }
        }
        let (head, body, post, after) = (
            self.new_block(),
            self.new_block(),
            self.new_block(),
            self.new_block(),
        );
        self.go_on(head, at);
        match parts.cond {
            Some(cond) => self.branch(cond, body, after),
            None => self.end(Terminator::Jump(body), at),
        }
        self.loop_body(label, body, parts.body, after, post, at);
        self.draft().current = post;
        for var in declared {
            self.renew(var);
        }
        if let Some(stmt) = parts.post {
            self.stmt(stmt);
        }
        self.end_before(Terminator::Jump(head), at, after);
    }

    /// Lowers a loop's block, which goes on to `next`, and leaves the current block open to
    /// be set.
    fn loop_body(
        &mut self,
        label: Option<Symbol>,
        block: BlockId,
        body: StmtId,
        after: BlockId,
        next: BlockId,
        at: At,
    ) {
        self.draft().current = block;
        self.draft().targets.push(Leave {
            label,
            on_break: after,
            on_continue: Some(next),
        });
        self.stmt(body);
        self.draft().targets.pop();
        self.end(Terminator::Jump(next), at);
    }

    fn is_define(&self, stmt: StmtId) -> bool {
        matches!(
            self.ast.stmt(stmt).kind,
            StmtKind::Assign {
                op: AssignOp::Define,
                ..
            }
        )
    }

    /// A new variable for the next round with the value of the last one. Makes a difference
    /// only if something else knows the variable.
    fn renew(&mut self, var: VarId) {
        let Var {
            captured,
            address_taken,
            ty,
            place,
            span,
            ..
        } = self.vars[var.index()];
        if !captured && !address_taken {
            return;
        }
        let at = super::at_span(span);
        let old = self.keep(Value::Use(Operand::Place(place)), ty, at);
        self.declare(var);
        self.assign(place, Value::Use(Operand::Place(old)), at);
    }

    pub(super) fn range(&mut self, stmt: StmtId, label: Option<Symbol>, id: RangeId) {
        let parts = *self.ast.range_parts(id);
        let at = self.at_stmt(stmt);
        let x = self.operand(parts.x);
        let over_ty = self.body.type_of(parts.x);
        let (over, key_ty, value_ty) = self.range_types(over_ty);
        // Variables that live as long as the loop exist before it.
        let mut declared = Vec::new();
        if parts.define {
            for e in [parts.key, parts.value] {
                declared.push(e.map(|e| self.target(e, true)));
            }
            if !self.per_iteration {
                for target in declared.iter_mut().flatten() {
                    if let Target::New(var) = *target {
                        *target = Target::Place(self.declare(var));
                    }
                }
            }
        }
        let (head, body, after) = (self.new_block(), self.new_block(), self.new_block());
        self.go_on(head, at);
        let key = self.range_temp(parts.key, key_ty);
        let value = self.range_temp(parts.value, value_ty);
        let next = RangeNext {
            over,
            x,
            key,
            value,
            body,
            done: after,
        };
        let at_x = self.at(parts.x);
        self.end_before(Terminator::Range(Box::new(next)), at_x, body);
        for (n, (e, temp)) in [(parts.key, key), (parts.value, value)]
            .into_iter()
            .enumerate()
        {
            let (Some(e), Some(temp)) = (e, temp) else {
                continue;
            };
            let target = match declared.get(n).copied().flatten() {
                Some(target) => target,
                None => self.target(e, false),
            };
            let at = self.at(e);
            self.store(target, Operand::Place(temp), at, WriteForm::Clause);
        }
        let start = self.draft().current;
        self.loop_body(label, start, parts.body, after, head, at);
        self.draft().current = after;
    }

    /// Where a range variable's values arrive; none for `_` and variables left out.
    fn range_temp(&mut self, e: Option<ExprId>, ty: TypeId) -> Option<crate::place::PlaceId> {
        let e = e?;
        if let ExprKind::Ident(name) = self.ast.expr(e).kind
            && name == self.types.blank
        {
            return None;
        }
        let span = self.ast.expr(e).span;
        Some(self.temp(ty, span))
    }

    /// What is ranged over, and the types of its keys and elements.
    fn range_types(&mut self, ty: TypeId) -> (RangeOver, TypeId, TypeId) {
        let int = TypeId::basic(Basic::Int);
        let unknown = TypeId::UNKNOWN;
        let core = self.types.core(ty);
        let core = match core {
            Type::Pointer(elem) => self.types.core(elem),
            other => other,
        };
        match core {
            Type::Map(key, elem) => (RangeOver::Map, key, elem),
            Type::Slice(elem) | Type::Array(elem, _) => (RangeOver::List, int, elem),
            Type::Basic(basic) if basic.is_string() => {
                (RangeOver::String, int, TypeId::basic(Basic::Rune))
            }
            Type::Basic(basic) if basic.is_integer() => (RangeOver::Int, ty, unknown),
            Type::Chan(_, elem) => (RangeOver::Chan, elem, unknown),
            Type::Signature(signature) => {
                let (key, value) = self.yielded(&signature);
                (RangeOver::Func, key, value)
            }
            _ => (RangeOver::Unknown, unknown, unknown),
        }
    }

    /// What an iterator function yields.
    fn yielded(&mut self, iterator: &tophash_types::Signature) -> (TypeId, TypeId) {
        let mut types = [TypeId::UNKNOWN; 2];
        if let Some(&body) = iterator.params.first() {
            let ty = self.types.type_of(body);
            if let Type::Signature(body) = self.types.core(ty) {
                for (to, &param) in types.iter_mut().zip(body.params.iter()) {
                    *to = self.types.type_of(param);
                }
            }
        }
        (types[0], types[1])
    }
}
