//! Inference of type arguments.

use crate::checker::Checker;
use crate::operand::Operand;
use crate::types::*;

impl<'w> Checker<'w> {
    /// The type arguments for `tparams`, given some of them and the arguments passed for
    /// parameters of types `params`. With `reverse`, the arguments' types are the targets
    /// of an assignment. None if they can't all be inferred.
    pub(crate) fn infer(
        &mut self,
        tparams: &[TypeId],
        targs: &[Option<TypeId>],
        params: &[TypeId],
        args: &[Operand],
        reverse: bool,
    ) -> Option<Vec<TypeId>> {
        let _ = (tparams, targs, params, args, reverse);
        None
    }
}
