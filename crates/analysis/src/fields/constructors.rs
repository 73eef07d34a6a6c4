//! What constructors leave of a field.

use crate::fields::Cause;
use crate::fields::chain::{Container, Definitions, Root};
use crate::fields::uses::{Use, UseKind, function_name};
use crate::names;
use crate::names_index::{FuncRef, NamesIndex, is_nil};
use crate::origin::Loc;
use crate::summary::FieldName;
use crate::worker::{Worker, is_exported};
use rustc_hash::{FxHashMap, FxHashSet};
use tophash_flow::{
    Block, BlockId, Call, Callee, Cond, FnId, Function, Graph, Op, Operand, PlaceId, PlaceKind,
    Terminator, Unit, Value, VarId, VarKind,
};
use tophash_syntax::Symbol;
use tophash_syntax::ast::{Ast, BinaryOp, ExprId, ExprKind};
use tophash_types::PackageId;

/// A constructor that gives the field a value in an `if` or `switch` only, with the names of
/// fields and functions that decide: where a writer asks the same, the two go together.
pub(crate) fn some_ways(
    worker: &mut Worker,
    index: &NamesIndex,
    field: &FieldName,
    uses: &[Use],
) -> Option<(Cause, FxHashSet<Symbol>)> {
    let mut makers: Vec<(FuncRef, Loc)> = index
        .makers
        .get(&field.owner)
        .into_iter()
        .flatten()
        .filter_map(|maker| Some((maker.func?, maker.at)))
        .collect();
    makers.sort();
    makers.dedup_by_key(|(func, _)| *func);
    for (func, at) in makers {
        let uses_here = |kind| {
            uses.iter()
                .any(|u| u.kind == kind && u.giver.func == Some(func))
        };
        if worker.world.is_test(func.file)
            || !uses_here(UseKind::Assigned)
            || uses_here(UseKind::Literal)
        {
            continue;
        }
        let Some(analysis) = worker.unit(func.file, func.func) else {
            continue;
        };
        let unit = analysis.unit.clone();
        if let Some(deciding) = leaves_on_a_way(worker, &unit, field) {
            let function = unit.name.name;
            return Some((Cause::SomeWays { at, function }, deciding));
        }
    }
    None
}

/// Whether a function returns an object that it made without having come by where it
/// gives the field a value: the names that its conditions are made of.
fn leaves_on_a_way(
    worker: &mut Worker,
    unit: &Unit,
    field: &FieldName,
) -> Option<FxHashSet<Symbol>> {
    let function = unit.function(FnId::ROOT);
    let mut object = None;
    let mut errors = FxHashSet::default();
    for &var in &function.results {
        let ty = unit.var(var).ty;
        let struct_type = worker.pointee(ty).unwrap_or(ty);
        if worker.named(struct_type) == Some((field.package, field.owner)) {
            object = Some(var);
        } else if worker.is_error(ty) {
            errors.insert(var);
        }
    }
    let object = object?;
    let definitions = Definitions::new(unit);
    let mut given = Vec::new();
    let mut assigned = Vec::new();
    let mut any = false;
    for block in &function.blocks {
        let made = block.instrs.iter().any(|instr| match &instr.op {
            Op::Assign { dst, .. } => {
                names::field(worker, unit, *dst).as_ref() == Some(field)
                    && definitions
                        .chains(worker, *dst)
                        .iter()
                        .all(|chain| matches!(chain.root, Root::Made(_)))
            }
            _ => false,
        });
        let tested = match &block.end {
            Terminator::Branch {
                cond: Cond::IsNil(place) | Cond::IsEmpty(place),
                ..
            } => names::field(worker, unit, *place).as_ref() == Some(field),
            _ => false,
        };
        any |= made;
        assigned.push(made);
        given.push(made || tested);
    }
    if !any {
        return None;
    }
    // Values that are returned and were not made here.
    let mut foreign = FxHashSet::default();
    for instr in function.blocks.iter().flat_map(|b| &b.instrs) {
        if let Op::Assign {
            dst,
            value: Value::Use(Operand::Place(place) | Operand::Addr(place)),
            ..
        } = &instr.op
            && matches!(unit.places.get(*dst).kind, PlaceKind::Var(var) if var == object)
        {
            let chains = definitions.chains(worker, *place);
            if !chains.iter().all(|c| matches!(c.root, Root::Made(_))) {
                foreign.insert(*place);
            }
        }
    }
    let ways = Ways {
        unit,
        function,
        given,
        assigned,
        object,
        errors,
        foreign,
        kept: kept(worker, unit, function),
    };
    ways.some_returns_without().then(|| ways.deciding())
}

/// The ways through a constructor.
struct Ways<'u> {
    unit: &'u Unit,
    function: &'u Function,
    /// Blocks that give the field a value or test it.
    given: Vec<bool>,
    /// Blocks that give it a value.
    assigned: Vec<bool>,
    object: VarId,
    errors: FxHashSet<VarId>,
    foreign: FxHashSet<PlaceId>,
    /// The fields that variables are put into.
    kept: FxHashMap<PlaceId, Vec<Symbol>>,
}

/// The fields that variables are put into, as in `c := &config{on: on}`.
fn kept(worker: &mut Worker, unit: &Unit, function: &Function) -> FxHashMap<PlaceId, Vec<Symbol>> {
    let mut kept: FxHashMap<PlaceId, Vec<Symbol>> = FxHashMap::default();
    for instr in function.blocks.iter().flat_map(|block| &block.instrs) {
        let Op::Assign { dst, value, .. } = &instr.op else {
            continue;
        };
        match value {
            Value::StructLit { ty, fields } => {
                for &(index, value) in fields.iter() {
                    if let Operand::Place(var) = value
                        && let Some(name) = worker.field_name(*ty, index)
                    {
                        kept.entry(var).or_default().push(name);
                    }
                }
            }
            Value::Use(Operand::Place(var)) => {
                if let PlaceKind::Field { name, .. } = unit.places.get(*dst).kind {
                    kept.entry(*var).or_default().push(name);
                }
            }
            _ => {}
        }
    }
    kept
}

impl Ways<'_> {
    /// Whether a way comes to a return that is no failure without giving the field a value,
    /// where another way comes to the same return that does.
    fn some_returns_without(&self) -> bool {
        let mut seen = FxHashSet::default();
        let mut open = vec![(BlockId::ENTRY, false)];
        let mut without = Vec::new();
        while let Some((id, failed)) = open.pop() {
            if !seen.insert((id, failed)) || self.given[id.index()] {
                continue;
            }
            let failed = self.after(id, failed);
            let block = self.function.block(id);
            if matches!(block.end, Terminator::Return) && !failed {
                without.push(id);
            }
            open.extend(block.end.successors().map(|(_, to)| (to, failed)));
        }
        let mut seen = FxHashSet::default();
        let starts = (0..self.assigned.len()).filter(|&n| self.assigned[n]);
        let mut open: Vec<BlockId> = starts.map(|n| BlockId(n as u32)).collect();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                let block = self.function.block(id);
                open.extend(block.end.successors().map(|(_, to)| to));
            }
        }
        without.iter().any(|id| seen.contains(id))
    }

    /// Names of fields and functions in the conditions before the field is given a value.
    fn deciding(&self) -> FxHashSet<Symbol> {
        let graph = Graph::new(self.function);
        let mut names = FxHashSet::default();
        for n in (0..self.assigned.len()).filter(|&n| self.assigned[n]) {
            let made = BlockId(n as u32);
            for (m, block) in self.function.blocks.iter().enumerate() {
                let id = BlockId(m as u32);
                let mut next = block.end.successors();
                let decides = id != made
                    && graph.dominates(id, made)
                    && next.any(|(_, next)| graph.dominates(next, made));
                if !decides {
                    continue;
                }
                let Terminator::Branch { cond, .. } = &block.end else {
                    continue;
                };
                match *cond {
                    Cond::IsNil(x) | Cond::IsEmpty(x) | Cond::True(x) => {
                        self.names_of(x, &mut names, 4);
                    }
                    Cond::Equal(x, y) | Cond::Less(x, y) => {
                        for operand in [x, y] {
                            if let Operand::Place(place) = operand {
                                self.names_of(place, &mut names, 4);
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        names
    }

    fn names_of(&self, place: PlaceId, names: &mut FxHashSet<Symbol>, depth: usize) {
        let mut at = Some(place);
        while let Some(place) = at {
            match self.unit.places.get(place).kind {
                PlaceKind::Field { name, .. } => {
                    names.insert(name);
                }
                PlaceKind::Var(_) if depth > 0 => {
                    names.extend(self.kept.get(&place).into_iter().flatten());
                    self.names_given(place, names, depth - 1);
                }
                _ => {}
            }
            at = self.unit.places.parent(place);
        }
    }

    /// Names in what a variable is given.
    fn names_given(&self, var: PlaceId, names: &mut FxHashSet<Symbol>, depth: usize) {
        for instr in self.function.blocks.iter().flat_map(|b| &b.instrs) {
            match &instr.op {
                Op::Call(call) if call.results.contains(&var) => names.extend(called(call)),
                Op::Assign {
                    dst,
                    value:
                        Value::Use(Operand::Place(of))
                        | Value::Len(Operand::Place(of))
                        | Value::MapRead { elem: of },
                    ..
                } if *dst == var => self.names_of(*of, names, depth),
                _ => {}
            }
        }
    }

    /// Whether what would be returned behind a block is a failure.
    fn after(&self, id: BlockId, mut failed: bool) -> bool {
        for instr in &self.function.block(id).instrs {
            let Op::Assign { dst, value, .. } = &instr.op else {
                continue;
            };
            let PlaceKind::Var(var) = self.unit.places.get(*dst).kind else {
                continue;
            };
            let nil = matches!(value, Value::Use(Operand::Nil) | Value::Zero(_));
            if self.errors.contains(&var) {
                failed = !nil;
            }
            if var == self.object {
                failed |= match value {
                    Value::Use(Operand::Place(place) | Operand::Addr(place)) => {
                        self.foreign.contains(place)
                    }
                    _ => true,
                };
            }
        }
        failed
    }
}

/// An exported constructor that keeps the map that it is given, where another one makes it,
/// and that a call gives nil.
pub(crate) fn argument(
    worker: &Worker,
    package: PackageId,
    field: &FieldName,
    uses: &[Use],
) -> Option<Cause> {
    let mut makes = false;
    let mut found = None;
    for place in uses.iter().filter(|u| u.kind == UseKind::Literal) {
        let Some(func) = place.giver.func else {
            continue;
        };
        if worker.world.is_test(func.file) {
            continue;
        }
        let ast = &worker.world.file(func.file).tree.ast;
        let Some(value) = value_of(ast, place.giver.expr, field.field) else {
            continue;
        };
        match ast.expr(ast.unparen(value)).kind {
            ExprKind::CompositeLit { .. } | ExprKind::Call { .. } => makes = true,
            ExprKind::Ident(name)
                if is_exported(function_name(worker, func))
                    && !is_looked_at(ast, func, name)
                    && parameter(ast, func, name)
                        .is_some_and(|n| is_given_nil(worker, package, func, n)) =>
            {
                found.get_or_insert(Cause::Argument {
                    at: place.at,
                    function: function_name(worker, func),
                    parameter: name,
                });
            }
            _ => {}
        }
    }
    found.filter(|_| makes)
}

/// The value of a key in a literal.
fn value_of(ast: &Ast, literal: ExprId, field: Symbol) -> Option<ExprId> {
    let ExprKind::CompositeLit { elems, .. } = ast.expr(literal).kind else {
        return None;
    };
    ast.list(elems).iter().find_map(|&elem| {
        let ExprKind::KeyValue { key, value } = ast.expr(elem).kind else {
            return None;
        };
        matches!(ast.expr(key).kind, ExprKind::Ident(name) if name == field).then_some(value)
    })
}

/// The number of a parameter.
fn parameter(ast: &Ast, func: FuncRef, name: Symbol) -> Option<usize> {
    let params = ast.func_type(ast.func(func.func).ty).params;
    let params = ast.fields(params).iter();
    params
        .flat_map(|field| ast.list(field.names))
        .position(|param| param.name == name)
}

/// Whether a call in the package gives a function nil for a parameter.
fn is_given_nil(worker: &Worker, package: PackageId, func: FuncRef, n: usize) -> bool {
    let function = function_name(worker, func);
    worker.world.files(package).iter().any(|&file| {
        let ast = &worker.world.file(file).tree.ast;
        (0..ast.expr_count()).map(ExprId::from_index).any(|id| {
            let ExprKind::Call { fun, args, .. } = ast.expr(id).kind else {
                return false;
            };
            matches!(ast.expr(ast.unparen(fun)).kind, ExprKind::Ident(name) if name == function)
                && ast.list(args).get(n).is_some_and(|&arg| is_nil(ast, arg))
        })
    })
}

/// Whether a function compares a variable, or assigns it.
fn is_looked_at(ast: &Ast, func: FuncRef, name: Symbol) -> bool {
    let is_name =
        |expr: ExprId| matches!(ast.expr(ast.unparen(expr)).kind, ExprKind::Ident(n) if n == name);
    let span = match ast.func(func.func).body {
        tophash_syntax::ast::Body::Block(body) => ast.stmt(body).span,
        _ => return true,
    };
    (0..ast.expr_count())
        .map(ExprId::from_index)
        .filter(|&id| span.contains(ast.expr(id).span.start))
        .any(|id| match ast.expr(id).kind {
            ExprKind::Binary {
                op: BinaryOp::Eql | BinaryOp::Neq,
                x,
                y,
            } => is_name(x) || is_name(y),
            _ => false,
        })
        || (0..ast.stmt_count())
            .map(tophash_syntax::ast::StmtId::from_index)
            .filter(|&id| span.contains(ast.stmt(id).span.start))
            .any(|id| match ast.stmt(id).kind {
                tophash_syntax::ast::StmtKind::Assign { lhs, .. } => {
                    ast.list(lhs).iter().any(|&x| is_name(x))
                }
                _ => false,
            })
}

/// Whether a function returns the object that a literal makes, without an error beside it.
pub(crate) fn is_returned(worker: &mut Worker, func: FuncRef, at: Loc) -> bool {
    let Some(analysis) = worker.unit(func.file, func.func) else {
        return false;
    };
    let unit = analysis.unit.clone();
    let function = unit.function(FnId::ROOT);
    let mut held: FxHashSet<PlaceId> = FxHashSet::default();
    // A copy may stand before or behind what it is a copy of.
    for _ in 0..3 {
        for instr in function.blocks.iter().flat_map(|b| &b.instrs) {
            let Op::Assign { dst, value, .. } = &instr.op else {
                continue;
            };
            match value {
                Value::StructLit { .. } if instr.at.span == at.span => {
                    held.insert(match unit.places.get(*dst).kind {
                        PlaceKind::Deref(pointer) => pointer,
                        _ => *dst,
                    });
                }
                Value::Use(Operand::Place(of) | Operand::Addr(of)) if held.contains(of) => {
                    if matches!(unit.places.get(*dst).kind, PlaceKind::Var(_)) {
                        held.insert(*dst);
                    }
                }
                _ => {}
            }
        }
    }
    let errors: Vec<PlaceId> = function
        .results
        .iter()
        .map(|&var| unit.var(var))
        .filter(|var| worker.is_error(var.ty))
        .map(|var| var.place)
        .collect();
    let results: Vec<PlaceId> = function
        .results
        .iter()
        .map(|&var| unit.var(var).place)
        .filter(|place| held.contains(place))
        .collect();
    // Whether a block returns the object, and whether it returns an error.
    let returns = |block: &Block| {
        let (mut object, mut error) = (false, false);
        for instr in &block.instrs {
            match &instr.op {
                Op::Assign { dst, value, .. } if results.contains(dst) => {
                    object |= match value {
                        Value::StructLit { .. } => instr.at.span == at.span,
                        Value::Use(Operand::Place(of) | Operand::Addr(of)) => held.contains(of),
                        _ => false,
                    };
                }
                Op::Assign { dst, value, .. } if errors.contains(dst) => {
                    error |= !matches!(value, Value::Use(Operand::Nil) | Value::Zero(_));
                }
                Op::Call(call) => {
                    error |= call.results.iter().any(|result| errors.contains(result));
                }
                _ => {}
            }
        }
        object && !error
    };
    function.blocks.iter().any(returns)
}

/// The containers that literals at a place are put into as they are, with the unit they
/// are variables of.
pub(crate) fn stored_in(worker: &mut Worker, func: FuncRef, at: Loc) -> Vec<Container> {
    let mut containers = Vec::new();
    let Some(analysis) = worker.unit(func.file, func.func) else {
        return containers;
    };
    let unit = &analysis.unit;
    let definitions = Definitions::new(unit);
    let instrs = || {
        let blocks = unit.functions.iter().flat_map(|f| &f.blocks);
        blocks.flat_map(|block| &block.instrs)
    };
    let mut held: FxHashSet<PlaceId> = FxHashSet::default();
    for instr in instrs() {
        if let Op::Assign {
            dst,
            value: Value::StructLit { .. },
            ..
        } = &instr.op
            && instr.at.span == at.span
        {
            let place = match unit.places.get(*dst).kind {
                PlaceKind::Deref(pointer) => pointer,
                _ => *dst,
            };
            let temporary = matches!(unit.places.get(place).kind, PlaceKind::Var(var)
                if unit.var(var).kind == VarKind::Temp);
            if temporary {
                held.insert(place);
            }
        }
    }
    let holds =
        |operand: &Operand| matches!(operand, Operand::Place(place) if held.contains(place));
    for instr in instrs() {
        let place = match &instr.op {
            Op::MapWrite { elem, value, .. } if holds(value) => match unit.places.get(*elem).kind {
                PlaceKind::MapElem { map, .. } => map,
                _ => continue,
            },
            Op::Assign { dst, value, .. } => match value {
                Value::Append { elems, slice, .. } if elems.iter().any(holds) => match slice {
                    Operand::Place(list) => *list,
                    _ => *dst,
                },
                Value::Use(value) if holds(value) => match unit.places.get(*dst).kind {
                    PlaceKind::Index { base, .. } => base,
                    _ => continue,
                },
                _ => continue,
            },
            _ => continue,
        };
        containers.extend(definitions.named_container(worker, place));
    }
    containers
}

/// Names of fields and functions that a function mentions.
pub(crate) fn mentions(unit: &Unit) -> FxHashSet<Symbol> {
    let mut names = FxHashSet::default();
    for n in 0..unit.places.len() {
        if let PlaceKind::Field { name, .. } = unit.places.get(PlaceId(n as u32)).kind {
            names.insert(name);
        }
    }
    for instr in unit
        .functions
        .iter()
        .flat_map(|f| &f.blocks)
        .flat_map(|b| &b.instrs)
    {
        if let Op::Call(call) = &instr.op {
            names.extend(called(call));
        }
    }
    names
}

fn called(call: &Call) -> Option<Symbol> {
    match call.callee {
        Callee::Static(name) => Some(name.name),
        Callee::Interface { name, .. } => Some(name),
        _ => None,
    }
}
