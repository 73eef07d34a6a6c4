//! Functions whose source alone says that they never return.
//!
//! `fail(t, "...")` that calls `t.Fatal`, `usage()` that exits, `Failf` of a package that
//! panics: where such a call stands, what follows does not run.

use crate::ir::{Divergence, FuncName};
use crate::noreturn::known_divergence;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;
use tophash_syntax::ast::{Ast, Body, ExprId, ExprKind, FuncId, StmtId, StmtKind};
use tophash_syntax::walk::Node;
use tophash_syntax::{File, Import, Symbol};
use tophash_types::{FileId, PackageId, World};

/// Functions that call one another on the way to one that is known not to return.
const MAX_DEPTH: u32 = 4;

/// Parts of the names of functions that may never return. Of a dependency, the bodies of
/// others are not read for this.
const NAMES: [&str; 15] = [
    "fatal",
    "fail",
    "panic",
    "exit",
    "skip",
    "die",
    "abort",
    "throw",
    "crash",
    "bail",
    "usage",
    "quit",
    "must",
    "crit",
    "unreachable",
];

/// What is known by now of which functions never return.
pub struct Endings<'w> {
    world: &'w dyn World,
    known: RefCell<FxHashMap<(FileId, FuncId), Option<Divergence>>>,
    functions: RefCell<FxHashMap<PackageId, Rc<Functions>>>,
}

/// The functions of a package by receiver and name.
type Functions = FxHashMap<(Option<Symbol>, Symbol), (FileId, FuncId)>;

impl<'w> Endings<'w> {
    /// Nothing known yet.
    pub fn new(world: &'w dyn World) -> Endings<'w> {
        Endings {
            world,
            known: RefCell::default(),
            functions: RefCell::default(),
        }
    }

    /// How a function ends, if its source says that it never returns.
    pub fn of(&self, file: FileId, func: FuncId) -> Option<Divergence> {
        self.ending(file, func, 0)
    }

    fn ending(&self, file: FileId, func: FuncId, depth: u32) -> Option<Divergence> {
        if let Some(&known) = self.known.borrow().get(&(file, func)) {
            return known;
        }
        // While it is looked at, it is taken to return.
        self.known.borrow_mut().insert((file, func), None);
        let ending = self.look(file, func, depth);
        self.known.borrow_mut().insert((file, func), ending);
        ending
    }

    fn look(&self, file: FileId, func: FuncId, depth: u32) -> Option<Divergence> {
        let tree = self.world.file(file).tree;
        let decl = tree.ast.func(func);
        if matches!(decl.body, Body::Skipped(_)) {
            let name = decl.name.name.as_str().to_lowercase();
            if !NAMES.iter().any(|part| name.contains(part)) {
                return None;
            }
        }
        let (ast, block) = self.world.body(file, func)?;
        if may_return(ast, block) {
            return None;
        }
        let StmtKind::Block(list) = ast.stmt(block).kind else {
            return None;
        };
        let scope = Scope {
            file,
            tree,
            func,
            depth,
        };
        ast.list(list).iter().find_map(|&stmt| {
            let StmtKind::Expr(call) = ast.stmt(stmt).kind else {
                return None;
            };
            self.call(ast, call, &scope)
        })
    }

    /// How a call that stands as a statement ends, if it never returns.
    fn call(&self, ast: &Ast, call: ExprId, scope: &Scope) -> Option<Divergence> {
        let ExprKind::Call { fun, .. } = ast.expr(ast.unparen(call)).kind else {
            return None;
        };
        let package = self.world.package_of(scope.file);
        match ast.expr(ast.unparen(fun)).kind {
            ExprKind::Ident(name) if name.as_str() == "panic" => Some(Divergence::Panic),
            ExprKind::Ident(name) => self.named(package, None, name, scope.depth),
            ExprKind::Selector { x, name, .. } => {
                let ExprKind::Ident(x) = ast.expr(ast.unparen(x)).kind else {
                    return None;
                };
                if let Some((qualifier, receiver)) = scope.type_of(x) {
                    return match qualifier {
                        None => self.named(package, Some(receiver), name, scope.depth),
                        Some(qualifier) => self.imported(qualifier, Some(receiver), name, scope),
                    };
                }
                self.imported(x, None, name, scope)
            }
            _ => None,
        }
    }

    /// A function or method of a package that the file imports under a name.
    fn imported(
        &self,
        qualifier: Symbol,
        receiver: Option<Symbol>,
        name: Symbol,
        scope: &Scope,
    ) -> Option<Divergence> {
        let from = self.world.package_of(scope.file);
        let path = import_path(scope.tree, qualifier)?;
        let known = FuncName {
            package: path,
            receiver,
            name,
        };
        known_divergence(known).or_else(|| {
            let package = self.world.import(from, path)?;
            self.named(package, receiver, name, scope.depth)
        })
    }

    fn named(
        &self,
        package: PackageId,
        receiver: Option<Symbol>,
        name: Symbol,
        depth: u32,
    ) -> Option<Divergence> {
        if depth >= MAX_DEPTH {
            return None;
        }
        let &(file, func) = self.functions(package).get(&(receiver, name))?;
        self.ending(file, func, depth + 1)
    }

    fn functions(&self, package: PackageId) -> Rc<Functions> {
        if let Some(known) = self.functions.borrow().get(&package) {
            return known.clone();
        }
        let mut functions = Functions::default();
        for &file in self.world.files(package) {
            let ast = &self.world.file(file).tree.ast;
            for func in (0..ast.func_count()).map(FuncId::from_index) {
                let decl = ast.func(func);
                let receiver = decl
                    .recv
                    .and_then(|list| ast.fields(list).first())
                    .and_then(|field| defined_type(ast, field.ty))
                    .map(|(_, name)| name);
                functions.insert((receiver, decl.name.name), (file, func));
            }
        }
        let functions = Rc::new(functions);
        self.functions
            .borrow_mut()
            .insert(package, functions.clone());
        functions
    }
}

/// The function whose body is looked at.
struct Scope<'s> {
    file: FileId,
    tree: &'s File,
    func: FuncId,
    depth: u32,
}

impl Scope<'_> {
    /// The type of the receiver or a parameter: the package's name in front of it, and its own.
    fn type_of(&self, variable: Symbol) -> Option<(Option<Symbol>, Symbol)> {
        let ast = &self.tree.ast;
        let decl = ast.func(self.func);
        let params = ast.func_type(decl.ty).params;
        let fields = decl.recv.into_iter().chain([params]);
        let field = fields
            .flat_map(|list| ast.fields(list))
            .find(|field| ast.list(field.names).iter().any(|n| n.name == variable))?;
        defined_type(ast, field.ty)
    }
}

/// `T`, `*T`, `p.T` and `T[P]`: the package's name, and the type's.
fn defined_type(ast: &Ast, ty: ExprId) -> Option<(Option<Symbol>, Symbol)> {
    match ast.expr(ast.unparen(ty)).kind {
        ExprKind::Ident(name) => Some((None, name)),
        ExprKind::Star(x) | ExprKind::Index { x, .. } => defined_type(ast, x),
        ExprKind::Selector { x, name, .. } => match ast.expr(ast.unparen(x)).kind {
            ExprKind::Ident(package) => Some((Some(package), name)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a body has a statement that returns, or a call of `recover`, closures set aside.
fn may_return(ast: &Ast, block: StmtId) -> bool {
    let recover = Symbol::new("recover");
    let mut returns = false;
    let mut recovers = false;
    ast.walk(Node::Stmt(block), |node| match node {
        Node::Stmt(stmt) => {
            match ast.stmt(stmt).kind {
                StmtKind::Return(_) => returns = true,
                // A closure that is deferred may recover.
                StmtKind::Defer(_) => recovers |= calls(ast, stmt, recover),
                _ => {}
            }
            true
        }
        Node::Expr(expr) => !matches!(ast.expr(expr).kind, ExprKind::FuncLit { .. }),
        _ => true,
    });
    returns || recovers
}

/// Whether a function of that name is called anywhere below a statement.
fn calls(ast: &Ast, stmt: StmtId, name: Symbol) -> bool {
    let mut found = false;
    ast.walk(Node::Stmt(stmt), |node| {
        if let Node::Expr(expr) = node
            && let ExprKind::Call { fun, .. } = ast.expr(expr).kind
        {
            let fun = ast.expr(ast.unparen(fun)).kind;
            found |= matches!(fun, ExprKind::Ident(called) if called == name);
        }
        true
    });
    found
}

/// The path that a file imports under a name.
fn import_path(tree: &File, qualifier: Symbol) -> Option<Symbol> {
    let called = |import: &Import| match import.name {
        Some(name) => name.name == qualifier,
        None => is_called(import.path.as_str(), qualifier.as_str()),
    };
    tree.imports().find(called).map(|import| import.path)
}

/// Whether a package of that path is most likely called so: by the last part of the path,
/// a major version left out.
fn is_called(path: &str, name: &str) -> bool {
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or(path);
    let version = last
        .strip_prefix('v')
        .is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    match version {
        true => parts.next() == Some(name),
        false => last.split('.').next() == Some(name),
    }
}
