//! Type expressions, after go/types typexpr.go, struct.go, interface.go, union.go.

use crate::body::Mode;
use crate::checker::Checker;
use crate::constant::Value;
use crate::object::*;
use crate::types::*;
use std::rc::Rc;
use tophash_syntax::ast::*;
use tophash_syntax::{Span, Symbol};

impl<'w> Checker<'w> {
    /// The type that an expression denotes.
    pub(crate) fn typ(&mut self, expr: ExprId) -> TypeId {
        self.defined_type(expr, None)
    }

    /// The type that an expression denotes, on the right side of the declaration of `def`.
    pub(crate) fn defined_type(&mut self, expr: ExprId, def: Option<TypeId>) -> TypeId {
        let ty = self.type_expr(expr, def);
        self.table().record(expr, Mode::Type, ty);
        ty
    }

    fn type_expr(&mut self, expr: ExprId, def: Option<TypeId>) -> TypeId {
        let ast = self.env.ast;
        match ast.expr(expr).kind {
            ExprKind::Ident(name) => match self.lookup_name(name) {
                Some(obj) => {
                    self.table().record_object(expr, obj);
                    self.type_named_by(obj)
                }
                None => TypeId::UNKNOWN,
            },
            ExprKind::Selector { x, name, .. } => match self.qualified(x, name) {
                Some(Some(obj)) => {
                    self.table().record_object(expr, obj);
                    self.type_named_by(obj)
                }
                _ => TypeId::UNKNOWN,
            },
            ExprKind::Paren(x) => self.defined_type(x, def),
            ExprKind::Index { x, index } => self.instantiated_type(x, &[index]),
            ExprKind::IndexList { x, indices } => {
                let indices = ast.list(indices);
                self.instantiated_type(x, indices)
            }
            ExprKind::ArrayType { len, elem } => match len {
                None => {
                    let elem = self.typ(elem);
                    self.store.slice(elem)
                }
                Some(len) => {
                    let len = self.array_length(len);
                    let elem = self.typ(elem);
                    self.store.array(elem, len)
                }
            },
            ExprKind::Ellipsis { elem: Some(elem) } => {
                let elem = self.typ(elem);
                self.store.slice(elem)
            }
            ExprKind::StructType(fields) => self.struct_type(fields),
            ExprKind::Star(x) => {
                let base = self.typ(x);
                if base.is_unknown() {
                    return TypeId::UNKNOWN;
                }
                self.store.pointer(base)
            }
            ExprKind::FuncType(ty) => {
                self.env.scope.open();
                let ty = self.func_type(None, ty);
                self.env.scope.close();
                ty
            }
            ExprKind::InterfaceType(members) => self.interface_type(members, def),
            ExprKind::MapType { key, value } => {
                let key = self.typ(key);
                let value = self.typ(value);
                self.store.map(key, value)
            }
            ExprKind::ChanType { dir, elem } => {
                let elem = self.typ(elem);
                self.store.chan(dir, elem)
            }
            ExprKind::Unary {
                op: UnaryOp::Tilde, ..
            }
            | ExprKind::Binary {
                op: BinaryOp::Or, ..
            } => self.union_type(expr),
            _ => TypeId::UNKNOWN,
        }
    }

    /// The type that an object names; unknown if it is not a type name.
    fn type_named_by(&mut self, obj: ObjId) -> TypeId {
        if self.object(obj).is_type_name() {
            self.type_of(obj)
        } else {
            TypeId::UNKNOWN
        }
    }

    /// What `x.name` denotes if `x` names an imported package: none if it does not, or if
    /// there is no such object in it.
    pub(crate) fn qualified(&mut self, x: ExprId, name: Symbol) -> Option<Option<ObjId>> {
        let ExprKind::Ident(package_name) = self.env.ast.expr(x).kind else {
            return None;
        };
        let obj = self.lookup_name(package_name)?;
        let ObjKind::PackageName { package, path } = self.object(obj).kind else {
            return None;
        };
        self.table().record_object(x, obj);
        if path.as_str() == "unsafe" {
            return Some(self.unsafe_names.get(&name).copied());
        }
        Some(package.and_then(|package| self.exported(package, name)))
    }

    fn instantiated_type(&mut self, x: ExprId, args: &[ExprId]) -> TypeId {
        let generic = self.typ(x);
        let targs: Vec<TypeId> = args.iter().map(|&arg| self.typ(arg)).collect();
        if !self.is_generic(generic) {
            return TypeId::UNKNOWN;
        }
        let ty = self.instance(generic, &targs);
        self.table().record_instance(x, targs.into());
        ty
    }

    /// The length of an array type; none if it can't be computed.
    fn array_length(&mut self, len: ExprId) -> Option<u64> {
        let x = self.expr(None, len);
        let is_untyped = self.is_untyped(x.ty);
        if x.mode == Mode::Constant
            && (is_untyped || self.all_basic(x.ty, Basic::is_integer))
            && let Some(value) = x.value.as_ref()
            && value.is_integer()
        {
            return value.as_int().and_then(|n| u64::try_from(n).ok());
        }
        None
    }

    fn struct_type(&mut self, list: FieldListId) -> TypeId {
        let ast = self.env.ast;
        let mut fields = Vec::new();
        let mut tags: Vec<Option<Symbol>> = Vec::new();
        for field in ast.fields(list) {
            let ty = self.typ(field.ty);
            let tag = field.tag.and_then(|tag| self.tag(tag));
            let names = ast.list(field.names);
            let mut add = |c: &mut Self, name: Ident, embedded: bool| {
                let kind = ObjKind::Var(VarKind::Field { embedded });
                if tag.is_some() {
                    tags.resize(fields.len(), None);
                    tags.push(tag);
                }
                fields.push(c.define_object(kind, name, ty));
            };
            if names.is_empty() {
                let name = self.embedded_name(field.ty).unwrap_or(Ident {
                    name: self.blank,
                    span: ast.expr(field.ty).span,
                });
                add(self, name, true);
            }
            for &name in names {
                add(self, name, false);
            }
        }
        self.store.add(Type::Struct(Rc::new(Struct {
            fields: fields.into(),
            tags: tags.into(),
        })))
    }

    fn tag(&mut self, tag: ExprId) -> Option<Symbol> {
        match self.literal_value(tag) {
            Value::String(crate::constant::Text::Bytes(bytes)) => {
                Some(Symbol::new(&String::from_utf8_lossy(&bytes)))
            }
            _ => None,
        }
    }

    /// The name of an embedded field: that of its type.
    fn embedded_name(&self, mut ty: ExprId) -> Option<Ident> {
        loop {
            let expr = self.env.ast.expr(ty);
            match expr.kind {
                ExprKind::Ident(name) => {
                    return Some(Ident {
                        name,
                        span: expr.span,
                    });
                }
                ExprKind::Selector { name, name_pos, .. } => {
                    return Some(Ident {
                        name,
                        span: Span::new(name_pos, expr.span.end),
                    });
                }
                ExprKind::Star(x)
                | ExprKind::Paren(x)
                | ExprKind::Index { x, .. }
                | ExprKind::IndexList { x, .. } => ty = x,
                _ => return None,
            }
        }
    }

    fn interface_type(&mut self, list: FieldListId, def: Option<TypeId>) -> TypeId {
        let ast = self.env.ast;
        let members = ast.fields(list);
        if members.is_empty() {
            return self.new_interface(&[], &[], false);
        }
        let ty = self.store.add(Type::Unknown);
        let recv_type = def.unwrap_or(ty);
        let mut methods = Vec::new();
        let mut embeddeds = Vec::new();
        for member in members {
            let names = ast.list(member.names);
            if names.is_empty() {
                embeddeds.push(self.typ(member.ty));
                continue;
            }
            for &name in names {
                if name.name == self.blank {
                    continue;
                }
                let signature = self.typ(member.ty);
                let recv = self.new_object(Object {
                    ty: recv_type,
                    ..Object::new(
                        ObjKind::Var(VarKind::Receiver),
                        self.empty,
                        Some(self.env.package),
                    )
                });
                let signature = match self.ty(signature).clone() {
                    Type::Signature(s) => {
                        let mut s = (*s).clone();
                        s.recv = Some(recv);
                        self.store.add(Type::Signature(Rc::new(s)))
                    }
                    _ => TypeId::UNKNOWN,
                };
                methods.push(self.define_object(ObjKind::Func { decl: None }, name, signature));
            }
        }
        // In the order of go/types object.less.
        methods.sort_by_cached_key(|&m| {
            let name = self.object(m).name;
            (!crate::predicates::is_exported(name), name.as_str())
        });
        self.store.set(
            ty,
            Type::Interface(Rc::new(Interface {
                methods: methods.into(),
                embeddeds: embeddeds.into(),
                implicit: false,
            })),
        );
        ty
    }

    fn union_type(&mut self, expr: ExprId) -> TypeId {
        let ast = self.env.ast;
        // A union of n terms is a chain of n-1 operators, the last one outermost.
        let mut operands = Vec::new();
        let mut rest = expr;
        while let ExprKind::Binary {
            op: BinaryOp::Or,
            x,
            y,
        } = ast.expr(rest).kind
        {
            operands.push(y);
            rest = x;
        }
        operands.push(rest);
        let mut terms = Vec::with_capacity(operands.len());
        for &operand in operands.iter().rev() {
            let (tilde, x) = match ast.expr(operand).kind {
                ExprKind::Unary {
                    op: UnaryOp::Tilde,
                    x,
                } => (true, x),
                _ => (false, operand),
            };
            let ty = self.typ(x);
            terms.push(Term { tilde, ty });
        }
        self.store.add(Type::Union(terms.into()))
    }
}
