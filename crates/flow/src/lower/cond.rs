//! Conditions, down to the tests that analyses learn from.

use super::Lowerer;
use crate::ir::*;
use crate::place::PlaceId;
use tophash_syntax::ast::{BinaryOp, ExprId, ExprKind, UnaryOp};
use tophash_types::Builtin;

/// One side of a comparison, evaluated.
#[derive(Clone, Copy)]
pub(super) struct Side {
    operand: Operand,
    /// What it is the length of.
    len_of: Option<PlaceId>,
    expr: ExprId,
}

impl Side {
    /// The truth value it is, if it is a constant.
    pub(super) fn known_bool(self) -> Option<bool> {
        match self.operand {
            Operand::Const(Const::Bool(known)) => Some(known),
            _ => None,
        }
    }
}

impl Lowerer<'_, '_> {
    /// Goes to `then` if the condition holds, else to `other`.
    pub(super) fn branch(&mut self, e: ExprId, then: BlockId, other: BlockId) {
        let at = self.at(e);
        if let Some(Operand::Const(Const::Bool(known))) = self.constant(e) {
            self.end(Terminator::Jump(if known { then } else { other }), at);
            return;
        }
        match self.ast.expr(e).kind {
            ExprKind::Paren(x) => self.branch(x, then, other),
            ExprKind::Unary {
                op: UnaryOp::Not,
                x,
            } => self.branch(x, other, then),
            ExprKind::Binary {
                op: BinaryOp::LAnd,
                x,
                y,
            } => {
                let second = self.new_block();
                self.branch(x, second, other);
                self.draft().current = second;
                self.branch(y, then, other);
            }
            ExprKind::Binary {
                op: BinaryOp::LOr,
                x,
                y,
            } => {
                let second = self.new_block();
                self.branch(x, then, second);
                self.draft().current = second;
                self.branch(y, then, other);
            }
            ExprKind::Binary { op, x, y } if is_comparison(op) => {
                let x = self.side(x);
                let y = self.side(y);
                self.compare(op, x, y, then, other, at);
            }
            _ => {
                let cond = match self.operand(e) {
                    Operand::Place(place) => Cond::True(place),
                    _ => Cond::Opaque,
                };
                self.end(Terminator::Branch { cond, then, other }, at);
            }
        }
    }

    /// Evaluates one side of a comparison. `len(x)` is not computed until it is needed.
    pub(super) fn side(&mut self, e: ExprId) -> Side {
        let inner = self.ast.unparen(e);
        if let Some(x) = self.len_argument(inner) {
            let place = self.place(x);
            return Side {
                operand: Operand::Const(Const::Other(e)),
                len_of: Some(place),
                expr: e,
            };
        }
        Side {
            operand: self.operand(e),
            len_of: None,
            expr: e,
        }
    }

    fn len_argument(&mut self, e: ExprId) -> Option<ExprId> {
        if self.constant(e).is_some() {
            return None;
        }
        let ExprKind::Call { fun, args, .. } = self.ast.expr(e).kind else {
            return None;
        };
        let obj = self.body.object(self.ast.unparen(fun))?;
        match (&self.types.checker.object(obj).kind, self.ast.list(args)) {
            (tophash_types::ObjKind::Builtin(Builtin::Len), &[x]) => Some(x),
            _ => None,
        }
    }

    /// Goes to `then` if `x op y` holds, else to `other`.
    pub(super) fn compare(
        &mut self,
        op: BinaryOp,
        x: Side,
        y: Side,
        then: BlockId,
        other: BlockId,
        at: At,
    ) {
        match op {
            BinaryOp::Neq => return self.compare(BinaryOp::Eql, x, y, other, then, at),
            BinaryOp::Gtr => return self.compare(BinaryOp::Lss, y, x, then, other, at),
            BinaryOp::Geq => return self.compare(BinaryOp::Lss, x, y, other, then, at),
            BinaryOp::Leq => return self.compare(BinaryOp::Lss, y, x, other, then, at),
            _ => {}
        }
        if let Some(done) = self.compare_length(op, x, y, then, other, at) {
            return done;
        }
        let (x, y) = (self.force(x), self.force(y));
        if op != BinaryOp::Eql {
            let cond = Cond::Less(x, y);
            self.end(Terminator::Branch { cond, then, other }, at);
            return;
        }
        let (cond, then, other) = match (x, y) {
            (Operand::Place(p), Operand::Nil) | (Operand::Nil, Operand::Place(p)) => {
                (Cond::IsNil(p), then, other)
            }
            (Operand::Place(p), Operand::Const(Const::Bool(b)))
            | (Operand::Const(Const::Bool(b)), Operand::Place(p)) => {
                let (then, other) = if b { (then, other) } else { (other, then) };
                (Cond::True(p), then, other)
            }
            (x, y) => (Cond::Equal(x, y), then, other),
        };
        self.end(Terminator::Branch { cond, then, other }, at);
    }

    /// Comparisons (`==`, `<`) of a length with a constant.
    fn compare_length(
        &mut self,
        op: BinaryOp,
        x: Side,
        y: Side,
        then: BlockId,
        other: BlockId,
        at: At,
    ) -> Option<()> {
        let (place, n, len_first) = match (x.len_of, y.operand, y.len_of, x.operand) {
            (Some(p), Operand::Const(Const::Int(n)), None, _) => (p, n, true),
            (None, _, Some(p), Operand::Const(Const::Int(n))) => (p, n, false),
            _ => return None,
        };
        let empty = Cond::IsEmpty(place);
        let mut branch = |cond, then, other| {
            self.end(Terminator::Branch { cond, then, other }, at);
        };
        match (op, n, len_first) {
            // len == 0, len < 1
            (BinaryOp::Eql, 0, _) | (BinaryOp::Lss, 1, true) => branch(empty, then, other),
            // 0 < len
            (BinaryOp::Lss, 0, false) => branch(empty, other, then),
            // len == n, n < len: only where it is not empty
            (BinaryOp::Eql, 1.., _) | (BinaryOp::Lss, 1.., false) => {
                let more = self.new_block();
                self.end_before(
                    Terminator::Branch {
                        cond: empty,
                        then: other,
                        other: more,
                    },
                    at,
                    more,
                );
                let cond = Cond::Opaque;
                self.end(Terminator::Branch { cond, then, other }, at);
            }
            // len < n: always where it is empty
            (BinaryOp::Lss, 2.., true) => {
                let more = self.new_block();
                self.end_before(
                    Terminator::Branch {
                        cond: empty,
                        then,
                        other: more,
                    },
                    at,
                    more,
                );
                let cond = Cond::Opaque;
                self.end(Terminator::Branch { cond, then, other }, at);
            }
            _ => return None,
        }
        Some(())
    }

    /// The operand of a side, lengths computed.
    fn force(&mut self, side: Side) -> Operand {
        match side.len_of {
            Some(place) => {
                let at = self.at(side.expr);
                let ty = self.body.type_of(side.expr);
                Operand::Place(self.keep(Value::Len(Operand::Place(place)), ty, at))
            }
            None => side.operand,
        }
    }
}

fn is_comparison(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Eql
            | BinaryOp::Neq
            | BinaryOp::Lss
            | BinaryOp::Leq
            | BinaryOp::Gtr
            | BinaryOp::Geq
    )
}
