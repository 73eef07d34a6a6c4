//! A Go type as it is written on the command line, and what it is laid out as.

use std::ops::Range;
use std::sync::Arc;

use tophash_runtime::types::{Algorithm, GoType, Kind};
use tophash_syntax::ast::{DeclKind, ExprId, ExprKind, LitKind, SpecKind};
use tophash_syntax::{Ast, Bodies, File, parse};

/// What stands before the type in the file that is parsed.
const PREFIX: &str = "package p\ntype _ = ";

/// A map type that was read from text.
pub(super) struct Notation {
    /// The text as it was given.
    text: String,
    /// The same, each import path made one identifier of the same length.
    plain: String,
    /// These identifiers, and the import paths they stand for.
    paths: Vec<(String, String)>,
    file: File,
    form: Form,
}

/// How a map type is written.
enum Form {
    /// `map[K]V`
    Map { key: ExprId, elem: ExprId },
    /// The name of a map type.
    Named(ExprId),
}

/// A part of a type whose layout depends on declarations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Its text, with identifiers for import paths.
    pub(super) text: String,
    /// Its text as it was written.
    pub(super) written: String,
    /// The first name in it, without its package.
    pub(super) name: String,
    /// The packages that it names, each with a name that it takes from there.
    pub(super) packages: Vec<(String, String)>,
    /// Where it starts, from 1, in bytes.
    pub(super) column: usize,
    /// What it has to be.
    pub(super) role: Role,
}

impl Leaf {
    /// The same in the package that declares the first name: without that package's name.
    pub(super) fn unqualified(&self) -> Leaf {
        let mut leaf = self.clone();
        if let Some((package, _)) = self.packages.iter().find(|(_, name)| *name == self.name)
            && let Some(rest) = self.text.strip_prefix(&format!("{package}."))
        {
            leaf.text = rest.to_owned();
            leaf.packages.retain(|(_, name)| *name != self.name);
        }
        leaf
    }
}

/// What a part of a type has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Any type.
    Type,
    /// The length of an array; the text is an array of that length.
    Length,
    /// A map type.
    Map,
}

/// What a part of a type is: one type, or the key and the element of a named map type.
pub(super) type Answer = Result<Vec<Arc<GoType>>, String>;

/// Key and element of a map type.
pub(super) struct MapParts {
    pub(super) key: Arc<GoType>,
    pub(super) elem: Arc<GoType>,
}

impl Notation {
    /// Reads a map type.
    ///
    /// # Errors
    /// A sentence that begins with the text and the column, if it is not a map type.
    pub(super) fn read(text: &str) -> Result<Notation, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("give a map type, such as 'map[string]int'".to_owned());
        }
        let (plain, paths) = replace_paths(text);
        let source = format!("{PREFIX}{plain}\n");
        let file = parse(source.as_bytes(), Bodies::Skip);
        let at = |offset: u32| (offset as usize).saturating_sub(PREFIX.len()) + 1;
        if let Some(error) = file.errors.first() {
            let column = at(error.offset).min(text.len() + 1);
            // The line ends where the type does.
            let ends = ["found newline", "found 'EOF'"];
            let message = ends.iter().fold(error.message.clone(), |message, end| {
                message.replace(end, "found nothing")
            });
            return Err(located(text, column, &message));
        }
        let expr = match file.decls.as_slice() {
            [decl] => written_type(&file, *decl),
            _ => None,
        };
        let not_one = || located(text, 1, "this is not one type");
        let expr = expr.ok_or_else(not_one)?;
        if file.ast.expr(expr).span.end as usize != PREFIX.len() + plain.len() {
            return Err(not_one());
        }
        let expr = file.ast.unparen(expr);
        let form = match file.ast.expr(expr).kind {
            ExprKind::MapType { key, value } => Form::Map { key, elem: value },
            ExprKind::Ident(name) if predeclared(name.as_str()).is_none() => Form::Named(expr),
            ExprKind::Selector { .. } | ExprKind::Index { .. } | ExprKind::IndexList { .. } => {
                Form::Named(expr)
            }
            _ => {
                let message = "this is not a map type, such as 'map[string]int'";
                return Err(located(text, 1, message));
            }
        };
        Ok(Notation {
            text: text.to_owned(),
            plain,
            paths,
            file,
            form,
        })
    }

    /// The text as it was given.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text of key or element as it was written.
    fn written(&self, expr: ExprId) -> &str {
        self.text.get(self.range(expr)).unwrap_or_default()
    }

    /// Identifiers that stand for import paths, and these paths.
    pub(super) fn paths(&self) -> &[(String, String)] {
        &self.paths
    }

    /// The parts whose layout depends on declarations, in order.
    ///
    /// # Errors
    /// A sentence that names the place of something that is no type.
    pub(super) fn leaves(&self) -> Result<Vec<Leaf>, String> {
        let mut leaves = Vec::new();
        match self.form {
            Form::Named(expr) => leaves.push(self.leaf(expr, Role::Map)),
            Form::Map { key, elem } => {
                for expr in [key, elem] {
                    self.go_type(expr, &mut |leaf| {
                        leaves.push(leaf);
                        Ok(GoType::array(GoType::scalar("byte", 1), 1))
                    })?;
                }
            }
        }
        Ok(leaves)
    }

    /// Key and element, given what each of the leaves is.
    ///
    /// # Errors
    /// A sentence that names the place: a key that can't be compared, or what `resolve` says.
    pub(super) fn layout(
        &self,
        resolve: &mut dyn FnMut(&Leaf) -> Answer,
    ) -> Result<MapParts, String> {
        let mut one = |leaf: &Leaf| match resolve(leaf)?.as_slice() {
            [ty] => Ok(ty.clone()),
            _ => Err(located(&self.text, leaf.column, "this is not a type")),
        };
        let (key, elem, at) = match self.form {
            Form::Map { key, elem } => {
                let mut part = |expr| self.go_type(expr, &mut |leaf| one(&leaf));
                (part(key)?, part(elem)?, (key, elem))
            }
            Form::Named(expr) => match resolve(&self.leaf(expr, Role::Map))?.as_slice() {
                [key, elem] => (key.clone(), elem.clone(), (expr, expr)),
                _ => return Err(self.error(expr, "this is not a map type")),
            },
        };
        if key.algorithm() == Algorithm::NoEq {
            let name = match self.form {
                Form::Map { key, .. } => self.written(key),
                Form::Named(_) => &key.name,
            };
            let message = format!("{name} can't be a key: {}", incomparable(&key));
            return Err(self.error(at.0, &message));
        }
        for (expr, ty) in [(at.0, &key), (at.1, &elem)] {
            if ty.size > MAX_TYPE_SIZE {
                return Err(self.error(expr, "this type is larger than any memory"));
            }
        }
        Ok(MapParts { key, elem })
    }

    fn range(&self, expr: ExprId) -> Range<usize> {
        let span = self.file.ast.expr(expr).span;
        let at = |offset: u32| (offset as usize).saturating_sub(PREFIX.len());
        at(span.start)..at(span.end)
    }

    fn error(&self, expr: ExprId, message: &str) -> String {
        located(&self.text, self.range(expr).start + 1, message)
    }

    fn ast(&self) -> &Ast {
        &self.file.ast
    }

    fn go_type(
        &self,
        expr: ExprId,
        resolve: &mut dyn FnMut(Leaf) -> Result<Arc<GoType>, String>,
    ) -> Result<Arc<GoType>, String> {
        let name = self.written(expr);
        Ok(match self.ast().expr(expr).kind {
            ExprKind::Paren(inner) => self.go_type(inner, resolve)?,
            ExprKind::Star(_) | ExprKind::ChanType { .. } => GoType::pointer(name),
            ExprKind::MapType { .. } | ExprKind::FuncType(_) => GoType::incomparable(name),
            ExprKind::ArrayType { len: None, .. } => GoType::slice(name),
            ExprKind::ArrayType {
                len: Some(len),
                elem,
            } => {
                let len = self.length(len, resolve)?;
                GoType::array(self.go_type(elem, resolve)?, len)
            }
            ExprKind::StructType(fields) => {
                let mut parts = Vec::new();
                for field in self.ast().fields(fields) {
                    let ty = self.go_type(field.ty, resolve)?;
                    let names = self.ast().list(field.names);
                    let is_blank = |name: &tophash_syntax::ast::Ident| name.name.as_str() == "_";
                    let before = parts.len();
                    parts.extend(names.iter().map(|name| (is_blank(name), ty.clone())));
                    if parts.len() == before {
                        parts.push((false, ty));
                    }
                }
                GoType::structure(name, &parts)
            }
            ExprKind::InterfaceType(members) if self.ast().fields(members).is_empty() => {
                GoType::any()
            }
            ExprKind::InterfaceType(_) => GoType::interface(name),
            ExprKind::Ident(symbol) => match predeclared(symbol.as_str()) {
                Some(ty) => ty,
                None => resolve(self.leaf(expr, Role::Type))?,
            },
            ExprKind::Selector { .. } if name == "unsafe.Pointer" => GoType::pointer(name),
            ExprKind::Selector { .. } | ExprKind::Index { .. } | ExprKind::IndexList { .. } => {
                resolve(self.leaf(expr, Role::Type))?
            }
            _ => return Err(self.error(expr, "this is not a type")),
        })
    }

    /// The length of an array.
    fn length(
        &self,
        expr: ExprId,
        resolve: &mut dyn FnMut(Leaf) -> Result<Arc<GoType>, String>,
    ) -> Result<u64, String> {
        // Hexadecimal and octal ones are left to the checker: 010 is eight.
        let text = self.written(expr).replace('_', "");
        if let ExprKind::BasicLit(LitKind::Int) = self.ast().expr(expr).kind
            && (text == "0" || !text.starts_with('0'))
            && let Ok(len) = text.parse()
        {
            return Ok(len);
        }
        match resolve(self.leaf(expr, Role::Length))?.kind {
            Kind::Array { len, .. } => Ok(len),
            _ => Err(self.error(expr, "this is not the length of an array")),
        }
    }

    /// The leaf that an expression is.
    fn leaf(&self, expr: ExprId, role: Role) -> Leaf {
        let range = self.range(expr);
        let own = self.plain.get(range.clone()).unwrap_or_default();
        let mut packages = Vec::new();
        let mut name = None;
        let ast = self.ast();
        let span = ast.expr(expr).span;
        let all = (0..ast.expr_count()).map(|i| ast.expr(ExprId::from_index(i)));
        for inner in all.filter(|e| e.span.start >= span.start && e.span.end <= span.end) {
            match inner.kind {
                ExprKind::Selector { x, name: of, .. } => {
                    if let ExprKind::Ident(package) = ast.expr(x).kind {
                        packages.push((package.as_str().to_owned(), of.as_str().to_owned()));
                        if inner.span.start == span.start {
                            name = Some(of.as_str().to_owned());
                        }
                    }
                }
                ExprKind::Ident(ident) if inner.span.start == span.start => {
                    name.get_or_insert(ident.as_str().to_owned());
                }
                _ => {}
            }
        }
        packages.dedup();
        Leaf {
            text: match role {
                Role::Length => format!("[{own}]struct{{}}"),
                Role::Type | Role::Map => own.to_owned(),
            },
            written: self.written(expr).to_owned(),
            name: name.unwrap_or_default(),
            packages,
            column: range.start + 1,
            role,
        }
    }
}

/// Larger types do not fit the address space (amd64 has 47 bits of it).
const MAX_TYPE_SIZE: u64 = 1 << 47;

/// A complaint about a place in a type.
pub(super) fn located(text: &str, column: usize, message: &str) -> String {
    // A complaint is one line, and a byte of it is a byte of the type.
    let text = text.replace(|c: char| c.is_ascii_control(), " ");
    format!("{text}, column {column}: {message}")
}

/// The type of `type _ = T`.
fn written_type(file: &File, decl: tophash_syntax::ast::DeclId) -> Option<ExprId> {
    let DeclKind::Gen { specs, .. } = file.ast.decl(decl).kind else {
        return None;
    };
    match file.ast.list(specs) {
        [spec] => match file.ast.spec(*spec).kind {
            SpecKind::Type { ty, .. } => Some(ty),
            _ => None,
        },
        _ => None,
    }
}

/// Makes each import path before a name, as in `net/netip.Addr`, an identifier of the same
/// length, which no one declares.
fn replace_paths(text: &str) -> (String, Vec<(String, String)>) {
    let is_path = |c: char| c.is_alphanumeric() || "_-.~/+@".contains(c);
    let mut plain = String::with_capacity(text.len());
    let mut paths: Vec<(String, String)> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_path(c)).unwrap_or(rest.len());
        if end == 0 {
            let first = rest.chars().next().map_or(1, char::len_utf8);
            plain.push_str(&rest[..first]);
            rest = &rest[first..];
            continue;
        }
        let (run, after) = rest.split_at(end);
        // A variadic parameter or a chain of dots is no path.
        let dot = run.rfind('.').filter(|&dot| run[..dot].contains('/'));
        match dot.filter(|&dot| dot + 1 < run.len() && !run[dot..].contains('/')) {
            Some(dot) => {
                let path = &run[..dot];
                let known = paths.iter().find(|(_, p)| p == path);
                let ident = match known {
                    Some((ident, _)) => ident.clone(),
                    None => {
                        let ident = format!("{:_<width$}", letters(paths.len()), width = dot);
                        paths.push((ident.clone(), path.to_owned()));
                        ident
                    }
                };
                plain.push_str(&ident);
                plain.push_str(&run[dot..]);
            }
            None => plain.push_str(run),
        }
        rest = after;
    }
    (plain, paths)
}

/// `_a`, `_b` and so on: identifiers for import paths, which have three bytes at least.
fn letters(index: usize) -> String {
    let letter = |i: usize| char::from(b'a' + (i % 26) as u8);
    let mut text = String::from("_");
    text.push(letter(index));
    if index >= 26 {
        text.push(letter(index / 26));
    }
    text
}

/// The predeclared types.
pub(super) fn predeclared(name: &str) -> Option<Arc<GoType>> {
    Some(match name {
        "bool" | "int8" | "uint8" | "byte" => GoType::scalar(name, 1),
        "int16" | "uint16" => GoType::scalar(name, 2),
        "int32" | "uint32" | "rune" => GoType::scalar(name, 4),
        "int" | "int64" | "uint" | "uint64" | "uintptr" => GoType::scalar(name, 8),
        "float32" => GoType::float(4),
        "float64" => GoType::float(8),
        "complex64" => GoType::complex(8),
        "complex128" => GoType::complex(16),
        "string" => GoType::string(),
        "any" => GoType::any(),
        "error" => GoType::interface(name),
        _ => return None,
    })
}

/// How many values a type has, if that is fewer than 2^32.
pub(super) fn values(ty: &GoType) -> Option<u64> {
    let few = |n: u64| Some(n).filter(|&n| n < 1 << 32);
    match &ty.kind {
        Kind::Scalar if &*ty.name == "bool" => Some(2),
        Kind::Scalar if ty.size < 4 => Some(1 << (8 * ty.size)),
        Kind::Array { len: 0, .. } => Some(1),
        Kind::Array { elem, len } => match values(elem)? {
            1 => Some(1),
            n => few(n.checked_pow(u32::try_from(*len).ok()?)?),
        },
        Kind::Struct { fields } => {
            let distinct = fields.iter().filter(|field| !field.blank);
            let mut all = distinct.map(|field| values(&field.ty));
            few(all.try_fold(1_u64, |product, n| product.checked_mul(n?))?)
        }
        _ => None,
    }
}

/// Why a type can't be compared.
fn incomparable(ty: &GoType) -> String {
    match &ty.kind {
        Kind::Slice => "slices can't be compared".to_owned(),
        Kind::Array { elem, .. } => incomparable(elem),
        Kind::Struct { fields } => {
            let field = fields
                .iter()
                .find(|field| field.ty.algorithm() == Algorithm::NoEq);
            field.map_or_else(String::new, |field| {
                format!(
                    "it holds {}, and {}",
                    field.ty.name,
                    incomparable(&field.ty)
                )
            })
        }
        _ => "maps and functions can't be compared".to_owned(),
    }
}
