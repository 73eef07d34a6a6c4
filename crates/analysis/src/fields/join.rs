//! Bare writes joined with what leaves their fields nil.

use crate::fields::chain::{Chain, Container, Definitions, Root};
use crate::fields::cleared::cleared;
use crate::fields::constructors::{argument, is_returned, mentions, some_ways, stored_in};
use crate::fields::decoded::{decoded, is_message, is_optional};
use crate::fields::guard::{Care, care};
use crate::fields::uses::{LiteralOf, Use, UseKind, Uses, function_name};
use crate::fields::{Bare, Cause, LeftNil};
use crate::givers;
use crate::names;
use crate::names_index::{FuncRef, Functions, NamesIndex, is_nil};
use crate::origin::Loc;
use crate::summary::FieldName;
use crate::unit::UnitAnalysis;
use crate::worker::{Worker, is_exported};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tophash_flow::{Callee, FnId, Op, PlaceKind, Unit, Value};
use tophash_syntax::Symbol;
use tophash_syntax::ast::{Ast, ExprId, ExprKind, StmtId, StmtKind};
use tophash_types::{PackageId, TypeId};

/// Fields that something leaves nil and that functions of the package write without a
/// check. `known` are writes that are reported already.
pub(crate) fn left_nil(
    worker: &mut Worker,
    package: PackageId,
    index: &NamesIndex,
    writers: &[(FuncRef, Rc<UnitAnalysis>)],
    known: &BTreeSet<Loc>,
) -> Vec<LeftNil> {
    let mut candidates = Vec::new();
    for (func, analysis) in writers {
        let bares = analysis.bare();
        if bares.is_empty() {
            continue;
        }
        let unit = analysis.unit.clone();
        let definitions = Definitions::new(&unit);
        for bare in bares {
            if known.contains(&bare.write.at) {
                continue;
            }
            let chains = definitions.chains(worker, bare.map);
            candidates.push((*func, unit.clone(), bare, chains));
        }
    }
    let fields: FxHashSet<Symbol> = candidates
        .iter()
        .flat_map(|(.., chains)| chains)
        .filter_map(|chain| Some(chain.fields.first()?.field))
        .collect();
    if candidates.is_empty() {
        return Vec::new();
    }
    let owners: FxHashSet<Symbol> = candidates
        .iter()
        .flat_map(|(.., chains)| chains)
        .filter_map(|chain| Some(chain.fields.first()?.owner))
        .collect();
    let mut join = Join {
        worker,
        package,
        index,
        fields,
        owners,
        uses: FxHashMap::default(),
        knowledge: FxHashMap::default(),
        messages: FxHashMap::default(),
        some_ways: FxHashMap::default(),
        calls: None,
    };
    let mut found: BTreeMap<(FieldName, Cause), Vec<Rc<crate::summary::Write>>> = BTreeMap::new();
    for (func, unit, bare, chains) in &candidates {
        if let Some((field, cause)) = join.cause(*func, unit, bare, chains) {
            found
                .entry((field, cause))
                .or_default()
                .push(bare.write.clone());
        }
    }
    let mut left: Vec<LeftNil> = found
        .into_iter()
        .map(|((field, cause), mut writes)| {
            writes.sort_by_key(|write| write.at);
            writes.dedup_by_key(|write| write.at);
            LeftNil {
                field,
                cause,
                writes,
            }
        })
        .collect();
    left.sort_by_key(|left| left.writes.first().map(|write| write.at));
    left
}

/// What is known of a field.
struct Knowledge {
    uses: Vec<Use>,
    /// Functions that give it a value and do not write to it: it is made before it is used.
    made_by: Vec<FuncRef>,
    /// Something that is not understood may give it a value.
    obscure: bool,
}

struct Join<'j, 'w> {
    worker: &'j mut Worker<'w>,
    package: PackageId,
    index: &'j NamesIndex,
    fields: FxHashSet<Symbol>,
    owners: FxHashSet<Symbol>,
    uses: FxHashMap<PackageId, Rc<Uses>>,
    knowledge: FxHashMap<FieldName, Rc<Knowledge>>,
    messages: FxHashMap<(Symbol, Symbol), bool>,
    some_ways: FxHashMap<FieldName, Option<(Cause, FxHashSet<Symbol>)>>,
    /// The names that the functions of a name call.
    calls: Option<FxHashMap<Symbol, FxHashSet<Symbol>>>,
}

impl Join<'_, '_> {
    fn cause(
        &mut self,
        func: FuncRef,
        unit: &Rc<Unit>,
        bare: &Bare,
        chains: &[Chain],
    ) -> Option<(FieldName, Cause)> {
        let definitions = Definitions::new(unit);
        for chain in chains {
            let Some(field) = chain.fields.first().cloned() else {
                if let Some((field, message)) = self.getter(chain) {
                    return Some((field, Cause::Message { message }));
                }
                continue;
            };
            if let Some(cause) = self.of_chain(func, unit, &definitions, bare, chain, &field) {
                return Some((field, cause));
            }
        }
        None
    }

    fn of_chain(
        &mut self,
        func: FuncRef,
        unit: &Rc<Unit>,
        definitions: &Definitions,
        bare: &Bare,
        chain: &Chain,
        field: &FieldName,
    ) -> Option<Cause> {
        if chain.inner {
            return None;
        }
        let own = self.uses(self.package);
        let none = FxHashSet::default();
        let assigners = own.assigners.get(&field.field).unwrap_or(&none);
        let care = care(self.worker, unit, definitions, bare, field, assigners);
        if care == Care::Always {
            return None;
        }
        let knowledge = self.knowledge(field);
        if knowledge.obscure {
            return None;
        }
        // The function tests the field on another way.
        if let Care::Elsewhere(span) = care
            && matches!(chain.root, Root::Param(_) | Root::Receiver)
        {
            return Some(Cause::Tested {
                at: Loc {
                    file: unit.file,
                    span,
                },
                function: unit.name.name,
            });
        }
        let made_elsewhere = knowledge.made_by.iter().any(|&by| by != func);
        if made_elsewhere {
            return None;
        }
        let own_package = field.package == self.worker.world.path(self.package);
        if own_package
            && !matches!(chain.root, Root::Made(_))
            && let Some(cause) = self.element(func, definitions, bare, &knowledge, field)
        {
            return Some(cause);
        }
        if care != Care::None {
            return None;
        }
        let given_here = knowledge
            .uses
            .iter()
            .any(|u| u.kind == UseKind::Literal && u.giver.func == Some(func));
        if !given_here || !chain.containers.is_empty() {
            let packages = self.packages(field);
            let all: Vec<Rc<Uses>> = packages.into_iter().map(|p| self.uses(p)).collect();
            let all: Vec<&Uses> = all.iter().map(|uses| &**uses).collect();
            let given = knowledge.uses.iter().any(|u| u.kind == UseKind::Literal);
            if let Some(how) = decoded(
                self.worker,
                unit,
                definitions,
                chain,
                &all,
                given,
                bare.write.at.span,
            ) {
                return Some(Cause::Decoded(how));
            }
            if !given
                && definitions.untouched(chain, bare.write.at.span)
                && (is_exported(unit.name.name) || !matches!(chain.root, Root::Param(_)))
                && let Some(message) = self.message(chain, field)
            {
                return Some(Cause::Message { message });
            }
            if let Some(by) = self.filled(definitions, bare, chain) {
                return Some(Cause::Filled { by });
            }
        }
        if matches!(chain.root, Root::Made(_)) {
            return None;
        }
        if !own_package {
            return None;
        }
        if chain.root == Root::Receiver && chain.fields.len() == 1 {
            let uses = &knowledge.uses;
            if let Some(cause) = cleared(self.worker, self.package, func, unit, field, uses) {
                return Some(cause);
            }
            if !reads_before(self.worker, unit, bare, field)
                && let Some(cause) = self.tested(func, &knowledge, field)
            {
                return Some(cause);
            }
            if let Some(cause) = argument(self.worker, self.package, field, uses) {
                return Some(cause);
            }
        }
        if let Some((cause, deciding)) = self.some_ways(field)
            && mentions(unit).is_disjoint(&deciding)
            && let Cause::SomeWays { function, .. } = cause
            && is_constructor(function)
            && !self.calls(function, unit.name.name)
        {
            return Some(cause);
        }
        if chain.root == Root::Receiver
            && chain.fields.len() == 1
            && let Some(cause) = self.maker(func, &knowledge, field)
        {
            return Some(cause);
        }
        self.callers(unit, bare, &knowledge, chain, field)
    }

    /// A function returns an object that it makes without the field, where others make it.
    fn maker(
        &mut self,
        writer: FuncRef,
        knowledge: &Knowledge,
        field: &FieldName,
    ) -> Option<Cause> {
        if !knowledge.uses.iter().any(|u| u.kind == UseKind::Literal) {
            return None;
        }
        let uses = self.uses(self.package);
        for literal in &uses.literals {
            let Some(func) = literal.giver.func else {
                continue;
            };
            let assigned = knowledge
                .uses
                .iter()
                .any(|u| u.kind == UseKind::Assigned && u.giver.func == Some(func));
            if func == writer
                || assigned
                || self.worker.world.is_test(func.file)
                || !self.leaves_out(knowledge, field, literal)
                || sets_flag(givers::tree(self.worker, &literal.giver), literal)
                || !is_returned(self.worker, func, literal.at)
            {
                continue;
            }
            return Some(Cause::Maker {
                at: literal.at,
                function: function_name(self.worker, func),
            });
        }
        None
    }

    fn uses(&mut self, package: PackageId) -> Rc<Uses> {
        if let Some(known) = self.uses.get(&package) {
            return known.clone();
        }
        let uses = Rc::new(Uses::new(self.worker, package, &self.fields, &self.owners));
        self.uses.insert(package, uses.clone());
        uses
    }

    /// The package under analysis, and that of the field's struct.
    fn packages(&self, field: &FieldName) -> Vec<PackageId> {
        let mut packages = vec![self.package];
        if field.package != self.worker.world.path(self.package) {
            packages.extend(self.worker.world.import(self.package, field.package));
        }
        packages
    }

    fn knowledge(&mut self, field: &FieldName) -> Rc<Knowledge> {
        if let Some(known) = self.knowledge.get(field) {
            return known.clone();
        }
        let mut all = Vec::new();
        for package in self.packages(field) {
            let uses = self.uses(package);
            all.extend(uses.of(self.worker, field));
        }
        let in_function = |kind: UseKind, func: FuncRef| {
            all.iter()
                .any(|u: &Use| u.kind == kind && u.giver.func == Some(func))
        };
        let mut made_by = Vec::new();
        let mut obscure = false;
        for place in &all {
            // Copies and what decoders of its own do make no map that was not there.
            if let Some(func) = place.giver.func
                && is_copying(function_name(self.worker, func))
            {
                continue;
            }
            match (place.kind, place.giver.func) {
                (UseKind::Address, _) => obscure = true,
                (UseKind::Assigned, Some(func)) => {
                    let lazy =
                        in_function(UseKind::Tested, func) && in_function(UseKind::Written, func);
                    let on_own = self.on_own(place);
                    if !lazy && !on_own {
                        made_by.push(func);
                    }
                }
                (UseKind::Assigned, None) => obscure = true,
                _ => {}
            }
        }
        let knowledge = Rc::new(Knowledge {
            uses: all,
            made_by,
            obscure,
        });
        self.knowledge.insert(field.clone(), knowledge.clone());
        knowledge
    }

    /// Whether `x.f = v` is about an object that the function makes itself: `x` is a
    /// local variable that is declared in it.
    fn on_own(&mut self, place: &Use) -> bool {
        let ast = givers::tree(self.worker, &place.giver);
        let ExprKind::Selector { x, .. } = ast.expr(place.giver.expr).kind else {
            return false;
        };
        let ExprKind::Ident(_) = ast.expr(ast.unparen(x)).kind else {
            return false;
        };
        let body = givers::body(self.worker, &place.giver);
        let Some(object) = body.object(ast.unparen(x)) else {
            return false;
        };
        let ty = body.type_of(x);
        let local = matches!(
            self.worker.checker.object(object).kind,
            tophash_types::ObjKind::Var(tophash_types::VarKind::Local)
        );
        // A pointer may come from anywhere; then a literal in the function makes it.
        let pointee = self.worker.pointee(ty);
        let owner = self.worker.named(pointee.unwrap_or(ty));
        let made_here = owner.is_some_and(|(_, owner)| {
            let makers = self.index.makers.get(&owner).into_iter().flatten();
            makers
                .into_iter()
                .any(|maker| maker.func == place.giver.func)
        });
        local && (pointee.is_none() || made_here)
    }

    fn some_ways(&mut self, field: &FieldName) -> Option<(Cause, FxHashSet<Symbol>)> {
        if let Some(known) = self.some_ways.get(field) {
            return known.clone();
        }
        let knowledge = self.knowledge(field);
        let cause = some_ways(self.worker, self.index, field, &knowledge.uses);
        self.some_ways.insert(field.clone(), cause.clone());
        cause
    }

    /// Elements of a list in an object that the function makes empty and hands out.
    fn filled(&mut self, definitions: &Definitions, bare: &Bare, chain: &Chain) -> Option<Symbol> {
        let Root::Made(var) = chain.root else {
            return None;
        };
        if chain.containers.is_empty()
            || !is_optional(self.worker, chain)
            || !definitions.starts_empty(var)
        {
            return None;
        }
        let mut calls = definitions.calls_on(var);
        calls.retain(|(_, at, _)| at.span.start < bare.write.at.span.start);
        calls.iter().find_map(|(call, ..)| match call.callee {
            Callee::Static(name) => Some(name.name),
            Callee::Interface { name, .. } => Some(name),
            _ => None,
        })
    }

    /// The field and the generated message that a map was got from.
    fn getter(&mut self, chain: &Chain) -> Option<(FieldName, Symbol)> {
        let Root::Call(Some(name)) = chain.root else {
            return None;
        };
        let field = name.name.as_str().strip_prefix("Get")?;
        if chain.inner || field.is_empty() {
            return None;
        }
        let field = FieldName {
            package: name.package,
            owner: name.receiver?,
            field: Symbol::new(field),
        };
        let message = self.message(chain, &field)?;
        Some((field, message))
    }

    /// The generated message that a map is a field of.
    fn message(&mut self, chain: &Chain, field: &FieldName) -> Option<Symbol> {
        // What other functions hand out may be completed by them.
        let from = match chain.root {
            Root::Param(_) => true,
            Root::Call(Some(name)) => name.name.as_str().starts_with("Get"),
            _ => false,
        };
        if !from {
            return None;
        }
        let key = (field.package, field.owner);
        let known = match self.messages.get(&key) {
            Some(&known) => known,
            None => {
                let package = self.packages(field).last().copied()?;
                let is = self.worker.world.path(package) == field.package
                    && is_message(self.worker, package, field.owner);
                self.messages.insert(key, is);
                is
            }
        };
        known.then_some(field.owner)
    }

    /// Another function tests the field of its receiver, makes it and writes to it, and
    /// nothing makes it where the object is made.
    fn tested(&mut self, func: FuncRef, knowledge: &Knowledge, field: &FieldName) -> Option<Cause> {
        let is = |kind: UseKind, func: FuncRef| {
            knowledge
                .uses
                .iter()
                .any(|u| u.kind == kind && u.giver.func == Some(func))
        };
        if knowledge.uses.iter().any(|u| u.kind == UseKind::Literal) {
            return None;
        }
        let test = knowledge.uses.iter().find(|u| {
            u.kind == UseKind::Tested
                && u.sure
                && u.giver.func.is_some_and(|by| {
                    by != func && is(UseKind::Assigned, by) && is(UseKind::Written, by)
                })
        })?;
        let tester = function_name(self.worker, test.giver.func?);
        let writer = function_name(self.worker, func);
        if self.index.makers_of(field.owner).is_empty() || self.calls(tester, writer) {
            return None;
        }
        Some(Cause::Tested {
            at: test.at,
            function: tester,
        })
    }

    /// Whether a function may call another one of the package, itself or through others,
    /// by their names: it then ran before.
    fn calls(&mut self, from: Symbol, to: Symbol) -> bool {
        if self.calls.is_none() {
            self.calls = Some(calls(self.worker, self.package));
        }
        let Some(calls) = &self.calls else {
            return false;
        };
        let mut seen = FxHashSet::default();
        let mut open = vec![from];
        while let Some(name) = open.pop() {
            for &called in calls.get(&name).into_iter().flatten() {
                if called == to {
                    return true;
                }
                if seen.insert(called) {
                    open.push(called);
                }
            }
        }
        false
    }

    /// The object comes from a container that others like it are put into, some without
    /// the field.
    fn element(
        &mut self,
        writer: FuncRef,
        definitions: &Definitions,
        bare: &Bare,
        knowledge: &Knowledge,
        field: &FieldName,
    ) -> Option<Cause> {
        let with = knowledge.uses.iter().any(|u| u.kind == UseKind::Literal);
        if !with {
            return None;
        }
        let container = definitions.container(self.worker, bare.map)?;
        let uses = self.uses(self.package);
        for literal in &uses.literals {
            let Some(func) = literal.giver.func else {
                continue;
            };
            if self.worker.world.is_test(func.file)
                || !self.leaves_out(knowledge, field, literal)
                || matches!(container, Container::Variable(_)) && func != writer
                || !stored_in(self.worker, func, literal.at).contains(&container)
            {
                continue;
            }
            return Some(Cause::Element {
                at: literal.at,
                function: function_name(self.worker, func),
            });
        }
        None
    }

    /// Callers of an exported function give it objects, and some of those made in sight
    /// leave the field out.
    fn callers(
        &mut self,
        unit: &Unit,
        bare: &Bare,
        knowledge: &Knowledge,
        chain: &Chain,
        field: &FieldName,
    ) -> Option<Cause> {
        if !matches!(chain.root, Root::Param(_))
            || bare.func != FnId::ROOT
            || !is_exported(unit.name.name)
            || !is_exported(field.field)
            || !is_exported(field.owner)
        {
            return None;
        }
        let uses = self.uses(self.package);
        let literal = uses
            .literals
            .iter()
            .filter(|literal| !self.worker.world.is_test(literal.at.file))
            .find(|literal| {
                self.leaves_out(knowledge, field, literal) && !is_failure(self.worker, literal)
            })
            .map(|literal| {
                let func = literal.giver.func;
                (
                    literal.at,
                    func.map(|func| function_name(self.worker, func)),
                )
            });
        if literal.is_none() && !is_optional(self.worker, chain) {
            return None;
        }
        Some(Cause::Callers { literal })
    }

    /// Whether a literal is one of the field's struct and leaves it out, and its function
    /// does not give it a value afterwards.
    fn leaves_out(
        &mut self,
        knowledge: &Knowledge,
        field: &FieldName,
        literal: &LiteralOf,
    ) -> bool {
        if literal.owner != field.owner {
            return false;
        }
        let mut uses = knowledge.uses.iter();
        if uses.any(|u| u.kind == UseKind::Literal && u.at == literal.at) {
            return false;
        }
        let body = givers::body(self.worker, &literal.giver);
        let ty: TypeId = body.type_of(literal.giver.expr);
        self.worker.named(ty) == Some((field.package, field.owner))
    }
}

/// Whether a literal is returned together with an error.
fn is_failure(worker: &mut Worker, literal: &LiteralOf) -> bool {
    let body = givers::body(worker, &literal.giver);
    let ast = givers::tree(worker, &literal.giver);
    let returned = (0..ast.stmt_count()).find_map(|n| {
        let stmt = ast.stmt(StmtId::from_index(n));
        match stmt.kind {
            StmtKind::Return(values) if stmt.span.contains(literal.at.span.start) => Some(values),
            _ => None,
        }
    });
    let values = returned.map_or(&[][..], |values| ast.list(values));
    values.iter().any(|&value| {
        let ty = body.type_of(value);
        !is_nil(ast, value) && worker.is_error(ty)
    })
}

/// The names that the functions of a package mention as what they call or hand on, by the
/// name of the function.
fn calls(worker: &Worker, package: PackageId) -> FxHashMap<Symbol, FxHashSet<Symbol>> {
    let mut calls: FxHashMap<Symbol, FxHashSet<Symbol>> = FxHashMap::default();
    for &file in worker.world.files(package) {
        let tree = worker.world.file(file).tree;
        let functions = Functions::new(file, tree);
        for n in 0..tree.ast.expr_count() {
            let expr = tree.ast.expr(ExprId::from_index(n));
            let name = match expr.kind {
                ExprKind::Ident(name) | ExprKind::Selector { name, .. } => name,
                _ => continue,
            };
            if let Some(func) = functions.around(expr.span) {
                let names = calls.entry(function_name(worker, func)).or_default();
                names.insert(name);
            }
        }
    }
    // Only functions lead on: variables and fields of such names do not.
    let functions: FxHashSet<Symbol> = calls.keys().copied().collect();
    for names in calls.values_mut() {
        names.retain(|name| functions.contains(name));
    }
    calls
}

/// Whether a literal sets a field to `true`: it makes an object of another kind, which is
/// not used as the others are.
fn sets_flag(ast: &Ast, literal: &LiteralOf) -> bool {
    let ExprKind::CompositeLit { elems, .. } = ast.expr(literal.giver.expr).kind else {
        return false;
    };
    ast.list(elems).iter().any(|&elem| {
        let ExprKind::KeyValue { value, .. } = ast.expr(elem).kind else {
            return false;
        };
        matches!(ast.expr(value).kind, ExprKind::Ident(name) if name.as_str() == "true")
    })
}

/// Whether a function's name says that it makes objects for others to use.
pub(crate) fn is_constructor(name: Symbol) -> bool {
    const NAMES: [&str; 6] = ["New", "new", "Make", "make", "Create", "create"];
    NAMES.iter().any(|prefix| name.as_str().starts_with(prefix))
}

/// Whether a function is one that is generated to copy, read or write objects.
pub(crate) fn is_copying(name: Symbol) -> bool {
    const NAMES: [&str; 8] = [
        "DeepCopy",
        "Unmarshal",
        "Marshal",
        "XXX_",
        "Equal",
        "autoConvert_",
        "Convert_",
        "CodecDecode",
    ];
    NAMES.iter().any(|prefix| name.as_str().starts_with(prefix))
}

/// Whether a function reads an element of the field before it writes to it, other than with
/// a test of whether it is there: `v := x.f[k]` and what is then known of `v`.
fn reads_before(worker: &mut Worker, unit: &Unit, bare: &Bare, field: &FieldName) -> bool {
    let function = unit.function(bare.func);
    for block in &function.blocks {
        for instr in &block.instrs {
            if instr.at.span.start >= bare.write.at.span.start {
                continue;
            }
            let Op::Assign {
                ok: None,
                value: Value::MapRead { elem },
                ..
            } = &instr.op
            else {
                continue;
            };
            if let PlaceKind::MapElem { map, .. } = unit.places.get(*elem).kind
                && names::field(worker, unit, map).as_ref() == Some(field)
            {
                return true;
            }
        }
    }
    false
}
