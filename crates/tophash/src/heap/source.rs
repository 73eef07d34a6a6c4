//! What the program's source says of the lines of a profile: which map each works on, and of
//! which type.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use tophash_finding::Place;
use tophash_profile::Frame;
use tophash_profile::shape::Role;
use tophash_profile::site::LineMap;
use tophash_rules::Options;
use tophash_runtime::types::GoType;
use tophash_syntax::ast::{DeclKind, ExprId, ExprKind, GenTok, SpecKind, StmtKind};
use tophash_syntax::walk::Node;
use tophash_syntax::{Ast, File};
use tophash_types::{
    Checker, FileId, ObjId, ObjKind, Program, SelectionKind, Type, TypeId, TypedBody, VarKind,
    World,
};

use crate::crash::tree::{Tree, parent};
use crate::size::convert::Converter;

/// The source below a directory.
pub(super) struct SourceLines {
    tree: Tree,
    variables: Vec<(String, String)>,
    /// By directory.
    packages: RefCell<HashMap<String, Rc<Lines>>>,
}

/// Maps by file and line. Of several on a line that which is written to comes first.
type Lines = HashMap<(String, u32), Vec<Arc<LineMap>>>;

impl SourceLines {
    /// Lists the files below a directory.
    ///
    /// # Errors
    /// There is no such directory.
    pub(super) fn open(dir: &Path) -> std::io::Result<SourceLines> {
        let variables = std::env::vars_os();
        Ok(SourceLines {
            tree: Tree::open(dir)?,
            variables: variables
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
            packages: RefCell::default(),
        })
    }

    /// The map that a frame's line works on.
    pub(super) fn locate(&self, frame: &Frame<'_>) -> Option<Arc<LineMap>> {
        let source = self.tree.find(&tophash_crash::Frame {
            function: frame.function.to_owned(),
            file: frame.file.to_owned(),
            line: frame.line,
            inlined: false,
        })?;
        let lines = self.package(parent(&source.path));
        let maps = lines.get(&(source.path.clone(), frame.line))?;
        maps.first().cloned()
    }

    /// What the lines of a package say, read once.
    fn package(&self, dir: &str) -> Rc<Lines> {
        if let Some(known) = self.packages.borrow().get(dir) {
            return Rc::clone(known);
        }
        let lines = Rc::new(self.read(dir));
        let mut packages = self.packages.borrow_mut();
        packages.insert(dir.to_owned(), Rc::clone(&lines));
        lines
    }

    fn read(&self, dir: &str) -> Lines {
        let Ok(top) = std::path::absolute(self.tree.dir()) else {
            return Lines::new();
        };
        let workspace = Options {
            dir: top.join(dir),
            patterns: vec![".".to_owned()],
            tests: false,
            variables: self.variables.clone(),
            ..Options::default()
        }
        .open();
        let program = Program::new(&workspace);
        let mut reader = Reader {
            checker: Checker::new(&program),
            shown: String::new(),
            path: String::new(),
            text: Vec::new(),
            package: String::new(),
            names: HashMap::new(),
            pools: HashMap::new(),
            found: Vec::new(),
        };
        for &root in workspace.roots() {
            let path = program.path(program.package_id(root));
            reader.package = format!("{}.", path.as_str());
            for &file in program.files(program.package_id(root)) {
                let source = workspace.file(program.workspace_file(file));
                let Some(name) = source.path.file_name().and_then(|n| n.to_str()) else {
                    continue;
                };
                reader.path = match dir {
                    "" => name.to_owned(),
                    dir => format!("{dir}/{name}"),
                };
                reader.shown = self.tree.shown(&reader.path);
                let source = program.file(file);
                reader.text = source.source.to_vec();
                reader.file(file, source.tree);
            }
        }
        let mut lines = Lines::new();
        let mut found = reader.found;
        found.sort_by_key(|(rank, ..)| *rank);
        for (_, path, from, to, map) in found {
            for line in from..=to {
                let maps = lines.entry((path.clone(), line)).or_default();
                maps.push(Arc::clone(&map));
            }
        }
        lines
    }
}

/// How sure it is that a line's memory is this map's, the surest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Written,
    Made,
    Literal,
    Passed,
    Read,
}

/// A map's name and what tells it from others.
#[derive(Clone)]
struct Name {
    name: String,
    owner: String,
    local: bool,
    pool: Option<String>,
}

struct Reader<'w> {
    checker: Checker<'w>,
    /// The file at hand, below the directory and as reports show it.
    path: String,
    shown: String,
    text: Vec<u8>,
    /// The package's path with the dot behind it, as it stands before its own types.
    package: String,
    /// What `make` and literals are assigned to.
    names: HashMap<ExprId, Name>,
    /// Pools that local variables were taken from.
    pools: HashMap<ObjId, String>,
    /// With rank, file, first and last line.
    found: Vec<(Rank, String, u32, u32, Arc<LineMap>)>,
}

impl Reader<'_> {
    fn file(&mut self, id: FileId, file: &File) {
        let body = self.checker.check_initialisers(id);
        for &decl in &file.decls {
            match file.ast.decl(decl).kind {
                DeclKind::Gen {
                    tok: GenTok::Var, ..
                } => self.body(&body, file, Node::Decl(decl)),
                DeclKind::Func(func) => {
                    let body = self.checker.check_body(id, func);
                    self.body(&body, file, Node::Decl(decl));
                }
                _ => {}
            }
        }
    }

    fn body(&mut self, body: &TypedBody, file: &File, root: Node) {
        let ast = &file.ast;
        self.names.clear();
        self.pools.clear();
        let mut written: Vec<ExprId> = Vec::new();
        // Names first: what is made is assigned further out.
        ast.walk(root, |node| {
            match node {
                Node::Stmt(stmt) => match ast.stmt(stmt).kind {
                    StmtKind::Assign { lhs, rhs, .. } => {
                        let (lhs, rhs) = (ast.list(lhs), ast.list(rhs));
                        written.extend(lhs);
                        for (&to, &value) in lhs.iter().zip(rhs) {
                            self.assigned(body, file, to, value);
                        }
                    }
                    StmtKind::IncDec { x, .. } => written.push(x),
                    _ => {}
                },
                Node::Spec(spec) => {
                    if let SpecKind::Value { names, values, .. } = ast.spec(spec).kind {
                        for (name, &value) in ast.list(names).iter().zip(ast.list(values)) {
                            let object = body.definition(name.span.start);
                            let known = object.map(|object| self.variable(object));
                            self.name(ast, value, known);
                        }
                    }
                }
                Node::Expr(expr) => {
                    if let ExprKind::CompositeLit { elems, .. } = ast.expr(expr).kind {
                        for &elem in ast.list(elems) {
                            self.field(body, ast, expr, elem);
                        }
                    }
                }
                _ => {}
            }
            true
        });
        ast.walk(root, |node| {
            if let Node::Expr(expr) = node {
                self.expr(body, file, expr, &written);
            }
            true
        });
    }

    /// `to = value`: what is made gets its name, what is taken from a pool its pool.
    fn assigned(&mut self, body: &TypedBody, file: &File, to: ExprId, value: ExprId) {
        let ast = &file.ast;
        let object = self.object(body, file, to);
        if let Some(object) = object
            && let Some(pool) = self.pool(body, file, value)
        {
            self.pools.insert(object, pool);
        }
        let name = self.named(body, file, to);
        self.name(ast, value, Some(name));
    }

    /// `pool.Get().(map[K]V)`: the pool as written.
    fn pool(&mut self, body: &TypedBody, file: &File, value: ExprId) -> Option<String> {
        let ast = &file.ast;
        let ExprKind::TypeAssert { x, .. } = ast.expr(ast.unparen(value)).kind else {
            return None;
        };
        let ExprKind::Call { fun, .. } = ast.expr(ast.unparen(x)).kind else {
            return None;
        };
        let ExprKind::Selector { x, name, .. } = ast.expr(fun).kind else {
            return None;
        };
        let ty = body.type_of(x);
        let ty = self.checker.type_string(ty);
        let is_pool = name.as_str() == "Get" && ty.trim_start_matches('*') == "sync.Pool";
        is_pool.then(|| self.words(file, x))
    }

    fn name(&mut self, ast: &Ast, value: ExprId, name: Option<Name>) {
        if let Some(name) = name {
            self.names.insert(ast.unparen(value), name);
        }
    }

    /// `T{f: make(...)}`
    fn field(&mut self, body: &TypedBody, ast: &Ast, literal: ExprId, elem: ExprId) {
        let ExprKind::KeyValue { key, value } = ast.expr(elem).kind else {
            return;
        };
        let (ExprKind::Ident(field), Some(object)) = (ast.expr(key).kind, body.object(key)) else {
            return;
        };
        let ty = body.type_of(literal);
        let name = Name {
            name: format!("{}.{}", self.type_name(ty), field.as_str()),
            owner: self.place_of(object),
            local: false,
            pool: None,
        };
        self.name(ast, value, Some(name));
    }

    fn object(&self, body: &TypedBody, file: &File, x: ExprId) -> Option<ObjId> {
        let span = file.ast.expr(x).span;
        body.object(x).or_else(|| body.definition(span.start))
    }

    fn variable(&mut self, object: ObjId) -> Name {
        Name {
            name: self.checker.object(object).name.as_str().to_owned(),
            owner: self.place_of(object),
            local: !matches!(
                self.checker.object(object).kind,
                ObjKind::Var(VarKind::Package | VarKind::Field { .. })
            ),
            pool: self.pools.get(&object).cloned(),
        }
    }

    /// Where an object is declared, which is what it is told apart by.
    fn place_of(&self, object: ObjId) -> String {
        let object = self.checker.object(object);
        let origin = object.origin.map(|origin| self.checker.object(origin));
        match origin.and_then(|o| o.place).or(object.place) {
            Some(place) => format!("{:?}", place),
            None => object.name.as_str().to_owned(),
        }
    }

    /// The name of a defined type, pointers left out; the whole type if it has none.
    fn type_name(&mut self, ty: TypeId) -> String {
        let mut ty = self.checker.unalias(ty);
        if let Type::Pointer(to) = *self.checker.ty(ty) {
            ty = self.checker.unalias(to);
        }
        match *self.checker.ty(ty) {
            Type::Named(named) => {
                let object = self.checker.named(named).obj;
                self.checker.object(object).name.as_str().to_owned()
            }
            _ => self.checker.type_string(ty),
        }
    }

    /// The name of the map that an expression denotes.
    fn named(&mut self, body: &TypedBody, file: &File, x: ExprId) -> Name {
        let ast = &file.ast;
        let x = ast.unparen(x);
        match ast.expr(x).kind {
            ExprKind::Ident(_) => {
                if let Some(object) = self.object(body, file, x) {
                    return self.variable(object);
                }
            }
            ExprKind::Selector { x: base, name, .. } => {
                if let Some(selection) = body.selection(x)
                    && selection.kind == SelectionKind::Field
                {
                    let ty = body.type_of(base);
                    return Name {
                        name: format!("{}.{}", self.type_name(ty), name.as_str()),
                        owner: self.place_of(selection.obj),
                        local: false,
                        pool: None,
                    };
                }
                if let Some(object) = body.object(x) {
                    return self.variable(object);
                }
            }
            ExprKind::Star(inner) => return self.named(body, file, inner),
            _ => {}
        }
        // `m[a][b]`: the inner maps of m.
        let mut name = Name {
            name: self.words(file, x),
            owner: format!("{}:{}", self.path, ast.expr(x).span.start),
            local: false,
            pool: None,
        };
        if let ExprKind::Index { x: outer, .. } = ast.expr(x).kind {
            let outer = self.named(body, file, outer);
            name.owner = format!("{} elements", outer.owner);
            name.name = format!("{}[...]", outer.name);
        }
        name
    }

    fn expr(&mut self, body: &TypedBody, file: &File, expr: ExprId, written: &[ExprId]) {
        let ast = &file.ast;
        match ast.expr(expr).kind {
            ExprKind::Index { x, .. } => {
                let rank = match written.contains(&expr) {
                    true => Rank::Written,
                    false => Rank::Read,
                };
                let ty = body.type_of(x);
                let name = self.named(body, file, x);
                self.add(file, expr, ty, name, rank);
            }
            ExprKind::CompositeLit { .. } => self.made(body, file, expr, Rank::Literal),
            ExprKind::Call { fun, args, .. } => {
                let is_make =
                    matches!(ast.expr(fun).kind, ExprKind::Ident(f) if f.as_str() == "make");
                if is_make || self.is_map(body.type_of(expr)) {
                    return self.made(body, file, expr, Rank::Made);
                }
                // `maps.Copy(dst, src)`, `json.Unmarshal(data, &m)`.
                for &arg in ast.list(args) {
                    let inner = match ast.expr(ast.unparen(arg)).kind {
                        ExprKind::Unary { x, .. } => x,
                        _ => arg,
                    };
                    let ty = body.type_of(inner);
                    if self.is_map(ty) {
                        let name = self.named(body, file, inner);
                        return self.add(file, expr, ty, name, Rank::Passed);
                    }
                }
            }
            _ => {}
        }
    }

    /// The source of an expression, on one line.
    fn words(&self, file: &File, x: ExprId) -> String {
        let span = file.ast.expr(x).span;
        let text = String::from_utf8_lossy(span.of(&self.text)).into_owned();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn is_map(&mut self, ty: TypeId) -> bool {
        let under = self.checker.underlying(ty);
        matches!(self.checker.ty(under), Type::Map(..))
    }

    /// `make(map[K]V)`, a literal, a call that gives a map.
    fn made(&mut self, body: &TypedBody, file: &File, expr: ExprId, rank: Rank) {
        let ty = body.type_of(expr);
        let name = self.names.get(&expr).cloned();
        let name = name.unwrap_or_else(|| Name {
            name: self.checker.type_string(ty),
            owner: format!("{}:{}", self.path, file.ast.expr(expr).span.start),
            local: true,
            pool: None,
        });
        self.add(file, expr, ty, name, rank);
    }

    fn add(&mut self, file: &File, expr: ExprId, ty: TypeId, name: Name, rank: Rank) {
        if !self.is_map(ty) {
            return;
        }
        let under = self.checker.underlying(ty);
        let Type::Map(_, elem) = *self.checker.ty(under) else {
            return;
        };
        let type_name = self.checker.type_string(ty);
        let type_name = unqualified(&type_name.replace(&self.package, ""));
        let mut converter = Converter::new(&mut self.checker);
        let parts = converter.map_parts(ty).ok();
        let parts: Option<(Arc<GoType>, Arc<GoType>)> = parts
            .and_then(|parts| <[Arc<GoType>; 2]>::try_from(parts).ok())
            .map(|[key, elem]| (key, elem));
        let elem = self.checker.underlying(elem);
        let target = match *self.checker.ty(elem) {
            Type::Pointer(to) => Converter::new(&mut self.checker).convert(to).ok(),
            _ => None,
        };
        let span = file.ast.expr(expr).span;
        let (start, end) = (file.position(span.start), file.position(span.end));
        let role = match rank {
            Rank::Written | Rank::Read => Role::Assign,
            Rank::Made => Role::Make,
            Rank::Literal | Rank::Passed => Role::Any,
        };
        let map = Arc::new(LineMap {
            name: name.name,
            owner: name.owner,
            type_name,
            parts,
            target,
            role,
            local: name.local,
            pool: name.pool,
            place: Place::new(&self.shown, start, end),
        });
        (self.found).push((rank, self.path.clone(), start.0, end.0, map));
    }
}

/// A type without the paths of packages: `map[string]*cache.Entry`.
fn unqualified(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars() {
        match c {
            '/' => word.clear(),
            c if c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '~') => word.push(c),
            c => {
                out.push_str(&word);
                word.clear();
                out.push(c);
            }
        }
    }
    out.push_str(&word);
    out
}
