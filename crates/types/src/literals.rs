//! Literals, after go/types literals.go.

use crate::body::Mode;
use crate::checker::Checker;
use crate::constant::Value;
use crate::object::*;
use crate::operand::Operand;
use crate::types::*;
use std::rc::Rc;
use tophash_syntax::ast::*;

impl<'w> Checker<'w> {
    /// The value of a basic literal.
    pub(crate) fn literal_value(&self, e: ExprId) -> Value {
        match self.env.ast.expr(e).kind {
            ExprKind::BasicLit(kind) => Value::from_literal(kind, self.text(e)),
            _ => Value::Unknown,
        }
    }

    pub(crate) fn basic_lit(&mut self, e: ExprId, kind: LitKind) -> Operand {
        let basic = match kind {
            LitKind::Int => Basic::UntypedInt,
            LitKind::Float => Basic::UntypedFloat,
            LitKind::Imag => Basic::UntypedComplex,
            LitKind::Char => Basic::UntypedRune,
            LitKind::String => Basic::UntypedString,
        };
        let mut x = Operand::new(Mode::Constant, TypeId::basic(basic), Some(e));
        x.value = Some(Value::from_literal(kind, self.text(e)));
        x
    }

    pub(crate) fn func_lit(&mut self, e: ExprId, ty: FuncTypeId, body: StmtId) -> Operand {
        self.env.scope.open();
        let ty = self.func_type(None, ty);
        self.env.scope.close();
        if self.env.in_body {
            self.literal_body(ty, body);
        } else {
            // The body says nothing about the type: it is checked with the file.
            let file = self.env.file;
            self.literals_later
                .entry(file)
                .or_default()
                .push((ty, body));
        }
        Operand::new(Mode::Value, ty, Some(e))
    }

    /// Checks the body of a function literal in the scope it stands in.
    pub(crate) fn literal_body(&mut self, ty: TypeId, body: StmtId) {
        let Type::Signature(signature) = self.ty(ty).clone() else {
            return;
        };
        let iota = self.env.iota.take();
        let outer = self.env.signature.take();
        let in_body = self.env.in_body;
        let has_call = self.has_call;
        self.env.scope.open();
        self.function_body(&signature, body);
        self.env.scope.close();
        self.has_call = has_call;
        self.env.in_body = in_body;
        self.env.signature = outer;
        self.env.iota = iota;
    }

    /// Checks a body in the innermost scope, which is that of the function's parameters.
    pub(crate) fn function_body(&mut self, signature: &Rc<Signature>, body: StmtId) {
        self.env.in_body = true;
        self.env.signature = Some(signature.clone());
        let vars = signature.recv.iter();
        let vars = vars.chain(signature.params.iter());
        for &var in vars.chain(signature.results.iter()) {
            self.declare(var);
        }
        if let StmtKind::Block(list) = self.env.ast.stmt(body).kind {
            self.stmt_list(list);
        }
    }

    pub(crate) fn composite_lit(
        &mut self,
        e: ExprId,
        ty: Option<ExprId>,
        elems: List<ExprId>,
        hint: Option<TypeId>,
    ) -> Operand {
        let ast = self.env.ast;
        let elems = ast.list(elems);
        // `[...]T{...}` gets its length from its elements.
        if let Some(ty) = ty
            && let ExprKind::ArrayType {
                len: Some(len),
                elem,
            } = ast.expr(ty).kind
            && matches!(ast.expr(len).kind, ExprKind::Ellipsis { elem: None })
        {
            let elem = self.typ(elem);
            let len = self.indexed_elements(elems, elem);
            let array = self.store.array(elem, len);
            self.table().record(ty, Mode::Type, array);
            return Operand::new(Mode::Value, array, Some(e));
        }
        let (ty, base) = match (ty, hint) {
            (Some(ty), _) => {
                let ty = self.typ(ty);
                (ty, ty)
            }
            (None, Some(hint)) => {
                let under = self.common_underlying(hint);
                let base = match under.map(|u| self.ty(u)) {
                    Some(&Type::Pointer(base)) => base,
                    _ => hint,
                };
                (hint, base)
            }
            (None, None) => (TypeId::UNKNOWN, TypeId::UNKNOWN),
        };
        let under = self.common_underlying(base).unwrap_or(TypeId::UNKNOWN);
        match self.ty(under).clone() {
            Type::Struct(s) => self.struct_elements(base, &s, elems),
            Type::Array(elem, _) | Type::Slice(elem) => {
                self.indexed_elements(elems, elem);
            }
            Type::Map(key, elem) => {
                for &element in elems {
                    let ExprKind::KeyValue {
                        key: key_expr,
                        value,
                    } = ast.expr(element).kind
                    else {
                        self.use_expr(element);
                        continue;
                    };
                    let mut x = self.expr_with_hint(key_expr, key);
                    self.assignment(&mut x, Some(key));
                    let mut x = self.expr_with_hint(value, elem);
                    self.assignment(&mut x, Some(elem));
                }
            }
            _ => {
                for &element in elems {
                    match ast.expr(element).kind {
                        // Whether the key is a field's name is not known.
                        ExprKind::KeyValue { value, .. } => self.use_expr(value),
                        _ => self.use_expr(element),
                    }
                }
            }
        }
        Operand::new(Mode::Value, ty, Some(e))
    }

    fn struct_elements(&mut self, base: TypeId, s: &Struct, elems: &[ExprId]) {
        let ast = self.env.ast;
        for (i, &element) in elems.iter().enumerate() {
            let (field, value) = match ast.expr(element).kind {
                ExprKind::KeyValue { key, value } => (self.literal_field(base, s, key), value),
                _ => (s.fields.get(i).copied(), element),
            };
            let ty = field.map(|f| self.object(f).ty);
            let mut x = self.expr(ty, value);
            if let Some(ty) = ty {
                self.assignment(&mut x, Some(ty));
            }
        }
    }

    /// The field that a key of a struct literal names. Since Go 1.27 it may be a promoted one.
    fn literal_field(&mut self, base: TypeId, s: &Struct, key: ExprId) -> Option<ObjId> {
        let ExprKind::Ident(name) = self.env.ast.expr(key).kind else {
            return None;
        };
        let package = Some(self.env.package);
        let field = match self.field_index(&s.fields, package, name) {
            Some(i) => s.fields[i],
            None => {
                let found = self.lookup_in(base, true, package, name).ok()?;
                if !self.object(found.obj).is_field() {
                    return None;
                }
                found.obj
            }
        };
        self.table().record_object(key, field);
        Some(field)
    }

    /// Checks the elements of an array or slice literal and gives its length: the largest index
    /// plus one; none if an index is not known.
    fn indexed_elements(&mut self, elems: &[ExprId], elem: TypeId) -> Option<u64> {
        let ast = self.env.ast;
        let mut index: Option<u64> = Some(0);
        let mut len: Option<u64> = Some(0);
        for &element in elems {
            let value = match ast.expr(element).kind {
                ExprKind::KeyValue { key, value } => {
                    index = self.index_value(key);
                    value
                }
                _ => element,
            };
            index = index.and_then(|i| i.checked_add(1));
            len = match (len, index) {
                (Some(len), Some(index)) => Some(len.max(index)),
                _ => None,
            };
            let mut x = self.expr_with_hint(value, elem);
            self.assignment(&mut x, Some(elem));
        }
        len
    }
}
