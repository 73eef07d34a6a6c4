//! Maps that are written, as code beside the write can name and make them.

use crate::origin::Loc;
use crate::package::PackageFacts;
use crate::worker::{Worker, is_exported};
use std::collections::BTreeMap;
use std::rc::Rc;
use tophash_syntax::ast::{self, Body, ChanDir, ExprId, ExprKind, FuncId};
use tophash_syntax::{Span, Symbol};
use tophash_types::{Basic, FileId, Mode, ObjId, PackageId, Type, TypeId, TypedBody};

/// A map that can be tested and replaced where it is written.
#[derive(Clone, Debug)]
pub struct WrittenMap {
    /// Its expression, which can be evaluated once more and be assigned.
    pub operand: Span,
    /// Its type in the words of the file.
    pub ty: Rc<str>,
}

/// Deepest nesting of types that is spelled.
const MAX_NESTING: usize = 8;

/// The maps behind a package's findings, by the write or the call that passes them.
pub(crate) fn written(worker: &mut Worker, facts: &PackageFacts) -> BTreeMap<Loc, WrittenMap> {
    let mut asked: Vec<(Loc, Rc<str>)> = Vec::new();
    for found in &facts.nil_writes {
        asked.push((found.write.at, found.write.map.clone()));
        if let (Some(text), Some(step)) = (&found.argument, found.via.first()) {
            asked.push((step.at, text.clone()));
        }
    }
    let left = facts.left_nil.iter().flat_map(|left| &left.writes);
    let never = facts.never_made.iter().flat_map(|never| &never.writes);
    asked.extend(left.chain(never).map(|write| (write.at, write.map.clone())));
    let mut written = BTreeMap::new();
    for (at, text) in asked {
        if let Some(map) = find(worker, at, &text) {
            written.insert(at, map);
        }
    }
    written
}

/// The map of a write, or of that text among what a call is given.
fn find(worker: &mut Worker, at: Loc, text: &str) -> Option<WrittenMap> {
    let file = worker.world.file(at.file);
    let ast = &file.tree.ast;
    let func = (0..ast.func_count())
        .map(FuncId::from_index)
        .find(|&func| match ast.func(func).body {
            Body::Block(block) => {
                let span = ast.stmt(block).span;
                span.start <= at.span.start && at.span.end <= span.end
            }
            _ => false,
        })?;
    let body = worker.body(at.file, func);
    let is_text = |&expr: &ExprId| ast.expr(expr).span.of(file.source) == text.as_bytes();
    let operand = body
        .exprs()
        .filter(|&expr| ast.expr(expr).span == at.span)
        .find_map(|expr| match ast.expr(expr).kind {
            ExprKind::Index { x, .. } => Some(x),
            ExprKind::Call { fun, args, .. } => {
                let receiver = match ast.expr(ast.unparen(fun)).kind {
                    ExprKind::Selector { x, .. } => Some(x),
                    _ => None,
                };
                let mut given = receiver.into_iter().chain(ast.list(args).iter().copied());
                given.find(is_text)
            }
            _ => None,
        })?;
    let operand = ast.unparen(operand);
    let assignable = matches!(body.mode(operand), Mode::Variable | Mode::MapIndex);
    if !assignable || !is_pure(ast, operand) {
        return None;
    }
    let ty = body.type_of(operand);
    let underlying = worker.checker.underlying(ty);
    if !matches!(worker.checker.ty(underlying), Type::Map(..)) {
        return None;
    }
    let speller = Speller {
        package: worker.world.package_of(at.file),
        file: at.file,
        body: &body,
    };
    let mut out = String::new();
    speller.ty(worker, ty, 0, &mut out)?;
    Some(WrittenMap {
        operand: ast.expr(operand).span,
        ty: out.into(),
    })
}

/// Whether evaluating an expression once more does nothing and gives the same.
fn is_pure(ast: &ast::Ast, expr: ExprId) -> bool {
    match ast.expr(expr).kind {
        ExprKind::Ident(_) | ExprKind::BasicLit(_) => true,
        ExprKind::Paren(x) | ExprKind::Star(x) | ExprKind::Selector { x, .. } => is_pure(ast, x),
        ExprKind::Index { x, index } => is_pure(ast, x) && is_pure(ast, index),
        _ => false,
    }
}

/// Spells types for one function of a file.
struct Speller<'a> {
    package: PackageId,
    file: FileId,
    body: &'a TypedBody,
}

impl Speller<'_> {
    /// Writes a type out; none if the file has no words for it.
    fn ty(&self, worker: &mut Worker, ty: TypeId, depth: usize, out: &mut String) -> Option<()> {
        if depth > MAX_NESTING {
            return None;
        }
        let depth = depth + 1;
        match worker.checker.ty(ty).clone() {
            Type::Basic(basic) => {
                let untyped = basic >= Basic::UntypedBool && basic <= Basic::UntypedNil;
                if untyped || basic == Basic::UnsafePointer {
                    return None;
                }
                self.local(worker, basic.name(), out)
            }
            Type::Pointer(elem) => {
                out.push('*');
                self.ty(worker, elem, depth, out)
            }
            Type::Slice(elem) => {
                out.push_str("[]");
                self.ty(worker, elem, depth, out)
            }
            Type::Array(elem, Some(len)) => {
                out.push_str(&format!("[{len}]"));
                self.ty(worker, elem, depth, out)
            }
            Type::Map(key, elem) => {
                out.push_str("map[");
                self.ty(worker, key, depth, out)?;
                out.push(']');
                self.ty(worker, elem, depth, out)
            }
            Type::Chan(dir, elem) => {
                // `chan (<-chan T)` wants parentheses.
                if matches!(worker.checker.ty(elem), Type::Chan(..)) {
                    return None;
                }
                out.push_str(match dir {
                    ChanDir::Both => "chan ",
                    ChanDir::Send => "chan<- ",
                    ChanDir::Recv => "<-chan ",
                });
                self.ty(worker, elem, depth, out)
            }
            Type::Struct(s) if s.fields.is_empty() => {
                out.push_str("struct{}");
                Some(())
            }
            Type::Interface(i) if i.methods.is_empty() && i.embeddeds.is_empty() => {
                out.push_str("interface{}");
                Some(())
            }
            Type::Signature(s) if !s.variadic => {
                out.push_str("func(");
                self.list(worker, &s.params, depth, out)?;
                out.push(')');
                match &*s.results {
                    [] => Some(()),
                    [one] => {
                        out.push(' ');
                        let ty = worker.checker.object(*one).ty;
                        self.ty(worker, ty, depth, out)
                    }
                    many => {
                        out.push_str(" (");
                        self.list(worker, many, depth, out)?;
                        out.push(')');
                        Some(())
                    }
                }
            }
            Type::Named(id) => {
                let named = worker.checker.named(id).clone();
                self.name(worker, named.obj, out)?;
                self.arguments(worker, &named.targs, depth, out)
            }
            Type::Alias(id) => {
                let alias = worker.checker.alias(id).clone();
                self.name(worker, alias.obj, out)?;
                self.arguments(worker, &alias.targs, depth, out)
            }
            Type::TypeParam(id) => {
                let obj = worker.checker.type_param(id).obj;
                out.push_str(worker.checker.object(obj).name.as_str());
                Some(())
            }
            _ => None,
        }
    }

    fn list(
        &self,
        worker: &mut Worker,
        vars: &[ObjId],
        depth: usize,
        out: &mut String,
    ) -> Option<()> {
        for (n, &var) in vars.iter().enumerate() {
            if n > 0 {
                out.push_str(", ");
            }
            let ty = worker.checker.object(var).ty;
            self.ty(worker, ty, depth, out)?;
        }
        Some(())
    }

    fn arguments(
        &self,
        worker: &mut Worker,
        targs: &[TypeId],
        depth: usize,
        out: &mut String,
    ) -> Option<()> {
        for (n, &targ) in targs.iter().enumerate() {
            out.push_str(if n == 0 { "[" } else { ", " });
            self.ty(worker, targ, depth, out)?;
        }
        if !targs.is_empty() {
            out.push(']');
        }
        Some(())
    }

    /// A name that the function does not give another meaning.
    fn local(&self, worker: &Worker, name: &str, out: &mut String) -> Option<()> {
        let taken = self
            .body
            .definitions()
            .any(|(_, obj)| worker.checker.object(obj).name.as_str() == name);
        out.push_str(name);
        (!taken).then_some(())
    }

    /// The name of a type, with the package's where it is another one's.
    fn name(&self, worker: &Worker, obj: ObjId, out: &mut String) -> Option<()> {
        let object = worker.checker.object(obj);
        let (name, package) = (object.name, object.package);
        let Some(package) = package.filter(|&package| package != self.package) else {
            return self.local(worker, name.as_str(), out);
        };
        if !is_exported(name) {
            return None;
        }
        let qualifier = self.qualifier(worker, worker.world.path(package))?;
        self.local(worker, qualifier.as_str(), out)?;
        out.push('.');
        out.push_str(name.as_str());
        Some(())
    }

    /// What the file calls a package that it imports.
    fn qualifier(&self, worker: &Worker, wanted: Symbol) -> Option<Symbol> {
        let mut imports = worker.world.file(self.file).tree.imports();
        imports.find_map(|import| {
            let package = worker.world.import(self.package, import.path)?;
            if worker.world.path(package) != wanted {
                return None;
            }
            match import.name {
                Some(name) if matches!(name.name.as_str(), "." | "_") => None,
                Some(name) => Some(name.name),
                None => worker.world.name(package),
            }
        })
    }
}
