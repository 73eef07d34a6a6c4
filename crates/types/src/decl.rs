//! Package-level declarations, resolved when asked for.

use crate::assignments::Target;
use crate::body::{Mode, TypedBody};
use crate::checker::Checker;
use crate::constant::Value;
use crate::object::*;
use crate::operand::Operand;
use crate::scope::Declaration;
use crate::types::*;
use crate::world::FileId;
use std::rc::Rc;
use tophash_syntax::ast::*;

/// How many declarations may wait for one another. A longer chain of them is not followed, so
/// that no source can exhaust the stack.
const MAX_DEPTH: u32 = 500;

impl<'w> Checker<'w> {
    /// Does something at the package level of a file.
    pub(crate) fn in_file<T>(&mut self, file: FileId, act: impl FnOnce(&mut Self) -> T) -> T {
        let env = self.file_env(file);
        let saved = std::mem::replace(&mut self.env, env);
        let result = act(self);
        self.env = saved;
        result
    }

    /// The type of an object, resolving its declaration if need be.
    pub fn type_of(&mut self, obj: ObjId) -> TypeId {
        if self.object(obj).lazy {
            self.resolve(obj);
        }
        self.object(obj).ty
    }

    /// The value of a constant, where it is known.
    pub fn const_value(&mut self, obj: ObjId) -> Option<Value> {
        self.type_of(obj);
        self.const_values.get(&obj).cloned()
    }

    /// The values of the constants that the package of a defined type declares of it, in any
    /// order: the members of an enumeration. Some of them may be [`Value::Unknown`].
    pub fn constants_of(&mut self, ty: TypeId) -> Vec<Value> {
        let ty = self.unalias(ty);
        let Type::Named(named) = *self.ty(ty) else {
            return Vec::new();
        };
        let Some(package) = self.object(self.named(named).obj).package else {
            return Vec::new();
        };
        let scope = self.package_scope(package);
        let constants = scope.names.values().copied();
        let constants: Vec<ObjId> = constants
            .filter(|&obj| matches!(self.object(obj).kind, ObjKind::Const))
            .collect();
        let of_type = constants.into_iter().filter_map(|obj| {
            let own = self.type_of(obj);
            (self.unalias(own) == ty).then(|| self.const_value(obj).unwrap_or(Value::Unknown))
        });
        of_type.collect()
    }

    fn resolve(&mut self, obj: ObjId) {
        if self.resolving >= MAX_DEPTH {
            return;
        }
        let Some(declaration) = self.pending.remove(&obj) else {
            return;
        };
        self.objects[obj.0 as usize].lazy = false;
        self.resolving += 1;
        match declaration {
            Declaration::Type { file, spec } => {
                let ast = &self.world.file(file).tree.ast;
                if let SpecKind::Type { alias, .. } = ast.spec(spec).kind {
                    self.type_declarations.insert(obj, (file, spec));
                    if alias {
                        self.new_lazy_alias(obj);
                    } else {
                        self.new_named(obj);
                    }
                }
            }
            Declaration::Func { file, func } => {
                self.in_file(file, |c| {
                    let decl = *c.env.ast.func(func);
                    c.env.scope.open();
                    let ty = c.func_type(decl.recv, decl.ty);
                    c.objects[obj.0 as usize].ty = ty;
                });
            }
            Declaration::Const {
                file,
                source,
                index,
                iota,
                inherited,
            } => self.in_file(file, |c| {
                let SpecKind::Value { ty, values, .. } = c.env.ast.spec(source).kind else {
                    return;
                };
                let value = c.env.ast.list(values).get(index).copied();
                c.const_decl(obj, ty, value, iota, inherited);
            }),
            Declaration::Var {
                file,
                spec,
                index,
                siblings,
            } => self.in_file(file, |c| {
                let SpecKind::Value { ty, values, .. } = c.env.ast.spec(spec).kind else {
                    return;
                };
                let values = c.env.ast.list(values);
                c.package_var(obj, index, &siblings, ty, values);
            }),
        }
        self.resolving -= 1;
    }

    /// A constant declaration (go/types constDecl). With `inherited`, type and value are those
    /// of an earlier specification: its expressions keep what was recorded of them there.
    pub(crate) fn const_decl(
        &mut self,
        obj: ObjId,
        ty: Option<ExprId>,
        value: Option<ExprId>,
        iota: u32,
        inherited: bool,
    ) {
        let saved_iota = self.env.iota.replace(iota);
        let saved_table = self.env.table;
        if inherited {
            self.tables.push(TypedBody::default());
            self.env.table = self.tables.len() - 1;
        }
        let declared = ty.map(|ty| self.typ(ty));
        let x = match value {
            Some(value) => self.expr(None, value),
            None => Operand::unknown(None),
        };
        self.init_const(obj, declared, x);
        if inherited && self.env.table + 1 == self.tables.len() {
            self.tables.pop();
        }
        self.env.table = saved_table;
        self.env.iota = saved_iota;
    }

    fn init_const(&mut self, obj: ObjId, declared: Option<TypeId>, mut x: Operand) {
        if x.mode != Mode::Constant {
            self.objects[obj.0 as usize].ty = declared.unwrap_or(TypeId::UNKNOWN);
            return;
        }
        let ty = declared.unwrap_or(x.ty);
        self.objects[obj.0 as usize].ty = ty;
        self.assignment(&mut x, Some(ty));
        if let Some(value) = x.value {
            self.const_values.insert(obj, value);
        }
    }

    fn package_var(
        &mut self,
        obj: ObjId,
        index: usize,
        siblings: &Rc<[ObjId]>,
        ty: Option<ExprId>,
        values: &'w [ExprId],
    ) {
        let typed = ty.is_some();
        if let Some(ty) = ty {
            let ty = self.typ(ty);
            for &sibling in siblings.iter() {
                self.settle(sibling);
                self.objects[sibling.0 as usize].ty = ty;
            }
        }
        if typed {
            // The values say nothing about the types: they are checked with the file.
            let later = self.file_later.entry(self.env.file).or_default();
            later.push((siblings.clone(), values));
        } else if values.len() == siblings.len() {
            if let Some(&value) = values.get(index) {
                self.init_vars(&[Target { var: obj, typed }], &[value], false);
            }
        } else {
            for &sibling in siblings.iter() {
                self.settle(sibling);
            }
            self.init_package_vars(siblings, typed, values);
        }
    }

    fn init_package_vars(&mut self, vars: &[ObjId], typed: bool, values: &[ExprId]) {
        let targets: Vec<Target> = vars.iter().map(|&var| Target { var, typed }).collect();
        self.init_vars(&targets, values, true);
    }

    /// Marks a package-level object as being resolved together with another.
    fn settle(&mut self, obj: ObjId) {
        self.pending.remove(&obj);
        self.objects[obj.0 as usize].lazy = false;
    }

    /// The right side of a type declaration, and its type parameters.
    pub(crate) fn declared_type(&mut self, obj: ObjId) -> (TypeId, Rc<[TypeId]>) {
        let none: Rc<[TypeId]> = Rc::from([]);
        let Some(&(file, spec)) = self.type_declarations.get(&obj) else {
            return (TypeId::UNKNOWN, none);
        };
        let named = self.object(obj).ty;
        let tparams = match *self.ty(named) {
            Type::Named(id) => self.type_params_of(id),
            Type::Alias(id) => self.alias_type_params(id),
            _ => none,
        };
        let rhs = self.in_file(file, |c| {
            let SpecKind::Type { ty, alias, .. } = c.env.ast.spec(spec).kind else {
                return TypeId::UNKNOWN;
            };
            c.env.scope.open();
            c.declare_type_params(&tparams);
            c.defined_type(ty, (!alias).then_some(named))
        });
        (rhs, tparams)
    }

    /// The type parameters of a type declaration.
    pub(crate) fn declared_type_params(&mut self, obj: ObjId) -> Rc<[TypeId]> {
        let Some(&(file, spec)) = self.type_declarations.get(&obj) else {
            return Rc::from([]);
        };
        self.in_file(file, |c| {
            let SpecKind::Type { type_params, .. } = c.env.ast.spec(spec).kind else {
                return Rc::from([]);
            };
            c.env.scope.open();
            match type_params {
                Some(list) => c.collect_type_params(list),
                None => Rc::from([]),
            }
        })
    }

    /// Puts the names of type parameters into the innermost scope.
    pub(crate) fn declare_type_params(&mut self, tparams: &[TypeId]) {
        for &tparam in tparams {
            if let Type::TypeParam(id) = *self.ty(tparam) {
                let obj = self.type_param(id).obj;
                self.declare(obj);
            }
        }
    }

    /// Puts an object into the innermost scope.
    pub(crate) fn declare(&mut self, obj: ObjId) {
        let name = self.object(obj).name;
        if name != self.blank && name != self.empty {
            self.env.scope.insert(name, obj);
        }
    }

    /// A new object declared by an identifier at the present place.
    pub(crate) fn define_object(&mut self, kind: ObjKind, name: Ident, ty: TypeId) -> ObjId {
        let obj = self.new_object(Object {
            place: Some(Place {
                file: self.env.file,
                span: name.span,
            }),
            ty,
            ..Object::new(kind, name.name, Some(self.env.package))
        });
        self.table().record_definition(name.span.start, obj);
        obj
    }

    /// Collects type parameters and their constraints, and declares them in the innermost scope.
    pub(crate) fn collect_type_params(&mut self, list: FieldListId) -> Rc<[TypeId]> {
        let fields = self.env.ast.fields(list);
        let mut tparams = Vec::new();
        let mut groups = Vec::new();
        for field in fields {
            let start = tparams.len();
            for &name in self.env.ast.list(field.names) {
                let obj = self.define_object(ObjKind::TypeName, name, TypeId::UNKNOWN);
                let index = tparams.len() as u32;
                tparams.push(self.new_type_param(obj, index, TypeId::UNKNOWN));
                self.declare(obj);
            }
            groups.push((start..tparams.len(), field.ty));
        }
        for (group, bound) in groups {
            let bound = self.typ(bound);
            for &tparam in &tparams[group] {
                if let Type::TypeParam(id) = *self.ty(tparam) {
                    self.type_params[id.0 as usize].bound = bound;
                }
            }
        }
        tparams.into()
    }

    /// The table that is being written to.
    pub(crate) fn table(&mut self) -> &mut TypedBody {
        let index = self.env.table.min(self.tables.len() - 1);
        &mut self.tables[index]
    }

    /// Checks what a file declares at package level, initial values and the function
    /// literals in them included.
    pub fn check_initialisers(&mut self, file: FileId) -> Rc<TypedBody> {
        if let Some(done) = self.checked_files.get(&file) {
            return done.clone();
        }
        let package = self.world.package_of(file);
        let scope = self.package_scope(package);
        for &obj in scope.by_file.get(&file).into_iter().flatten() {
            let ty = self.type_of(obj);
            match *self.ty(ty) {
                Type::Named(id) if self.object(obj).is_type_name() => {
                    self.named_rhs(id);
                }
                Type::Alias(id) if self.object(obj).is_type_name() => {
                    self.alias_rhs(id);
                }
                _ => {}
            }
        }
        let functions: Vec<ObjId> = (0..self.world.file(file).tree.ast.func_count())
            .filter_map(|i| scope.functions.get(&(file, FuncId::from_index(i))).copied())
            .collect();
        for obj in functions {
            self.type_of(obj);
        }
        self.in_file(file, |c| {
            for (vars, values) in c.file_later.remove(&file).unwrap_or_default() {
                c.init_package_vars(&vars, true, values);
            }
            // Checking one literal's body may bring others to light.
            while let Some(literals) = c.literals_later.remove(&file) {
                for (ty, body) in literals {
                    c.literal_body(ty, body);
                }
            }
        });
        let mut table = match self.file_tables.get(&file) {
            Some(&table) => std::mem::take(&mut self.tables[table]),
            None => TypedBody::default(),
        };
        for &obj in scope.by_file.get(&file).into_iter().flatten() {
            if let Some(place) = self.object(obj).place {
                table.record_definition(place.span.start, obj);
            }
        }
        let table = Rc::new(table);
        self.checked_files.insert(file, table.clone());
        table
    }

    /// Checks the body of a function declaration and everything inside it.
    pub fn check_body(&mut self, file: FileId, func: FuncId) -> TypedBody {
        let Some(obj) = self.function(file, func) else {
            return TypedBody::default();
        };
        let ty = self.type_of(obj);
        let Type::Signature(signature) = self.ty(ty).clone() else {
            return TypedBody::default();
        };
        let Some((ast, body)) = self.world.body(file, func) else {
            return TypedBody::default();
        };
        self.in_file(file, |c| {
            c.env.ast = ast;
            c.tables.push(TypedBody::default());
            c.env.table = c.tables.len() - 1;
            c.env.scope.open();
            c.declare_type_params(&signature.recv_tparams);
            c.declare_type_params(&signature.tparams);
            c.function_body(&signature, body);
            // Files entered on the way have put their tables behind this one.
            let table = c.env.table;
            if table + 1 == c.tables.len() {
                c.tables.pop().unwrap_or_default()
            } else {
                std::mem::take(&mut c.tables[table])
            }
        })
    }

    /// The object that a function declaration declares.
    pub fn function(&mut self, file: FileId, func: FuncId) -> Option<ObjId> {
        let package = self.world.package_of(file);
        let scope = self.package_scope(package);
        scope.functions.get(&(file, func)).copied()
    }
}
