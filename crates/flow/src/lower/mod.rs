//! Typed bodies to graphs.

mod assign;
mod call;
mod cond;
mod expr;
mod literal;
mod loops;
mod stmt;
mod switch;

use crate::exits;
use crate::ir::*;
use crate::place::{PlaceId, PlaceKind, Places};
use crate::typing::Typing;
use rustc_hash::{FxHashMap, FxHashSet};
use tophash_syntax::ast::{Ast, ExprId, FuncId, Ident, StmtId};
use tophash_syntax::{Span, Symbol};
use tophash_types::{Checker, FileId, ObjId, Type, TypeId, TypedBody};

/// Says of functions of the program that they never return, as far as is known by now: by
/// name, and by declaration where it is seen.
pub type Diverges<'h> = dyn Fn(FuncName, Option<(FileId, FuncId)>) -> Option<Divergence> + 'h;

/// The graph of a declared function and those of its closures; none if it has no body or its name is taken.
///
/// `diverges` is asked of each function that is called by name and is not among those that
/// are known never to return ([`crate::known_divergence`]).
pub fn lower(
    checker: &mut Checker<'_>,
    file: FileId,
    func: FuncId,
    diverges: &Diverges<'_>,
) -> Option<Unit> {
    let (ast, block) = checker.world().body(file, func)?;
    let obj = checker.function(file, func)?;
    let body = checker.check_body(file, func);
    let name = Typing::new(checker).func_name(obj);
    let ty = checker.type_of(obj);
    let tree = &checker.world().file(file).tree.ast;
    let start = tree.func_type(tree.func(func).ty).span.start;
    let span = Span::new(start, ast.stmt(block).span.end);
    let mut l = Lowerer::new(checker, &body, ast, file, name, diverges);
    l.open(None, span);
    l.signature(ty);
    l.stmt(block);
    l.close();
    Some(l.unit(file, Source::Func(func), name))
}

/// The initial values of a file's package-level variables as a function without parameters
/// that assigns them in source order; none if there are none.
pub fn lower_initialisers(
    checker: &mut Checker<'_>,
    file: FileId,
    diverges: &Diverges<'_>,
) -> Option<Unit> {
    let source = checker.world().file(file);
    let ast = &source.tree.ast;
    let specs = stmt::variables(ast, &source.tree.decls);
    let first = *specs.first()?;
    let body = checker.check_initialisers(file);
    let name = FuncName {
        package: checker.world().path(checker.world().package_of(file)),
        receiver: None,
        name: Symbol::new("init"),
    };
    let mut l = Lowerer::new(checker, &body, ast, file, name, diverges);
    l.open(None, ast.spec(first).span);
    for spec in specs {
        l.package_variables(spec);
    }
    l.close();
    Some(l.unit(file, Source::Initialisers, name))
}

/// A function in the making.
struct Draft {
    function: Function,
    /// The block that is being filled.
    current: BlockId,
    labels: FxHashMap<Symbol, BlockId>,
    /// Enclosing statements that `break` and `continue` may leave, innermost last.
    targets: Vec<Target>,
    /// Where `fallthrough` goes.
    next_clause: Option<BlockId>,
    /// The label of the statement about to be lowered.
    label: Option<Symbol>,
    /// Whether it calls `recover` itself.
    calls_recover: bool,
}

/// A statement that `break` or `continue` may leave.
struct Target {
    label: Option<Symbol>,
    on_break: BlockId,
    /// Of loops.
    on_continue: Option<BlockId>,
}

struct Lowerer<'a, 'w> {
    types: Typing<'a, 'w>,
    body: &'a TypedBody,
    ast: &'a Ast,
    name: FuncName,
    /// Whether loop variables are new in each round (Go 1.22).
    per_iteration: bool,
    diverges: &'a Diverges<'a>,
    vars: Vec<Var>,
    places: Places,
    objects: FxHashMap<ObjId, VarId>,
    /// Functions that are complete.
    functions: Vec<Option<Function>>,
    calls_recover: FxHashSet<FnId>,
    /// Functions in the making, the innermost last.
    stack: Vec<Draft>,
}

impl<'a, 'w> Lowerer<'a, 'w> {
    fn new(
        checker: &'a mut Checker<'w>,
        body: &'a TypedBody,
        ast: &'a Ast,
        file: FileId,
        name: FuncName,
        diverges: &'a Diverges<'a>,
    ) -> Lowerer<'a, 'w> {
        let version = checker.world().file(file).version;
        Lowerer {
            types: Typing::new(checker),
            body,
            ast,
            name,
            per_iteration: version.is_none_or(|v| v >= (1, 22)),
            diverges,
            vars: Vec::new(),
            places: Places::default(),
            objects: FxHashMap::default(),
            functions: Vec::new(),
            calls_recover: FxHashSet::default(),
            stack: Vec::new(),
        }
    }

    fn unit(self, file: FileId, source: Source, name: FuncName) -> Unit {
        let mut functions: Vec<Function> = self.functions.into_iter().flatten().collect();
        exits::resolve_closures(&mut functions, &self.vars, &self.places);
        exits::finish(&mut functions, |closure| {
            self.calls_recover.contains(&closure)
        });
        Unit {
            file,
            source,
            name,
            functions,
            vars: self.vars,
            places: self.places,
        }
    }

    /// Begins a function.
    fn open(&mut self, literal: Option<ExprId>, span: Span) {
        let id = FnId(self.functions.len() as u32);
        self.functions.push(None);
        let function = Function {
            id,
            parent: self.stack.last().map(|d| d.function.id),
            literal,
            span,
            receiver: None,
            params: Vec::new(),
            variadic: false,
            results: Vec::new(),
            named_results: false,
            captures: Vec::new(),
            defers: Vec::new(),
            recovers: false,
            blocks: vec![unfinished(span)],
        };
        self.stack.push(Draft {
            function,
            current: BlockId::ENTRY,
            labels: FxHashMap::default(),
            targets: Vec::new(),
            next_clause: None,
            label: None,
            calls_recover: false,
        });
    }

    /// Ends the innermost function: what falls off its end returns.
    fn close(&mut self) -> FnId {
        let end = self.draft().function.span.end;
        let at = At {
            span: Span::new(end.saturating_sub(1), end),
            expr: None,
        };
        self.end(Terminator::Return, at);
        let Some(draft) = self.stack.pop() else {
            return FnId::ROOT;
        };
        let id = draft.function.id;
        if draft.calls_recover {
            self.calls_recover.insert(id);
        }
        self.functions[id.index()] = Some(draft.function);
        id
    }

    fn draft(&mut self) -> &mut Draft {
        let last = self.stack.len() - 1;
        &mut self.stack[last]
    }

    /// The function that is being filled.
    fn owner(&self) -> FnId {
        self.stack.last().map_or(FnId::ROOT, |d| d.function.id)
    }

    /// Declares receiver, parameters and results of a function type.
    fn signature(&mut self, ty: TypeId) {
        let Type::Signature(signature) = self.types.core(ty) else {
            return;
        };
        let receiver = signature.recv.map(|r| self.parameter(r, VarKind::Receiver));
        let declare = |l: &mut Self, objects: &[ObjId], kind: fn(u32) -> VarKind| -> Vec<VarId> {
            let objects = objects.iter().enumerate();
            objects
                .map(|(n, &obj)| l.parameter(obj, kind(n as u32)))
                .collect()
        };
        let params = declare(self, &signature.params, VarKind::Param);
        let results = declare(self, &signature.results, VarKind::Result);
        let named = signature
            .results
            .iter()
            .any(|&r| self.types.checker.object(r).name != self.types.empty);
        if named {
            for &result in &results {
                let var = &self.vars[result.index()];
                let (place, ty, at) = (var.place, var.ty, at_span(var.span));
                self.assign(place, Value::Zero(ty), at);
            }
        }
        let function = &mut self.draft().function;
        function.receiver = receiver;
        function.params = params;
        function.variadic = signature.variadic;
        function.results = results;
        function.named_results = named;
    }

    fn parameter(&mut self, obj: ObjId, kind: VarKind) -> VarId {
        let ty = self.types.type_of(obj);
        let object = self.types.checker.object(obj);
        let span = object.place.map_or_else(Span::default, |p| p.span);
        let name = self.types.visible(object.name);
        self.var(kind, name, ty, Some(obj), span)
    }

    /// A new variable for the identifier that declares it. `ty` is its type if the checker
    /// knows no object for it.
    fn declared(&mut self, kind: VarKind, name: &Ident, ty: TypeId) -> VarId {
        let object = self.body.definition(name.span.start);
        let ty = object.map_or(ty, |obj| self.types.type_of(obj));
        let text = self.types.visible(name.name);
        self.var(kind, text, ty, object, name.span)
    }

    fn var(
        &mut self,
        kind: VarKind,
        name: Option<Symbol>,
        ty: TypeId,
        object: Option<ObjId>,
        span: Span,
    ) -> VarId {
        let id = VarId(self.vars.len() as u32);
        let place = self.places.intern(PlaceKind::Var(id), ty);
        if let Some(object) = object {
            self.objects.insert(object, id);
        }
        self.vars.push(Var {
            kind,
            name,
            ty,
            owner: self.owner(),
            object,
            span,
            place,
            captured: false,
            address_taken: false,
        });
        id
    }

    fn temp(&mut self, ty: TypeId, span: Span) -> PlaceId {
        let var = self.var(VarKind::Temp, None, ty, None, span);
        self.vars[var.index()].place
    }

    /// The variable that an object is, noting the capture if an enclosing function has it.
    fn variable(&mut self, object: ObjId) -> Option<VarId> {
        let var = *self.objects.get(&object)?;
        let owner = self.vars[var.index()].owner;
        for draft in self.stack.iter_mut().rev() {
            if draft.function.id == owner {
                break;
            }
            self.vars[var.index()].captured = true;
            if !draft.function.captures.contains(&var) {
                draft.function.captures.push(var);
            }
        }
        Some(var)
    }

    fn new_block(&mut self) -> BlockId {
        let function = &mut self.draft().function;
        let id = BlockId(function.blocks.len() as u32);
        function.blocks.push(unfinished(function.span));
        id
    }

    fn emit(&mut self, op: Op, at: At) {
        let draft = self.draft();
        let current = draft.current.index();
        draft.function.blocks[current].instrs.push(Instr { op, at });
    }

    fn assign(&mut self, dst: PlaceId, value: Value, at: At) {
        self.emit(
            Op::Assign {
                dst,
                ok: None,
                value,
            },
            at,
        );
    }

    /// Ends the current block; what follows can't be reached until a block is begun.
    fn end(&mut self, end: Terminator, at: At) {
        let next = self.new_block();
        self.end_before(end, at, next);
    }

    /// Ends the current block and goes on with `next`.
    fn end_before(&mut self, end: Terminator, at: At, next: BlockId) {
        let draft = self.draft();
        let block = &mut draft.function.blocks[draft.current.index()];
        block.end = end;
        block.end_at = at;
        draft.current = next;
    }

    /// Jumps to `next` and goes on there.
    fn go_on(&mut self, next: BlockId, at: At) {
        self.end_before(Terminator::Jump(next), at, next);
    }

    fn at(&self, expr: ExprId) -> At {
        At {
            span: self.ast.expr(expr).span,
            expr: Some(expr),
        }
    }

    fn at_stmt(&self, stmt: StmtId) -> At {
        at_span(self.ast.stmt(stmt).span)
    }
}

fn at_span(span: Span) -> At {
    At { span, expr: None }
}

/// A block whose end is still to be set.
fn unfinished(span: Span) -> Block {
    Block {
        instrs: Vec::new(),
        end: Terminator::Diverge(Divergence::Exit),
        end_at: at_span(span),
    }
}
