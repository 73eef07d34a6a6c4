//! One package: from its functions to what can go wrong in it.

use crate::engine::NilWrite;
use crate::fields::{LeftNil, left_nil};
use crate::lost::LostMap;
use crate::names_index::{FuncRef, Maker, MakerForm, NamesIndex};
use crate::origin::{Loc, Origin, OriginKind};
use crate::spelling::{self, WrittenMap};
use crate::summary::{FieldName, Given, Need, Write};
use crate::term::Root;
use crate::unit::UnitAnalysis;
use crate::worker::{Worker, is_exported};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tophash_flow::FnId;
use tophash_syntax::ast::{ExprKind, SpecKind};
use tophash_syntax::{Import, Symbol, ast};
use tophash_types::{FileId, PackageId};

/// What can go wrong in a package.
#[derive(Default)]
pub struct PackageFacts {
    /// Writes to maps that are nil on a way through the functions of the package.
    pub nil_writes: Vec<NilWrite>,
    /// Fields that are written and that no way of making their struct gives a value.
    pub never_made: Vec<NeverMade>,
    /// Fields that something leaves nil and that are written without a check.
    pub left_nil: Vec<LeftNil>,
    /// Maps that a function makes for a caller who never sees them.
    pub lost: Vec<LostMap>,
    /// Maps that can be tested and made, by the write, or by the call that passes them.
    pub written: BTreeMap<Loc, WrittenMap>,
}

/// A map field that is written though nothing ever makes it.
pub struct NeverMade {
    /// The field.
    pub field: FieldName,
    /// Its type, as the package writes it.
    pub ty: Option<Rc<str>>,
    /// Whether nothing tells an empty map in it from none: it is unexported, and the package
    /// never compares it.
    pub is_private: bool,
    /// The field's declaration.
    pub declared: Option<Loc>,
    /// Functions, literals and variables that make the struct, constructors first.
    pub makers: Vec<FieldMaker>,
    /// The writes, in the order of the source.
    pub writes: Vec<Rc<Write>>,
}

/// Where a struct is made without one of its fields.
pub struct FieldMaker {
    /// Where.
    pub at: Loc,
    /// The function around it, by its own name; none at package level.
    pub function: Option<Rc<str>>,
    /// Where in a literal `field: value` can be inserted, with whether other elements
    /// follow; none if it is no literal.
    pub insert: Option<(u32, bool)>,
}

/// Analyses the functions of a package that may write to maps.
pub fn analyse_package(worker: &mut Worker, package: PackageId) -> PackageFacts {
    worker.begin(package);
    let takers = worker.takers_seen_from(package);
    let index = Rc::new(NamesIndex::new(worker.world, package, &takers));
    worker.index = index.clone();
    freeze_globals(worker, package, &index);
    let mut facts = PackageFacts::default();
    let mut seen = BTreeSet::new();
    let mut needs: Vec<Need> = Vec::new();
    let mut unmade: BTreeMap<FieldName, Vec<Rc<Write>>> = BTreeMap::new();
    let mut writers = Vec::new();
    for &func in &index.writers {
        if let Some(unit) = worker.unit(func.file, func.func) {
            facts.lost.extend(crate::lost::lost(worker, &unit.unit));
        }
        let Some(unit) = analyse(worker, func, false, &mut seen, &mut facts) else {
            continue;
        };
        needs.extend(unit.closure(worker, FnId::ROOT).needs.iter().cloned());
        for write in unit.unmade() {
            if let Some(field) = &write.field {
                unmade.entry(field.clone()).or_default().push(write);
            }
        }
        writers.push((func, unit));
    }
    for &func in &index.copies {
        if !index.writers.contains(&func)
            && let Some(unit) = worker.unit(func.file, func.func)
        {
            facts.lost.extend(crate::lost::lost(worker, &unit.unit));
        }
    }
    let fields = fields_needed(worker, package, &needs);
    // Who makes such a struct may reach the write with it.
    for field in &fields {
        for maker in index.makers_of(field.owner) {
            if let Some(func) = maker.func {
                analyse(worker, func, true, &mut seen, &mut facts);
            }
        }
    }
    for func in foreign_makers(worker, package, &index) {
        analyse(worker, func, true, &mut seen, &mut facts);
    }
    let known: BTreeSet<Loc> = facts
        .nil_writes
        .iter()
        .map(|found| found.write.at)
        .chain(unmade.values().flatten().map(|write| write.at))
        .collect();
    facts.left_nil = left_nil(worker, package, &index, &writers, &known);
    for (field, writes) in unmade {
        facts
            .never_made
            .extend(never_made(worker, package, &index, field, writes));
    }
    facts.written = spelling::written(worker, &facts);
    facts
}

/// Analyses a function, once.
fn analyse(
    worker: &mut Worker,
    func: FuncRef,
    whole: bool,
    seen: &mut BTreeSet<(FuncRef, bool)>,
    facts: &mut PackageFacts,
) -> Option<Rc<UnitAnalysis>> {
    if !seen.insert((func, whole)) {
        return None;
    }
    let unit = worker.unit(func.file, func.func)?;
    if !whole && !unit.writes_maps() && !unit.hands_over_maps(worker) {
        return None;
    }
    facts.nil_writes.extend(unit.nil_writes(worker));
    Some(unit)
}

/// Unexported maps at package level that are declared without a value and never given one.
fn freeze_globals(worker: &mut Worker, package: PackageId, index: &NamesIndex) {
    worker.frozen.clear();
    let path = worker.world.path(package);
    for &(name, at) in &index.bare_globals {
        if is_exported(name) || index.given.contains(&name) {
            continue;
        }
        let origin = worker.origins.intern(Origin {
            kind: OriginKind::Declared,
            at,
            function: "".into(),
            name: Some(name),
        });
        worker.frozen.insert(Root::Global(path, name), origin);
    }
}

/// Fields of the package's structs that functions write as they are given them.
fn fields_needed(worker: &mut Worker, package: PackageId, needs: &[Need]) -> BTreeSet<FieldName> {
    let path = worker.world.path(package);
    let given = needs
        .iter()
        .filter(|need| matches!(need.map, Given::Field(..)) && need.via.is_empty());
    given
        .filter_map(|need| need.write.field.clone())
        .filter(|field| field.package == path)
        .collect()
}

/// Functions that make a struct of another package with maps in it, where the bodies of
/// that package's functions can be seen.
fn foreign_makers(worker: &mut Worker, package: PackageId, index: &NamesIndex) -> Vec<FuncRef> {
    let mut makers = Vec::new();
    for &(func, qualifier, name) in &index.foreign_makers {
        let Some(import) = imported(worker, package, func.file, qualifier) else {
            continue;
        };
        let structs = worker.structs(import);
        if structs.get(&name).is_some_and(|index| index.has_map) {
            makers.push(func);
        }
    }
    makers
}

/// The package that a name in front of a dot means in a file.
fn imported(
    worker: &Worker,
    package: PackageId,
    file: FileId,
    qualifier: Symbol,
) -> Option<PackageId> {
    let is_meant = |import: &Import| match import.name {
        Some(name) => name.name == qualifier,
        // Most packages are called what their path ends with.
        None => import.path.as_str().ends_with(qualifier.as_str()),
    };
    let import = worker.world.file(file).tree.imports().find(is_meant)?;
    worker.world.import(package, import.path)
}

/// A field that is written, and that nothing in the package ever gives a value.
fn never_made(
    worker: &mut Worker,
    package: PackageId,
    index: &NamesIndex,
    field: FieldName,
    mut writes: Vec<Rc<Write>>,
) -> Option<NeverMade> {
    let mut makers = index.makers_of(field.owner);
    if makers.is_empty() {
        return None;
    }
    let own: Vec<Loc> = index
        .makers
        .get(&field.owner)
        .into_iter()
        .flatten()
        .map(|m| m.at)
        .collect();
    let name = |maker: &Maker| {
        let func = maker.func?;
        let file = worker.world.file(func.file);
        Some(file.tree.ast.func(func.func).name.name)
    };
    makers.sort_by_key(|maker| {
        let constructor = name(maker).is_some_and(|name| {
            let name = name.as_str();
            name.starts_with("New") || name.starts_with("new")
        });
        (!constructor, maker.form, maker.at)
    });
    let makers = makers
        .into_iter()
        .map(|maker| FieldMaker {
            at: maker.at,
            function: name(&maker).map(|name| name.as_str().into()),
            insert: (maker.form == MakerForm::Literal && own.contains(&maker.at))
                .then(|| insertion(worker, maker.at))
                .flatten(),
        })
        .collect();
    writes.sort_by_key(|write| write.at);
    writes.dedup_by_key(|write| write.at);
    let (declared, ty) = declaration(worker, package, &field);
    let is_private = !is_exported(field.field) && !is_compared(worker, package, field.field);
    Some(NeverMade {
        field,
        ty,
        is_private,
        declared,
        makers,
        writes,
    })
}

/// Whether anything in a package compares a field of that name.
fn is_compared(worker: &Worker, package: PackageId, name: Symbol) -> bool {
    worker.world.files(package).iter().any(|&file| {
        let ast = &worker.world.file(file).tree.ast;
        let is_it = |expr| {
            matches!(ast.expr(ast.unparen(expr)).kind,
                ExprKind::Selector { name: other, .. } if other == name)
        };
        (0..ast.expr_count()).any(|n| match ast.expr(ast::ExprId::from_index(n)).kind {
            ExprKind::Binary {
                op: ast::BinaryOp::Eql | ast::BinaryOp::Neq,
                x,
                y,
            } => is_it(x) || is_it(y),
            _ => false,
        })
    })
}

/// Behind the opening brace of a literal, and whether it has elements.
fn insertion(worker: &Worker, at: Loc) -> Option<(u32, bool)> {
    let file = worker.world.file(at.file);
    let ast = &file.tree.ast;
    (0..ast.expr_count())
        .map(|n| ast.expr(ast::ExprId::from_index(n)))
        .find_map(|expr| match expr.kind {
            ExprKind::CompositeLit {
                ty: Some(ty),
                elems,
            } if expr.span == at.span => {
                let from = ast.expr(ty).span.end;
                let text = file.source.get(from as usize..expr.span.end as usize)?;
                let brace = text.iter().position(|&b| b == b'{')? as u32;
                Some((from + brace + 1, !elems.is_empty()))
            }
            _ => None,
        })
}

/// Where a field is declared, and its type as written there.
fn declaration(
    worker: &mut Worker,
    package: PackageId,
    field: &FieldName,
) -> (Option<Loc>, Option<Rc<str>>) {
    for &id in worker.world.files(package) {
        let file = worker.world.file(id);
        let ast = &file.tree.ast;
        for &decl in &file.tree.decls {
            let ast::DeclKind::Gen { specs, .. } = ast.decl(decl).kind else {
                continue;
            };
            for &spec in ast.list(specs) {
                let SpecKind::Type {
                    name,
                    ty,
                    type_params,
                    ..
                } = ast.spec(spec).kind
                else {
                    continue;
                };
                let ExprKind::StructType(list) = ast.expr(ty).kind else {
                    continue;
                };
                if name.name != field.owner {
                    continue;
                }
                for member in ast.fields(list) {
                    let names = ast.list(member.names);
                    if let Some(ident) = names.iter().find(|n| n.name == field.field) {
                        let text = ast.expr(member.ty).span.of(file.source);
                        let at = Loc {
                            file: id,
                            span: ident.span,
                        };
                        // What a type parameter stands for is not the same everywhere.
                        let text = std::str::from_utf8(text).ok();
                        let text = text.filter(|_| type_params.is_none());
                        return (Some(at), text.map(Rc::from));
                    }
                }
            }
        }
    }
    (None, None)
}
