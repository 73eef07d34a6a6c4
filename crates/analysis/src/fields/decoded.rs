//! Objects that are filled from a text or a message: what that leaves out stays nil.

use crate::fields::Decoded;
use crate::fields::chain::{Chain, Definitions, Root};
use crate::fields::join::{is_constructor, is_copying};
use crate::fields::uses::{DecodeCall, Uses, function_name, is_decoder};
use crate::givers;
use crate::names_index::FuncRef;
use crate::worker::{Worker, is_exported};
use tophash_flow::{Call, Callee, FuncName, Op, Unit};
use tophash_syntax::Span;
use tophash_syntax::Symbol;
use tophash_syntax::ast::{DeclKind, ExprKind};
use tophash_types::{PackageId, Type, TypeId};

/// How the object at the end of a chain is decoded, if it is. `given` says whether literals
/// give the field a value.
pub(crate) fn decoded(
    worker: &mut Worker,
    unit: &Unit,
    definitions: &Definitions,
    chain: &Chain,
    uses: &[&Uses],
    given: bool,
    write: Span,
) -> Option<Decoded> {
    let field = chain.fields.first()?;
    let &owner = chain.owners.first()?;
    if !is_exported(field.field) || makes_itself(worker, owner) {
        return None;
    }
    let key = key(worker, owner, field.field)?;
    if let Root::Made(var) = chain.root {
        let calls = definitions.calls_on(var);
        let decodes = |call: &Call| name_of(call.callee).is_some_and(is_decoder);
        // Something else that is given the object may complete it.
        if calls
            .iter()
            .any(|(call, at, _)| !decodes(call) && at.span.start < write.start)
        {
            return None;
        }
        let &(call, at, _) = calls.iter().find(|(call, ..)| decodes(call))?;
        return Some(Decoded {
            at: crate::origin::Loc {
                file: unit.file,
                span: at.span,
            },
            by: name_of(call.callee)?,
            function: Some(unit.name.name),
            key,
        });
    }
    if !definitions.untouched(chain, write) {
        return None;
    }
    // The object reaches the write through fields of what is decoded.
    let names: Vec<Option<(Symbol, Symbol)>> = chain
        .owners
        .iter()
        .map(|&owner| worker.named(owner))
        .collect();
    for own in uses {
        for call in &own.decodes {
            if worker.world.is_test(call.giver.file) {
                continue;
            }
            let Some(target) = target(worker, call).and_then(|ty| worker.named(ty)) else {
                continue;
            };
            let Some(n) = names.iter().position(|name| *name == Some(target)) else {
                continue;
            };
            // A decoder makes the elements of lists and maps itself; what it is given it
            // leaves as it was made.
            let elements = chain.crossed[n] > chain.crossed[0];
            let function = call.giver.func.map(|func| function_name(worker, func));
            if function.is_some_and(is_copying) {
                continue;
            }
            // What another function hands out is known if that is where it is decoded.
            let handed = match chain.root {
                Root::Call(name) => name.map(|name| name.name) == function,
                Root::Unknown => n > 0,
                _ => true,
            };
            if given && !elements || n == 0 && !handed {
                continue;
            }
            let by = call.giver.func;
            // An unexported function is given what those decode that call it.
            if matches!(chain.root, Root::Param(_))
                && !is_exported(unit.name.name)
                && by.is_some_and(|by| !calls(worker, by, unit.name))
            {
                continue;
            }
            let completed = uses
                .iter()
                .any(|own| own.assigning(field.field).any(|func| func == by));
            let made_otherwise = !elements && has_constructor(worker, uses, target.1, by);
            if completed || made_otherwise {
                continue;
            }
            return Some(Decoded {
                at: call.at,
                by: call.by,
                function,
                key,
            });
        }
    }
    None
}

/// Whether a constructor other than the function that decodes makes objects of a type.
fn has_constructor(
    worker: &Worker,
    uses: &[&Uses],
    owner: Symbol,
    decoding: Option<FuncRef>,
) -> bool {
    let literals = uses.iter().flat_map(|uses| &uses.literals);
    literals
        .filter(|literal| literal.owner == owner && literal.giver.func != decoding)
        .filter_map(|literal| literal.giver.func)
        .any(|func| is_constructor(function_name(worker, func)))
}

/// Whether a function, or a closure in it, calls another one.
fn calls(worker: &mut Worker, caller: FuncRef, callee: FuncName) -> bool {
    let Some(analysis) = worker.unit(caller.file, caller.func) else {
        return false;
    };
    let functions = analysis.unit.functions.iter();
    let mut instrs = functions
        .flat_map(|function| &function.blocks)
        .flat_map(|block| &block.instrs);
    instrs.any(|instr| match &instr.op {
        Op::Call(call) | Op::Go(call) => call.callee == Callee::Static(callee),
        _ => false,
    })
}

fn name_of(callee: Callee) -> Option<Symbol> {
    match callee {
        Callee::Static(name) => Some(name.name),
        Callee::Interface { name, .. } => Some(name),
        _ => None,
    }
}

/// The type of the object that a call decodes, or of the elements of the list or map.
fn target(worker: &mut Worker, call: &DecodeCall) -> Option<TypeId> {
    let body = givers::body(worker, &call.giver);
    let ast = givers::tree(worker, &call.giver);
    let ExprKind::Call { args, .. } = ast.expr(call.giver.expr).kind else {
        return None;
    };
    for &arg in ast.list(args).iter().rev() {
        let ty = body.type_of(arg);
        let Some(mut ty) = worker.pointee(ty) else {
            continue;
        };
        for _ in 0..4 {
            ty = match worker.shape(ty) {
                Type::Pointer(elem) | Type::Slice(elem) | Type::Map(_, elem) => elem,
                _ => break,
            };
        }
        if matches!(worker.shape(ty), Type::Struct(_)) {
            return Some(ty);
        }
    }
    None
}

/// Whether the tags of all structs of a chain say how they are written, and that of its
/// field that an empty map is not.
pub(crate) fn is_optional(worker: &mut Worker, chain: &Chain) -> bool {
    let tagged = |worker: &mut Worker, owner: TypeId, field: Symbol| -> Option<Symbol> {
        let Type::Struct(fields) = worker.shape(owner) else {
            return None;
        };
        let mut all = fields.fields.iter();
        let index = all.position(|&f| worker.checker.object(f).name == field)?;
        fields.tags.get(index).copied().flatten()
    };
    let (Some(field), Some(&owner)) = (chain.fields.first(), chain.owners.first()) else {
        return false;
    };
    tagged(worker, owner, field.field).is_some_and(|tag| tag.as_str().contains(",omitempty"))
}

/// The name of a field in the input; none in it where its tag says none. Fields that no
/// decoder fills have no key at all.
fn key(worker: &mut Worker, owner: TypeId, field: Symbol) -> Option<Option<Symbol>> {
    let Type::Struct(fields) = worker.shape(owner) else {
        return None;
    };
    let index = fields
        .fields
        .iter()
        .position(|&f| worker.checker.object(f).name == field)?;
    let Some(Some(tag)) = fields.tags.get(index) else {
        return Some(None);
    };
    const FORMATS: [&str; 9] = [
        "json:",
        "yaml:",
        "toml:",
        "mapstructure:",
        "msgpack:",
        "bson:",
        "hcl:",
        "wrp:",
        "xml:",
    ];
    let mut parts = tag.as_str().split('"');
    let value = loop {
        let Some(name) = parts.next() else {
            return Some(None);
        };
        let value = parts.next()?;
        if FORMATS.contains(&name.trim_start()) {
            break value;
        }
    };
    match value.split(',').next()? {
        "-" => None,
        "" => Some(None),
        name => Some(Some(Symbol::new(name))),
    }
}

/// Whether the type has a say in how it is decoded.
fn makes_itself(worker: &mut Worker, owner: TypeId) -> bool {
    const OWN: [&str; 6] = [
        "UnmarshalJSON",
        "UnmarshalYAML",
        "UnmarshalTOML",
        "UnmarshalText",
        "UnmarshalBinary",
        "GobDecode",
    ];
    OWN.iter().any(|name| worker.has_method(owner, name))
}

/// Whether a type of a package is generated from a message description: it has the
/// methods of one.
pub(crate) fn is_message(worker: &Worker, package: PackageId, name: Symbol) -> bool {
    worker.world.files(package).iter().any(|&file| {
        let tree = worker.world.file(file).tree;
        let ast = &tree.ast;
        tree.decls.iter().any(|&decl| {
            let DeclKind::Func(func) = ast.decl(decl).kind else {
                return false;
            };
            let func = ast.func(func);
            if !matches!(func.name.name.as_str(), "ProtoMessage" | "ProtoReflect") {
                return false;
            }
            let Some(receiver) = func.recv.and_then(|list| ast.fields(list).first()) else {
                return false;
            };
            match ast.expr(ast.unparen(receiver.ty)).kind {
                ExprKind::Star(x) => matches!(ast.expr(x).kind, ExprKind::Ident(n) if n == name),
                ExprKind::Ident(n) => n == name,
                _ => false,
            }
        })
    })
}
