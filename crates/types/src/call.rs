//! Calls and the instantiation of functions, after go/types call.go.

use crate::body::Mode;
use crate::checker::Checker;
use crate::operand::Operand;
use crate::types::*;
use std::rc::Rc;
use tophash_syntax::ast::*;

/// An argument of a call: its operand, and the type arguments given to it if it is a partly
/// instantiated generic function.
struct Argument {
    x: Operand,
    targs: Vec<TypeId>,
}

impl<'w> Checker<'w> {
    /// A call, a conversion or the use of a built-in function.
    pub(crate) fn call(
        &mut self,
        e: ExprId,
        fun: ExprId,
        args: List<ExprId>,
        spread: bool,
    ) -> Operand {
        let ast = self.env.ast;
        let args = ast.list(args);
        let mut indices: &[ExprId] = &[];
        let x = match self.indexed(fun) {
            Some((operand, list)) => {
                let (mut x, is_instance) = self.index_expr(fun, operand, list);
                if is_instance {
                    indices = list;
                }
                x.expr = Some(fun);
                self.record(&x);
                x
            }
            None => self.expr_or_type(fun, true),
        };
        match x.mode {
            Mode::Type => return self.conversion_call(e, x.ty, args),
            Mode::Builtin => {
                let x = self.builtin_call(e, x.builtin, fun, args, spread);
                if x.mode != Mode::Constant {
                    self.has_call = true;
                }
                return x;
            }
            _ => {}
        }
        self.has_call = true;
        let Some(mut signature) = self.common_underlying(x.ty) else {
            return self.unknown_call(e, args);
        };
        let Type::Signature(s) = self.ty(signature).clone() else {
            return self.unknown_call(e, args);
        };
        let was_generic = !s.tparams.is_empty();
        let mut targs: Vec<TypeId> = indices.iter().map(|&i| self.typ(i)).collect();
        if was_generic && targs.len() == s.tparams.len() {
            signature = self.instantiate_function(fun, signature, &targs);
            targs.clear();
        }
        let arguments = self.arguments(args);
        let signature = self.apply(fun, signature, &targs, arguments, spread);
        let Type::Signature(s) = self.ty(signature).clone() else {
            return Operand::unknown(Some(e));
        };
        if was_generic && s.tparams.is_empty() {
            self.table().record(fun, Mode::Value, signature);
        }
        if !s.tparams.is_empty() {
            // Inference failed: what doesn't depend on type parameters is known all the same.
            let Some(results) = self.results_without(&s) else {
                return Operand::unknown(Some(e));
            };
            return Operand::new(Mode::Value, results, Some(e));
        }
        match *s.results {
            [] => Operand::new(Mode::NoValue, TypeId::UNKNOWN, Some(e)),
            [only] => Operand::new(Mode::Value, self.object(only).ty, Some(e)),
            _ => {
                let ty = self.store.tuple(s.results.clone());
                Operand::new(Mode::Value, ty, Some(e))
            }
        }
    }

    /// The results of a generic function as a type, with unknown types in the place of its type
    /// parameters. None if it has no results.
    fn results_without(&mut self, s: &Rc<Signature>) -> Option<TypeId> {
        let unknown = vec![TypeId::UNKNOWN; s.tparams.len()];
        match *s.results {
            [] => None,
            [only] => {
                let ty = self.object(only).ty;
                Some(self.substitute(ty, &s.tparams, &unknown))
            }
            _ => {
                let ty = self.store.tuple(s.results.clone());
                Some(self.substitute(ty, &s.tparams, &unknown))
            }
        }
    }

    fn unknown_call(&mut self, e: ExprId, args: &[ExprId]) -> Operand {
        for &arg in args {
            self.use_expr(arg);
        }
        Operand::unknown(Some(e))
    }

    /// Checks an expression of which nothing is expected.
    pub(crate) fn use_expr(&mut self, e: ExprId) {
        self.raw_expr(None, e, None, true);
    }

    fn conversion_call(&mut self, e: ExprId, ty: TypeId, args: &[ExprId]) -> Operand {
        let [arg] = *args else {
            for &arg in args {
                self.use_expr(arg);
            }
            return Operand::new(Mode::Value, ty, Some(e));
        };
        let mut x = self.expr(Some(ty), arg);
        self.conversion(&mut x, ty);
        x.expr = Some(e);
        x
    }

    /// The operand and indices of an index expression.
    pub(crate) fn indexed(&self, e: ExprId) -> Option<(ExprId, &'w [ExprId])> {
        let ast = self.env.ast;
        match &ast.expr(e).kind {
            ExprKind::Index { x, index } => Some((*x, std::slice::from_ref(index))),
            ExprKind::IndexList { x, indices } => Some((*x, ast.list(*indices))),
            _ => None,
        }
    }

    /// Instantiates a generic function and records its type arguments.
    fn instantiate_function(&mut self, fun: ExprId, generic: TypeId, targs: &[TypeId]) -> TypeId {
        let name = self.instantiated_name(fun);
        self.table().record_instance(name, targs.into());
        self.instantiate_signature(generic, targs)
    }

    /// The identifier or selector that names an instantiated function.
    fn instantiated_name(&self, fun: ExprId) -> ExprId {
        let fun = self.env.ast.unparen(fun);
        match self.indexed(fun) {
            Some((x, _)) => self.env.ast.unparen(x),
            None => fun,
        }
    }

    /// Instantiates the generic function `x` with the type arguments that `indices` give and those
    /// that follow from the type it is assigned to (go/types funcInst). Unless `infer`, gives back the
    /// type arguments if some are missing.
    pub(crate) fn func_inst(
        &mut self,
        target: Option<TypeId>,
        x: &mut Operand,
        indices: Option<&[ExprId]>,
        infer: bool,
    ) -> Option<Vec<TypeId>> {
        let Type::Signature(s) = self.ty(x.ty).clone() else {
            return None;
        };
        let given: Vec<TypeId> = indices
            .unwrap_or_default()
            .iter()
            .map(|&i| self.typ(i))
            .collect();
        let mut targs = given.clone();
        if targs.len() > s.tparams.len() {
            x.forget();
            return None;
        }
        if targs.len() < s.tparams.len() {
            if !infer {
                return Some(targs);
            }
            let target = target.map(|t| self.underlying(t));
            let target = target.filter(|&t| matches!(self.ty(t), Type::Signature(_)));
            let fresh = self.rename_type_params(&s.tparams);
            let mut params = Vec::new();
            let mut args = Vec::new();
            if let Some(target) = target {
                let plain = self.without_type_params(x.ty);
                params.push(self.substitute(plain, &s.tparams, &fresh));
                args.push(Operand::new(Mode::Value, target, None));
            }
            let mut partial: Vec<Option<TypeId>> = given.into_iter().map(Some).collect();
            partial.resize(s.tparams.len(), None);
            match self.infer(&fresh, &partial, &params, &args) {
                Some(inferred) => targs = inferred,
                None => {
                    x.forget();
                    return None;
                }
            }
        }
        let generic = x.ty;
        x.ty = match x.expr {
            Some(e) => self.instantiate_function(e, generic, &targs),
            None => self.instantiate_signature(generic, &targs),
        };
        x.mode = Mode::Value;
        None
    }

    /// Checks arguments, which may be generic functions, or one call with several results
    /// (go/types genericExprList).
    fn arguments(&mut self, args: &[ExprId]) -> Vec<Argument> {
        let plain = |x| Argument {
            x,
            targs: Vec::new(),
        };
        let mut list = Vec::with_capacity(args.len());
        for &arg in args {
            if let Some((operand, indices)) = self.indexed(arg) {
                let (mut x, is_instance) = self.index_expr(arg, operand, indices);
                x.expr = Some(arg);
                if is_instance {
                    let targs = self.func_inst(None, &mut x, Some(indices), false);
                    if targs.is_none() {
                        self.record(&x);
                    }
                    list.push(Argument {
                        x,
                        targs: targs.unwrap_or_default(),
                    });
                } else {
                    self.record(&x);
                    self.exclude_non_values(&mut x);
                    list.push(plain(x));
                }
                continue;
            }
            if args.len() > 1 {
                list.push(plain(self.generic_expr(arg)));
                continue;
            }
            let mut x = self.raw_expr(None, arg, None, true);
            self.exclude_non_values(&mut x);
            match self.ty(x.ty).clone() {
                Type::Tuple(vars) => list.extend(
                    vars.iter()
                        .map(|&v| plain(Operand::new(Mode::Value, self.object(v).ty, Some(arg)))),
                ),
                _ => list.push(plain(x)),
            }
        }
        list
    }

    /// Passes arguments to a function: infers missing type arguments of the function and of generic
    /// functions among the arguments, and gives untyped arguments their types (go/types arguments).
    /// Gives the function's type with its type arguments in place, or as it was if they can't be
    /// inferred.
    fn apply(
        &mut self,
        fun: ExprId,
        signature: TypeId,
        targs: &[TypeId],
        mut args: Vec<Argument>,
        spread: bool,
    ) -> TypeId {
        let Type::Signature(s) = self.ty(signature).clone() else {
            return signature;
        };
        let mut params: Vec<TypeId> = s.params.iter().map(|&p| self.object(p).ty).collect();
        if s.variadic && !spread {
            let last = params.pop().unwrap_or(TypeId::UNKNOWN);
            let elem = match *self.ty(last) {
                Type::Slice(elem) => elem,
                _ => TypeId::UNKNOWN,
            };
            while params.len() < args.len() {
                params.push(elem);
            }
        }
        // A wrong number of arguments comes from a call that is not understood. What there is may
        // still tell the type arguments.
        params.resize(args.len(), TypeId::UNKNOWN);

        let callee = s.tparams.len();
        let mut tparams: Vec<TypeId> = Vec::new();
        let mut partial: Vec<Option<TypeId>> = Vec::new();
        if callee > 0 {
            let fresh = self.rename_type_params(&s.tparams);
            for param in &mut params {
                *param = self.substitute(*param, &s.tparams, &fresh);
            }
            tparams.extend(fresh.iter());
            partial.extend(targs.iter().map(|&t| Some(t)));
            partial.resize(tparams.len(), None);
        }
        let mut generic_args = Vec::new();
        for (i, arg) in args.iter_mut().enumerate() {
            let Type::Signature(a) = self.ty(arg.x.ty).clone() else {
                continue;
            };
            if a.tparams.is_empty() {
                continue;
            }
            let fresh = self.rename_type_params(&a.tparams);
            let renamed = self.substitute(arg.x.ty, &a.tparams, &fresh);
            if let Type::Signature(renamed) = self.ty(renamed).clone() {
                let mut renamed = (*renamed).clone();
                renamed.tparams = fresh.clone();
                arg.x.ty = self.store.add(Type::Signature(Rc::new(renamed)));
            }
            tparams.extend(fresh.iter());
            partial.extend(arg.targs.iter().map(|&t| Some(t)));
            partial.resize(tparams.len(), None);
            generic_args.push((i, fresh));
        }
        let mut result = signature;
        if !tparams.is_empty() {
            let operands: Vec<Operand> = args.iter().map(|a| a.x.clone()).collect();
            let Some(inferred) = self.infer(&tparams, &partial, &params, &operands) else {
                return signature;
            };
            if callee > 0 {
                let targs = &inferred[..callee.min(inferred.len())];
                result = self.instantiate_function(fun, signature, targs);
            }
            for param in &mut params {
                *param = self.substitute(*param, &tparams, &inferred);
            }
            let mut start = callee;
            for (i, fresh) in generic_args {
                let end = start + fresh.len();
                let (Some(targs), Some(arg)) = (inferred.get(start..end), args.get_mut(i)) else {
                    continue;
                };
                let generic = arg.x.ty;
                arg.x.ty = match arg.x.expr {
                    Some(e) => self.instantiate_function(e, generic, targs),
                    None => self.instantiate_signature(generic, targs),
                };
                self.record(&arg.x);
                start = end;
            }
        }
        for (arg, &param) in args.iter_mut().zip(&params) {
            self.assignment(&mut arg.x, Some(param));
        }
        result
    }

    /// Passes arguments to the parameters of `append`.
    pub(crate) fn append_arguments(&mut self, args: &mut [Operand], elem: TypeId, spread: bool) {
        for x in args.iter_mut().skip(1) {
            if spread {
                let slice = self.store.slice(elem);
                self.assignment(x, Some(slice));
            } else {
                self.assignment(x, Some(elem));
            }
        }
    }

    /// Checks the arguments of a built-in function.
    pub(crate) fn expr_list(&mut self, args: &[ExprId]) -> Vec<Operand> {
        match *args {
            [only] => self.multi_expr(only, false).0,
            _ => args.iter().map(|&arg| self.expr(None, arg)).collect(),
        }
    }
}
