//! What a file does with maps, as far as its syntax tells: operations, names, locks.

use std::collections::{HashMap, HashSet};

use tophash_crash::{Operation, Spot, Use};
use tophash_finding::Place;
use tophash_syntax::ast::{
    AssignOp, Ast, Body, DeclKind, ExprId, ExprKind, FieldListId, FuncDecl, GenTok, SpecKind,
    StmtKind,
};
use tophash_syntax::walk::Node;
use tophash_syntax::{Bodies, File, Span, parse};

/// A file of the program.
pub(crate) struct Source {
    /// Its path below the directory, and as reports show it.
    pub(crate) path: String,
    pub(crate) shown: String,
    pub(crate) functions: Vec<Function>,
    pub(crate) uses: Vec<MapUse>,
    /// What package-level names and fields are.
    pub(crate) kinds: Kinds,
    /// First and last column of what stands on each line.
    lines: Vec<(u32, u32)>,
}

/// A function declaration.
pub(crate) struct Function {
    /// `(*Cache).Put`, `main`.
    pub(crate) name: String,
    /// The name alone.
    bare: String,
    /// The receiver's variable.
    receiver: Option<String>,
    lines: (u32, u32),
    /// Where its name stands.
    place: Place,
}

/// A map operation in the source.
pub(crate) struct MapUse {
    pub(crate) operation: Operation,
    /// The map as written: `c.items`.
    pub(crate) text: String,
    /// Its last name: `items`.
    pub(crate) name: String,
    /// The type whose field it is, as far as declarations nearby say.
    pub(crate) owner: Option<String>,
    /// Whether it is a field and not a variable.
    pub(crate) field: bool,
    pub(crate) kind: Kind,
    pub(crate) place: Place,
    /// Index into [`Source::functions`].
    pub(crate) function: usize,
    /// Locks taken before it in the same function and not given back.
    pub(crate) locks: Vec<Lock>,
    /// Whether the map is only passed to a function here.
    pub(crate) passed: bool,
    /// Whether the map's owner was made in the same function, where nobody else has it yet.
    pub(crate) fresh: bool,
    /// Whether it is deferred: it happens where the function ends.
    deferred: bool,
}

/// A lock that is held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Lock {
    /// `c.mu`; `the embedded lock`.
    pub(crate) name: String,
    /// Whether it is held for reading, by `RLock`.
    pub(crate) shared: bool,
}

impl Lock {
    /// Whether it keeps an operation apart from writes: one held for reading allows other reads.
    pub(crate) fn covers(&self, operation: Operation) -> bool {
        !self.shared || !operation.writes()
    }
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Map,
    /// Something that is no map.
    Other,
    Unknown,
}

/// Types of names declared at package level.
#[derive(Default)]
pub(crate) struct Kinds {
    types: HashMap<String, TypeName>,
    variables: HashMap<String, Kind>,
    fields: HashMap<String, Kind>,
}

/// The underlying type of a declared type.
#[derive(Clone)]
enum TypeName {
    Kind(Kind),
    /// Another declared type.
    Named(String),
}

impl Kinds {
    /// Adds what another file of the package says.
    pub(crate) fn merge(&mut self, other: &Kinds) {
        let types = other.types.iter().map(|(k, v)| (k.clone(), v.clone()));
        self.types.extend(types);
        self.variables
            .extend(other.variables.iter().map(|(k, v)| (k.clone(), *v)));
        for (name, kind) in &other.fields {
            add(&mut self.fields, name, *kind);
        }
    }

    /// What a use is, with what the whole package says of its name.
    pub(crate) fn of(&self, map_use: &MapUse) -> Kind {
        let known = match map_use.field {
            true => self.fields.get(&map_use.name),
            false => self.variables.get(&map_use.name),
        };
        match map_use.kind {
            Kind::Unknown => known.copied().unwrap_or(Kind::Unknown),
            kind => kind,
        }
    }
}

/// Structs may have fields of one name and different types.
fn add(fields: &mut HashMap<String, Kind>, name: &str, kind: Kind) {
    let known = fields.entry(name.to_owned()).or_insert(kind);
    if *known != kind {
        *known = Kind::Unknown;
    }
}

impl Source {
    /// Reads a file. It never fails: what is no Go has no functions.
    pub(crate) fn new(path: String, shown: String, text: &[u8]) -> Source {
        let file = parse(text, Bodies::Parse);
        let mut reader = Reader {
            file: &file,
            text,
            shown: &shown,
            source: Source {
                path,
                shown: shown.clone(),
                functions: Vec::new(),
                uses: Vec::new(),
                kinds: Kinds::default(),
                lines: text.split(|&b| b == b'\n').map(columns).collect(),
            },
            locals: HashMap::new(),
            made: HashSet::new(),
        };
        reader.declarations();
        for &id in &file.decls {
            if let DeclKind::Func(id) = file.ast.decl(id).kind {
                reader.function(file.ast.func(id));
            }
        }
        reader.source
    }

    /// Whether a line lies in the function that a traceback names.
    pub(crate) fn has(&self, traced: &str, line: u32) -> bool {
        let name = declared_name(traced);
        self.functions.iter().any(|f| {
            let inside = (f.lines.0..=f.lines.1).contains(&line);
            inside && (name.is_none() || name == Some(&f.bare))
        }) || name.is_none() && !self.functions.is_empty()
    }

    /// What the line does. `kinds` is what the package says of names.
    pub(crate) fn spot(&self, line: u32, kinds: &Kinds) -> Spot {
        let at = |p: &Place| (p.line..=p.end_line).contains(&line);
        let mut here: Vec<&MapUse> = (self.uses.iter())
            .filter(|u| at(&u.place) && kinds.of(u) != Kind::Other)
            .collect();
        here.retain(|u| !u.passed || kinds.of(u) == Kind::Map);
        here.sort_by_key(|u| u.passed);
        // A deferred delete fails on the line where its function ends.
        if here.is_empty() {
            here = (self.uses.iter())
                .filter(|u| u.deferred && self.lines_of(u.function).contains(&line))
                .collect();
            return self.spot_of(line, &here);
        }
        // A loop's line is that of its first word, not all of its body.
        here.retain(|u| u.place.line == line || u.place.end_line - u.place.line < 4);
        self.spot_of(line, &here)
    }

    fn lines_of(&self, function: usize) -> std::ops::RangeInclusive<u32> {
        let lines = self.functions.get(function).map_or((1, 0), |f| f.lines);
        lines.0..=lines.1
    }

    fn spot_of(&self, line: u32, here: &[&MapUse]) -> Spot {
        let uses = here
            .iter()
            .map(|u| Use {
                operation: u.operation,
                map: u.text.clone(),
                name: qualified(u),
                place: u.place.clone(),
                passed: u.passed,
            })
            .collect();
        let (from, to) = (line as usize)
            .checked_sub(1)
            .and_then(|at| self.lines.get(at))
            .copied()
            .unwrap_or((1, 1));
        Spot {
            place: Place::new(&self.shown, (line, from), (line, to)),
            uses,
        }
    }
}

/// The first and the last column of what stands on a line.
fn columns(line: &[u8]) -> (u32, u32) {
    let from = line.len() - line.trim_ascii_start().len();
    let to = line.trim_ascii_end().len().max(from);
    (from as u32 + 1, to as u32 + 1)
}

/// The map as findings name it: `Cache.items`.
pub(crate) fn qualified(map_use: &MapUse) -> String {
    match &map_use.owner {
        Some(owner) if map_use.field => format!("{owner}.{}", map_use.name),
        _ => map_use.text.clone(),
    }
}

/// The name in the declaration of the function that a traceback names, closures in it too:
/// `Put` of `main.(*Cache[...]).Put.func1`. None for closures at package level.
fn declared_name(traced: &str) -> Option<&str> {
    let base = traced.rsplit('/').next().unwrap_or(traced);
    let (_, mut rest) = base.split_once('.')?;
    if rest.starts_with('(') {
        rest = rest.split_once(").")?.1;
    }
    // The dots of type arguments separate nothing.
    let mut parts = rest
        .split("[...]")
        .flat_map(|part| part.split('.'))
        .filter(|part| !part.is_empty());
    if rest.starts_with('.') {
        return None;
    }
    let first = parts.next()?;
    let second = parts.next();
    if first.is_empty() || first == "glob" {
        return None;
    }
    // `T.Method` has no parentheses, and closures are `func1`, `gowrap1`, `deferwrap1`.
    let is_closure = |part: &str| {
        part.is_empty()
            || part.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == ']')
            || ["func", "gowrap", "deferwrap"].iter().any(|w| {
                part.strip_prefix(w)
                    .is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()))
            })
    };
    let first = first.split(['[', '-']).next().unwrap_or(first);
    match second {
        // Of package-level variables: `init.func1`.
        Some(second) if first == "init" && second.starts_with("func") => None,
        Some(second) if !is_closure(second) => {
            Some(second.split(['[', '-']).next().unwrap_or(second))
        }
        _ => Some(first),
    }
}

struct Reader<'a> {
    file: &'a File,
    text: &'a [u8],
    shown: &'a str,
    source: Source,
    /// What variables of the function at hand are, and their types' names.
    locals: HashMap<String, (Kind, Option<String>)>,
    /// Those that are made in it.
    made: HashSet<String>,
}

/// How a map is used.
struct How {
    operation: Operation,
    passed: bool,
    deferred: bool,
}

impl How {
    fn of(operation: Operation) -> How {
        How {
            operation,
            passed: false,
            deferred: false,
        }
    }
}

impl Reader<'_> {
    fn ast(&self) -> &Ast {
        &self.file.ast
    }

    fn words(&self, span: Span) -> String {
        let text = String::from_utf8_lossy(span.of(self.text));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn place(&self, span: Span) -> Place {
        let start = self.file.position(span.start);
        let end = self.file.position(span.end);
        Place::new(self.shown, start, end)
    }

    fn declarations(&mut self) {
        let ast = &self.file.ast;
        let mut kinds = Kinds::default();
        for &id in &self.file.decls {
            let DeclKind::Gen { tok, specs, .. } = ast.decl(id).kind else {
                continue;
            };
            for &spec in ast.list(specs) {
                match ast.spec(spec).kind {
                    SpecKind::Type { name, ty, .. } => {
                        let of = match ast.expr(ty).kind {
                            ExprKind::Ident(other) => TypeName::Named(other.as_str().to_owned()),
                            _ => TypeName::Kind(type_kind(ast, ty, &HashMap::new())),
                        };
                        kinds.types.insert(name.name.as_str().to_owned(), of);
                        if let ExprKind::StructType(fields) = ast.expr(ty).kind {
                            self.fields(fields, &mut kinds);
                        }
                    }
                    SpecKind::Value {
                        names, ty, values, ..
                    } if tok == GenTok::Var => {
                        for (i, name) in ast.list(names).iter().enumerate() {
                            let kind = match ty {
                                Some(ty) => type_kind(ast, ty, &kinds.types),
                                None => ast
                                    .list(values)
                                    .get(i)
                                    .map_or(Kind::Unknown, |&v| value_kind(ast, v, &kinds.types)),
                            };
                            kinds.variables.insert(name.name.as_str().to_owned(), kind);
                        }
                    }
                    _ => {}
                }
            }
        }
        self.source.kinds = kinds;
    }

    fn fields(&self, list: FieldListId, kinds: &mut Kinds) {
        for field in self.ast().fields(list) {
            let kind = type_kind(self.ast(), field.ty, &kinds.types);
            for name in self.ast().list(field.names) {
                add(&mut kinds.fields, name.name.as_str(), kind);
            }
            // A struct inside a struct.
            if let ExprKind::StructType(inner) = self.ast().expr(field.ty).kind {
                self.fields(inner, kinds);
            }
        }
    }

    fn function(&mut self, decl: &FuncDecl) {
        let ast = &self.file.ast;
        self.locals.clear();
        self.made.clear();
        let mut receiver = None;
        let mut name = decl.name.name.as_str().to_owned();
        if let Some(list) = decl.recv {
            if let Some(field) = ast.fields(list).first() {
                let variable = ast.list(field.names).first();
                receiver = variable.map(|v| v.name.as_str().to_owned());
                let pointer = matches!(ast.expr(ast.unparen(field.ty)).kind, ExprKind::Star(_));
                if let Some(ty) = type_name(ast, field.ty) {
                    name = match pointer {
                        true => format!("(*{ty}).{name}"),
                        false => format!("{ty}.{name}"),
                    };
                }
            }
            self.parameters(list);
        }
        self.parameters(ast.func_type(decl.ty).params);
        if let Some(results) = ast.func_type(decl.ty).results {
            self.parameters(results);
        }
        let (from, to) = match decl.body {
            Body::Block(body) => {
                let span = ast.stmt(body).span;
                (span.start, span.end)
            }
            _ => (decl.name.span.start, decl.name.span.end),
        };
        let index = self.source.functions.len();
        self.source.functions.push(Function {
            name,
            bare: decl.name.name.as_str().to_owned(),
            receiver,
            lines: (
                self.file.position(decl.name.span.start.min(from)).0,
                self.file.position(to).0,
            ),
            place: self.place(decl.name.span),
        });
        if let Body::Block(body) = decl.body {
            self.body(Node::Stmt(body), index);
        }
    }

    fn parameters(&mut self, list: FieldListId) {
        let ast = &self.file.ast;
        for field in ast.fields(list) {
            let kind = type_kind(ast, field.ty, &self.source.kinds.types);
            let ty = type_name(ast, field.ty);
            for name in ast.list(field.names) {
                let name = name.name.as_str().to_owned();
                self.locals.insert(name, (kind, ty.clone()));
            }
        }
    }

    /// Walks a body in source order.
    fn body(&mut self, body: Node, function: usize) {
        let file = self.file;
        let ast = &file.ast;
        let mut assigned: HashSet<ExprId> = HashSet::new();
        let mut locks: Vec<Lock> = Vec::new();
        let mut deferred: HashSet<ExprId> = HashSet::new();
        ast.walk(body, |node| {
            match node {
                Node::Stmt(id) => match ast.stmt(id).kind {
                    StmtKind::Assign { lhs, op, rhs } => {
                        for &target in ast.list(lhs) {
                            assigned.insert(ast.unparen(target));
                        }
                        self.assignment(ast.list(lhs), op, ast.list(rhs));
                    }
                    StmtKind::IncDec { x, .. } => {
                        assigned.insert(ast.unparen(x));
                    }
                    StmtKind::Defer(call) => {
                        deferred.insert(call);
                    }
                    StmtKind::Range(range) => {
                        let parts = ast.range_parts(range);
                        for target in [parts.key, parts.value].into_iter().flatten() {
                            if !parts.define {
                                assigned.insert(ast.unparen(target));
                            }
                        }
                        self.add(
                            How::of(Operation::Iterate),
                            parts.x,
                            parts.x,
                            function,
                            &locks,
                        );
                    }
                    StmtKind::Decl(id) => self.local_declaration(id),
                    _ => {}
                },
                Node::Expr(id) => match ast.expr(id).kind {
                    ExprKind::Index { x, .. } => {
                        let operation = match assigned.contains(&id) {
                            true => Operation::Assign,
                            false => Operation::Read,
                        };
                        self.add(How::of(operation), x, id, function, &locks);
                    }
                    ExprKind::CompositeLit {
                        ty: Some(_), elems, ..
                    } if !ast.list(elems).is_empty()
                        && value_kind(ast, id, &self.source.kinds.types) == Kind::Map =>
                    {
                        self.add(How::of(Operation::Make), id, id, function, &locks);
                    }
                    ExprKind::Call { fun, args, .. } => {
                        self.call(
                            id,
                            fun,
                            ast.list(args),
                            function,
                            &mut locks,
                            deferred.contains(&id),
                        );
                    }
                    _ => {}
                },
                _ => {}
            }
            true
        });
    }

    fn assignment(&mut self, lhs: &[ExprId], op: AssignOp, rhs: &[ExprId]) {
        let ast = &self.file.ast;
        for (i, &target) in lhs.iter().enumerate() {
            let ExprKind::Ident(name) = ast.expr(target).kind else {
                continue;
            };
            let name = name.as_str().to_owned();
            let value = match (rhs.len() == lhs.len(), i) {
                (true, i) => rhs.get(i),
                // `v, ok := m[k]`
                (false, 0) => rhs.first(),
                _ => None,
            };
            let Some(&value) = value else {
                continue;
            };
            let value = ast.unparen(value);
            if op == AssignOp::Define {
                let kind = value_kind(ast, value, &self.source.kinds.types);
                let ty = made_type(ast, value);
                if ty.is_some() {
                    self.made.insert(name.clone());
                }
                self.locals.insert(name, (kind, ty));
            }
        }
    }

    fn local_declaration(&mut self, id: tophash_syntax::ast::DeclId) {
        let ast = &self.file.ast;
        let DeclKind::Gen {
            tok: GenTok::Var,
            specs,
            ..
        } = ast.decl(id).kind
        else {
            return;
        };
        for &spec in ast.list(specs) {
            let SpecKind::Value {
                names, ty, values, ..
            } = ast.spec(spec).kind
            else {
                continue;
            };
            for (i, name) in ast.list(names).iter().enumerate() {
                let types = &self.source.kinds.types;
                let value = ast.list(values).get(i);
                let known = match (ty, value) {
                    (Some(ty), _) => (type_kind(ast, ty, types), type_name(ast, ty)),
                    (None, Some(&value)) => (value_kind(ast, value, types), made_type(ast, value)),
                    (None, None) => (Kind::Unknown, None),
                };
                self.locals.insert(name.name.as_str().to_owned(), known);
            }
        }
    }

    fn call(
        &mut self,
        id: ExprId,
        fun: ExprId,
        args: &[ExprId],
        function: usize,
        locks: &mut Vec<Lock>,
        deferred: bool,
    ) {
        let ast = &self.file.ast;
        let mut noted = false;
        let mut note = |operation, arg: usize| {
            if let Some(&x) = args.get(arg) {
                noted = true;
                let how = How {
                    deferred,
                    ..How::of(operation)
                };
                self.add(how, x, id, function, locks);
            }
        };
        match ast.expr(ast.unparen(fun)).kind {
            ExprKind::Ident(name) => match name.as_str() {
                "delete" => note(Operation::Delete, 0),
                "clear" => note(Operation::Clear, 0),
                _ => {}
            },
            ExprKind::Selector { x, name, .. } => {
                let of_maps =
                    matches!(ast.expr(x).kind, ExprKind::Ident(p) if p.as_str() == "maps");
                match name.as_str() {
                    "Clone" if of_maps => note(Operation::Clone, 0),
                    "Copy" if of_maps => {
                        note(Operation::Assign, 0);
                        note(Operation::Iterate, 1);
                    }
                    "Insert" if of_maps => note(Operation::Assign, 0),
                    "DeleteFunc" if of_maps => note(Operation::Delete, 0),
                    "Keys" | "Values" | "All" | "Equal" | "EqualFunc" if of_maps => {
                        note(Operation::Iterate, 0);
                    }
                    "Lock" | "RLock" if args.is_empty() => {
                        locks.push(Lock {
                            name: self.lock(x, function),
                            shared: name.as_str() == "RLock",
                        });
                    }
                    "Unlock" | "RUnlock" if args.is_empty() && !deferred => {
                        let lock = self.lock(x, function);
                        locks.retain(|held| held.name != lock);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        // Any other function that is given the map may do anything with it.
        for &arg in args.iter().filter(|_| !noted) {
            if matches!(
                ast.expr(arg).kind,
                ExprKind::Ident(_) | ExprKind::Selector { .. }
            ) {
                let how = How {
                    passed: true,
                    ..How::of(Operation::Read)
                };
                self.add(how, arg, arg, function, locks);
            }
        }
    }

    /// What a lock is called: `c.mu`; of `c.Lock()`, whose lock is embedded, not `c`.
    fn lock(&self, x: ExprId, function: usize) -> String {
        let words = self.words(self.ast().expr(x).span);
        let receiver = self.source.functions.get(function);
        match receiver.and_then(|f| f.receiver.as_ref()) {
            Some(receiver) if *receiver == words => "the embedded lock".to_owned(),
            _ => words,
        }
    }

    fn add(&mut self, how: How, x: ExprId, whole: ExprId, function: usize, locks: &[Lock]) {
        let operation = how.operation;
        let ast = &self.file.ast;
        let x = ast.unparen(x);
        let mut fresh = false;
        let (name, owner, field) = match ast.expr(x).kind {
            ExprKind::Ident(name) => (name.as_str().to_owned(), None, false),
            ExprKind::Selector { x: base, name, .. } => {
                let owner = match ast.expr(ast.unparen(base)).kind {
                    ExprKind::Ident(base) => {
                        let local = self.locals.get(base.as_str());
                        fresh = self.made.contains(base.as_str());
                        local.and_then(|(_, ty)| ty.clone())
                    }
                    _ => None,
                };
                (name.as_str().to_owned(), owner, true)
            }
            // Numbers and the like are ranged over too.
            ExprKind::BasicLit(_) | ExprKind::Call { .. } | ExprKind::Slice(_)
                if operation == Operation::Iterate =>
            {
                return;
            }
            _ => (String::new(), None, false),
        };
        let kind = match (field, self.locals.get(&name)) {
            (false, _) if name.is_empty() => value_kind(ast, x, &self.source.kinds.types),
            (false, Some((kind, _))) => *kind,
            _ => Kind::Unknown,
        };
        let map_use = MapUse {
            operation,
            text: self.words(ast.expr(x).span),
            name,
            owner,
            field,
            kind,
            place: self.place(ast.expr(whole).span),
            function,
            locks: locks.to_vec(),
            passed: how.passed,
            fresh,
            deferred: how.deferred,
        };
        self.source.uses.push(map_use);
    }
}

/// The name of a type, pointers and type arguments left out.
fn type_name(ast: &Ast, ty: ExprId) -> Option<String> {
    match ast.expr(ast.unparen(ty)).kind {
        ExprKind::Ident(name) => Some(name.as_str().to_owned()),
        ExprKind::Star(x) | ExprKind::Index { x, .. } | ExprKind::IndexList { x, .. } => {
            type_name(ast, x)
        }
        _ => None,
    }
}

/// The type that a value is made with: `&Cache{}`, `new(Cache)`.
fn made_type(ast: &Ast, value: ExprId) -> Option<String> {
    match ast.expr(ast.unparen(value)).kind {
        ExprKind::CompositeLit { ty: Some(ty), .. } => type_name(ast, ty),
        ExprKind::Unary { x, .. } => made_type(ast, x),
        ExprKind::Call { fun, args, .. } => {
            let is_new = matches!(ast.expr(fun).kind, ExprKind::Ident(f) if f.as_str() == "new");
            let ty = ast.list(args).first().filter(|_| is_new)?;
            type_name(ast, *ty)
        }
        _ => None,
    }
}

/// Maps of other packages that are met often.
const KNOWN_MAPS: [&str; 6] = ["Header", "Values", "MIMEHeader", "Labels", "H", "M"];

fn type_kind(ast: &Ast, ty: ExprId, types: &HashMap<String, TypeName>) -> Kind {
    match ast.expr(ast.unparen(ty)).kind {
        ExprKind::MapType { .. } => Kind::Map,
        ExprKind::Ident(name) => named_kind(name.as_str(), types),
        ExprKind::Selector { name, .. } if KNOWN_MAPS.contains(&name.as_str()) => Kind::Map,
        ExprKind::Index { x, .. } | ExprKind::IndexList { x, .. } => type_kind(ast, x, types),
        ExprKind::Selector { .. } => Kind::Unknown,
        ExprKind::Star(x) => match type_kind(ast, x, types) {
            Kind::Map => Kind::Map,
            Kind::Unknown => Kind::Unknown,
            Kind::Other => Kind::Other,
        },
        _ => Kind::Other,
    }
}

fn named_kind(name: &str, types: &HashMap<String, TypeName>) -> Kind {
    const BASIC: [&str; 20] = [
        "bool",
        "string",
        "int",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "uintptr",
        "byte",
        "rune",
        "float32",
        "float64",
        "complex64",
        "complex128",
        "error",
    ];
    let mut name = name;
    for _ in 0..8 {
        match types.get(name) {
            Some(TypeName::Kind(kind)) => return *kind,
            Some(TypeName::Named(next)) => name = next,
            None if BASIC.contains(&name) => return Kind::Other,
            None => return Kind::Unknown,
        }
    }
    Kind::Unknown
}

/// What a value is by the way it is made.
fn value_kind(ast: &Ast, value: ExprId, types: &HashMap<String, TypeName>) -> Kind {
    match ast.expr(ast.unparen(value)).kind {
        ExprKind::CompositeLit { ty: Some(ty), .. } => type_kind(ast, ty, types),
        ExprKind::BasicLit(_) | ExprKind::FuncLit { .. } | ExprKind::Slice(_) => Kind::Other,
        ExprKind::Call { fun, args, .. } => {
            let made = matches!(ast.expr(fun).kind, ExprKind::Ident(f) if f.as_str() == "make");
            match ast.list(args).first().filter(|_| made) {
                Some(&ty) => type_kind(ast, ty, types),
                None => Kind::Unknown,
            }
        }
        _ => Kind::Unknown,
    }
}

impl Function {
    /// Where it is declared.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_declarations() {
        for (traced, name) in [
            ("main.main", Some("main")),
            ("main.(*Cache[...]).Put.func1", Some("Put")),
            ("example.com/a/b.T.Get", Some("Get")),
            ("example.com/a/b.F[...]", Some("F")),
            ("example.com/a/b.F[...].func2", Some("F")),
            ("main.main.func1.gowrap2", Some("main")),
            ("main.init.0.func3", Some("init")),
            ("main.glob..func1", None),
            ("main.init.func1", None),
            ("main.(*T).M-fm", Some("M")),
            ("example.com/a/set.Set[...].Del", Some("Del")),
            ("example.com/a/set.Set[...].Del.func1", Some("Del")),
            ("main.main.Memo[...].func6", Some("Memo")),
        ] {
            assert_eq!(declared_name(traced), name, "{traced}");
        }
    }

    fn source(text: &str) -> Source {
        Source::new("a.go".into(), "a.go".into(), text.as_bytes())
    }

    #[test]
    fn operations_of_a_line() {
        let source = source(
            "package p\ntype T struct{ m map[string]int; s []int; mu sync.Mutex }\nfunc (t *T) f(k string) {\n\tt.mu.Lock()\n\tt.m[k] += t.s[0]\n\tt.mu.Unlock()\n\tfor k := range t.m { _ = k }\n\tdelete(t.m, k)\n}\n",
        );
        let kinds = &source.kinds;
        let uses = |line| -> Vec<(Operation, String)> {
            let uses = source.spot(line, kinds).uses;
            uses.into_iter().map(|u| (u.operation, u.name)).collect()
        };
        assert_eq!(uses(5), [(Operation::Assign, "T.m".to_owned())]);
        assert_eq!(uses(7), [(Operation::Iterate, "T.m".to_owned())]);
        assert_eq!(uses(8), [(Operation::Delete, "T.m".to_owned())]);
        let locks: Vec<&[Lock]> = source.uses.iter().map(|u| u.locks.as_slice()).collect();
        assert_eq!(locks[0][0].name, "t.mu");
        assert!(locks[locks.len() - 1].is_empty());
    }

    #[test]
    fn embedded_locks_and_generic_maps() {
        let source = source(
            "package p\ntype S[T comparable] map[T]int\nfunc (s S[T]) del(k T) { delete(s, k) }\ntype T struct{ sync.Mutex; m map[string]func() }\nfunc (t *T) run(k string) {\n\tt.Lock()\n\tt.m[k]()\n}\n",
        );
        let spot = |line| source.spot(line, &source.kinds).uses;
        assert_eq!(spot(3)[0].operation, Operation::Delete);
        assert_eq!(spot(7)[0].operation, Operation::Read);
        assert_eq!(
            source.uses.last().map(|u| u.locks[0].name.as_str()),
            Some("the embedded lock")
        );
    }
}
