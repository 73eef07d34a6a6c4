//! Types as text, after go/types typestring.go and object.go.

use crate::checker::Checker;
use crate::object::*;
use crate::types::*;
use crate::world::PackageId;
use std::fmt::Write;
use tophash_syntax::ast::ChanDir;

/// How names are qualified.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Qualifier {
    /// By import path.
    Path,
    /// By package name, but for names of the package given.
    Name(Option<PackageId>),
}

/// Deepest nesting of types that is written out.
const MAX_NESTING: usize = 200;

/// Length, in bytes, at which a type's text is cut: the parts of a type may be shared so often
/// that its text would be longer than any memory.
const MAX_TEXT: usize = 1 << 16;

struct Writer<'c, 'w> {
    checker: &'c mut Checker<'w>,
    out: String,
    qualifier: Qualifier,
    seen: Vec<TypeId>,
}

impl<'w> Checker<'w> {
    /// Whether [`Checker::type_string`] and [`Checker::full_name`] write aliases by their names,
    /// as go/types does from Go 1.27 on. At first they do not.
    pub fn write_aliases(&mut self, by_name: bool) {
        self.aliases_by_name = by_name;
    }

    /// The type as go/types' `TypeString` writes it, with full package paths. Unless
    /// [`Checker::write_aliases`] asks for it, aliases but `any` are replaced by what they
    /// stand for, so that identical types read the same.
    pub fn type_string(&mut self, ty: TypeId) -> String {
        self.write_type(ty, Qualifier::Path)
    }

    /// The type with package names in place of paths, and none for names declared in
    /// `relative_to`.
    pub fn short_type_string(&mut self, ty: TypeId, relative_to: Option<PackageId>) -> String {
        self.write_type(ty, Qualifier::Name(relative_to))
    }

    fn write_type(&mut self, ty: TypeId, qualifier: Qualifier) -> String {
        let mut writer = Writer {
            checker: self,
            out: String::new(),
            qualifier,
            seen: Vec::new(),
        };
        writer.ty(ty);
        writer.out
    }

    /// The name of a function or method as go/types' `Func.FullName` writes it:
    /// `fmt.Println`, `(*net/http.Client).Do`.
    pub fn full_name(&mut self, func: ObjId) -> String {
        let ty = self.type_of(func);
        let recv = match self.ty(ty) {
            Type::Signature(s) => s.recv,
            _ => None,
        };
        let Object { name, package, .. } = *self.object(func);
        match recv {
            Some(recv) => {
                let recv_type = self.object(recv).ty;
                let recv_type = match self.ty(recv_type) {
                    Type::Interface(_) => "interface".to_owned(),
                    _ => self.type_string(recv_type),
                };
                format!("({recv_type}).{name}")
            }
            None => match package {
                Some(package) => format!("{}.{name}", self.world.path(package)),
                None => name.to_string(),
            },
        }
    }
}

impl Writer<'_, '_> {
    fn ty(&mut self, ty: TypeId) {
        if self.seen.len() >= MAX_NESTING || self.out.len() >= MAX_TEXT {
            self.out.push_str("...");
            return;
        }
        if self.seen.contains(&ty) {
            self.out.push_str("<cycle>");
            return;
        }
        self.seen.push(ty);
        self.unseen(ty);
        self.seen.pop();
    }

    fn unseen(&mut self, ty: TypeId) {
        match self.checker.ty(ty).clone() {
            Type::Unknown => self.out.push_str("invalid type"),
            Type::Basic(b) => self.out.push_str(b.name()),
            Type::Array(elem, len) => {
                let _ = match len {
                    Some(n) => write!(self.out, "[{n}]"),
                    None => write!(self.out, "[-1]"),
                };
                self.ty(elem);
            }
            Type::Slice(elem) => {
                self.out.push_str("[]");
                self.ty(elem);
            }
            Type::Pointer(elem) => {
                self.out.push('*');
                self.ty(elem);
            }
            Type::Map(key, elem) => {
                self.out.push_str("map[");
                self.ty(key);
                self.out.push(']');
                self.ty(elem);
            }
            Type::Chan(dir, elem) => {
                self.out.push_str(match dir {
                    ChanDir::Both => "chan ",
                    ChanDir::Send => "chan<- ",
                    ChanDir::Recv => "<-chan ",
                });
                let parens = dir == ChanDir::Both
                    && matches!(self.checker.ty(elem), Type::Chan(ChanDir::Recv, _));
                if parens {
                    self.out.push('(');
                }
                self.ty(elem);
                if parens {
                    self.out.push(')');
                }
            }
            Type::Struct(s) => self.structure(&s),
            Type::Tuple(vars) => self.tuple(&vars, false),
            Type::Signature(s) => {
                self.out.push_str("func");
                self.signature(&s);
            }
            Type::Union(terms) => {
                for (i, term) in terms.iter().enumerate() {
                    if i > 0 {
                        self.out.push_str(" | ");
                    }
                    if term.tilde {
                        self.out.push('~');
                    }
                    self.ty(term.ty);
                }
            }
            Type::Interface(interface) => self.interface(ty, &interface),
            Type::Named(id) => {
                let Named {
                    obj, targs, origin, ..
                } = self.checker.named(id).clone();
                self.type_name(obj);
                if origin != id {
                    self.list(&targs);
                } else {
                    let tparams = self.checker.type_params_of(id);
                    self.type_params(&tparams);
                }
            }
            Type::Alias(id)
                if self.qualifier == Qualifier::Path
                    && !self.checker.aliases_by_name
                    && ty != self.checker.universe_types.any =>
            {
                let actual = self.checker.alias_rhs(id);
                self.ty(actual);
            }
            Type::Alias(id) => {
                let Alias {
                    obj, targs, origin, ..
                } = self.checker.alias(id).clone();
                self.type_name(obj);
                if origin != id {
                    self.list(&targs);
                } else {
                    let tparams = self.checker.alias_type_params(id);
                    self.type_params(&tparams);
                }
            }
            Type::TypeParam(id) => {
                let obj = self.checker.type_param(id).obj;
                let name = self.checker.object(obj).name;
                self.out.push_str(name.as_str());
                if self.checker.universe.contains_key(&name) {
                    self.out.push_str("/* type parameter */");
                }
            }
        }
    }

    fn structure(&mut self, s: &Struct) {
        self.out.push_str("struct{");
        for (i, &field) in s.fields.iter().enumerate() {
            if i > 0 {
                self.out.push_str("; ");
            }
            let object = self.checker.object(field);
            let ty = object.ty;
            if !object.is_embedded() {
                let name = object.name;
                self.out.push_str(name.as_str());
                self.out.push(' ');
            }
            self.ty(ty);
            if let Some(tag) = s.tags.get(i).copied().flatten()
                && !tag.as_str().is_empty()
            {
                self.out.push(' ');
                quote(tag.as_str(), &mut self.out);
            }
        }
        self.out.push('}');
    }

    fn interface(&mut self, ty: TypeId, interface: &Interface) {
        if ty == self.checker.universe_types.empty_interface {
            self.out.push_str("any");
            return;
        }
        if ty == self.checker.universe_types.comparable_interface {
            self.out.push_str("interface{comparable}");
            return;
        }
        if interface.implicit {
            if let ([], [only]) = (&*interface.methods, &*interface.embeddeds) {
                self.ty(*only);
                return;
            }
            self.out.push_str("/* implicit */ ");
        }
        self.out.push_str("interface{");
        let mut first = true;
        for &method in interface.methods.iter() {
            if !std::mem::take(&mut first) {
                self.out.push_str("; ");
            }
            let name = self.checker.object(method).name;
            self.out.push_str(name.as_str());
            let ty = self.checker.type_of(method);
            if let Type::Signature(s) = self.checker.ty(ty).clone() {
                self.signature(&s);
            }
        }
        for &embedded in interface.embeddeds.iter() {
            if !std::mem::take(&mut first) {
                self.out.push_str("; ");
            }
            self.ty(embedded);
        }
        self.out.push('}');
    }

    fn type_name(&mut self, obj: ObjId) {
        let Object { name, package, .. } = *self.checker.object(obj);
        if let Some(package) = package {
            let world = self.checker.world;
            match self.qualifier {
                Qualifier::Path => {
                    self.out.push_str(world.path(package).as_str());
                    self.out.push('.');
                }
                Qualifier::Name(relative_to) if relative_to == Some(package) => {}
                Qualifier::Name(_) => {
                    let name = world.name(package).unwrap_or(world.path(package));
                    self.out.push_str(name.as_str());
                    self.out.push('.');
                }
            }
        }
        self.out.push_str(name.as_str());
    }

    fn list(&mut self, types: &[TypeId]) {
        self.out.push('[');
        for (i, &ty) in types.iter().enumerate() {
            if i > 0 {
                // The comma of a type list has no blank behind it in an import path's
                // neighbourhood either: go/types writes one.
                self.out.push_str(", ");
            }
            self.ty(ty);
        }
        self.out.push(']');
    }

    fn type_params(&mut self, tparams: &[TypeId]) {
        if tparams.is_empty() {
            return;
        }
        self.out.push('[');
        let mut previous = None;
        for (i, &tparam) in tparams.iter().enumerate() {
            let Type::TypeParam(id) = *self.checker.ty(tparam) else {
                continue;
            };
            let bound = self.checker.type_param(id).bound;
            if i > 0 {
                if let Some(previous) = previous
                    && previous != bound
                {
                    self.out.push(' ');
                    self.ty(previous);
                }
                self.out.push_str(", ");
            }
            previous = Some(bound);
            self.ty(tparam);
        }
        if let Some(previous) = previous {
            self.out.push(' ');
            self.ty(previous);
        }
        self.out.push(']');
    }

    fn tuple(&mut self, vars: &[ObjId], variadic: bool) {
        self.out.push('(');
        for (i, &var) in vars.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            let Object { name, ty, .. } = *self.checker.object(var);
            if !name.as_str().is_empty() {
                self.out.push_str(name.as_str());
                self.out.push(' ');
            }
            if variadic && i + 1 == vars.len() {
                match *self.checker.ty(ty) {
                    Type::Slice(elem) => {
                        self.out.push_str("...");
                        self.ty(elem);
                    }
                    _ => {
                        self.ty(ty);
                        self.out.push_str("...");
                    }
                }
            } else {
                self.ty(ty);
            }
        }
        self.out.push(')');
    }

    fn signature(&mut self, s: &Signature) {
        self.type_params(&s.tparams);
        self.tuple(&s.params, s.variadic);
        match *s.results {
            [] => {}
            [only] if self.checker.object(only).name.as_str().is_empty() => {
                let ty = self.checker.object(only).ty;
                self.out.push(' ');
                self.ty(ty);
            }
            _ => {
                self.out.push(' ');
                self.tuple(&s.results, false);
            }
        }
    }
}

/// Writes a string as Go's `strconv.Quote` does.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        let _ = match c {
            '"' => write!(out, "\\\""),
            '\\' => write!(out, "\\\\"),
            '\n' => write!(out, "\\n"),
            '\t' => write!(out, "\\t"),
            '\r' => write!(out, "\\r"),
            '\x07' => write!(out, "\\a"),
            '\x08' => write!(out, "\\b"),
            '\x0c' => write!(out, "\\f"),
            '\x0b' => write!(out, "\\v"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => write!(out, "\\x{:02x}", c as u32),
            c => write!(out, "{c}"),
        };
    }
    out.push('"');
}
