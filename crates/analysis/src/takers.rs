//! Functions that take maps, told by how they are written.
//!
//! A nil map that is handed over matters where the function it is handed to writes. These
//! names tell which calls may be of that kind, so that the bodies of the functions around
//! all other calls need not be looked at.

use rustc_hash::FxHashSet;
use tophash_syntax::ast::{
    Ast, Body, DeclKind, ExprId, ExprKind, FuncDecl, GenTok, SpecKind, UnaryOp,
};
use tophash_syntax::{File, Symbol};
use tophash_types::{PackageId, World};

/// What a package declares that takes maps.
#[derive(Clone, Default)]
pub(crate) struct Takers {
    /// Defined types that are maps.
    pub map_types: FxHashSet<Symbol>,
    /// Functions and methods with a parameter or receiver that is a map, and that may write
    /// to one or hand it to another function that does.
    pub writers: FxHashSet<Symbol>,
    /// Those that don't, and that may keep a map in what they return.
    pub keepers: FxHashSet<Symbol>,
    /// Functions and methods with a map among their results.
    pub makers: FxHashSet<Symbol>,
}

/// A function that takes a map, and what it calls.
struct Taker<'w> {
    name: Symbol,
    body: &'w [u8],
    /// It returns something that the map may be kept in.
    keeps: bool,
}

impl Takers {
    /// Reads the declarations of a package.
    pub(crate) fn new(world: &dyn World, package: PackageId) -> Takers {
        let mut takers = Takers::default();
        for &file in world.files(package) {
            map_types(world.file(file).tree, &mut takers.map_types);
        }
        let mut open: Vec<Taker> = Vec::new();
        for &id in world.files(package) {
            let file = world.file(id);
            let ast = &file.tree.ast;
            for &decl in &file.tree.decls {
                if let DeclKind::Func(func) = ast.decl(decl).kind {
                    open.extend(takers.function(ast, ast.func(func), file.source));
                }
            }
        }
        // Those that only call others which write.
        loop {
            let (found, rest): (Vec<_>, Vec<_>) = open
                .into_iter()
                .partition(|taker| takers.calls_writer(taker.body));
            if found.is_empty() {
                let kept = rest.iter().filter(|taker| taker.keeps);
                takers.keepers = kept.map(|taker| taker.name).collect();
                return takers;
            }
            takers.writers.extend(found.iter().map(|taker| taker.name));
            open = rest;
        }
    }

    /// Notes a function; gives it if it takes a map without writing to one itself.
    fn function<'w>(&mut self, ast: &Ast, func: &FuncDecl, source: &'w [u8]) -> Option<Taker<'w>> {
        let name = func.name.name;
        let signature = ast.func_type(func.ty);
        let mut results = signature
            .results
            .into_iter()
            .flat_map(|list| ast.fields(list));
        if results.any(|field| self.is_map(ast, field.ty)) {
            self.makers.insert(name);
        }
        let bounds = signature.type_params.into_iter();
        let maps: Vec<Symbol> = bounds
            .flat_map(|list| ast.fields(list))
            .filter(|field| self.is_map(ast, field.ty))
            .flat_map(|field| ast.list(field.names).iter().map(|name| name.name))
            .collect();
        let is_param = |ty: ExprId| matches!(ast.expr(ast.unparen(ty)).kind, ExprKind::Ident(name) if maps.contains(&name));
        let mut types = func
            .recv
            .into_iter()
            .chain([signature.params])
            .flat_map(|list| ast.fields(list))
            .map(|field| field.ty);
        if !types.any(|ty| self.is_map(ast, ty) || is_param(ty)) {
            return None;
        }
        let extent = match func.body {
            Body::Block(block) => ast.stmt(block).span,
            Body::Skipped(extent) => extent,
            Body::None => return None,
        };
        let body = extent.of(source);
        if writes(body) {
            self.writers.insert(name);
            return None;
        }
        let keeps = signature.results.is_some() && body.contains(&b'{');
        Some(Taker { name, body, keeps })
    }

    /// Whether a text calls something by the name of a function that writes.
    fn calls_writer(&self, body: &[u8]) -> bool {
        let is_word = |b: u8| b == b'_' || b.is_ascii_alphanumeric() || b >= 0x80;
        let mut start = 0;
        (0..body.len()).any(|n| {
            if is_word(body[n]) {
                return false;
            }
            let word = &body[start..n];
            start = n + 1;
            body[n] == b'('
                && std::str::from_utf8(word)
                    .is_ok_and(|word| !word.is_empty() && self.writers.contains(&Symbol::new(word)))
        })
    }

    /// Whether a type is written as a map, or as one of the package's types that are. A
    /// type of another package may be one.
    fn is_map(&self, ast: &Ast, ty: ExprId) -> bool {
        match ast.expr(ast.unparen(ty)).kind {
            ExprKind::MapType { .. } => true,
            ExprKind::Ident(name) => self.map_types.contains(&name),
            ExprKind::Selector { name, .. } => is_known_map(name),
            ExprKind::Index { x, .. } | ExprKind::IndexList { x, .. } => self.is_map(ast, x),
            ExprKind::Star(x) => self.is_map(ast, x),
            ExprKind::Ellipsis { elem: Some(x) } => self.is_map(ast, x),
            // The bound of a type parameter: `~map[K]V`.
            ExprKind::Unary {
                op: UnaryOp::Tilde,
                x,
            } => self.is_map(ast, x),
            _ => false,
        }
    }
}

/// Whether a text has something that may be a write to a map.
fn writes(body: &[u8]) -> bool {
    const WRITES: [&[u8]; 8] = [
        b"] = ", b"]++", b"]--", b"] += ", b"] |= ", b"maps.", b".Set(", b".Add(",
    ];
    body.iter().enumerate().any(|(n, b)| {
        matches!(b, b']' | b'm' | b'.') && WRITES.iter().any(|write| body[n..].starts_with(write))
    })
}

/// Names that map types of libraries in wide use have.
fn is_known_map(name: Symbol) -> bool {
    matches!(
        name.as_str(),
        "Header" | "Values" | "MIMEHeader" | "MD" | "Set" | "Labels" | "Fields" | "ResourceList"
    )
}

fn map_types(tree: &File, names: &mut FxHashSet<Symbol>) {
    let ast = &tree.ast;
    for spec in tree.specs(GenTok::Type) {
        if let SpecKind::Type { name, ty, .. } = ast.spec(spec).kind
            && matches!(ast.expr(ast.unparen(ty)).kind, ExprKind::MapType { .. })
        {
            names.insert(name.name);
        }
    }
}
