//! Building lists: elements gather on a stack, and go to the pool of the tree when the list is
//! complete, because lists nest.

use super::Parser;
use crate::Bodies;
use crate::ast::*;
use std::marker::PhantomData;

/// The stacks.
#[derive(Default)]
pub(super) struct Scratch {
    exprs: Vec<ExprId>,
    stmts: Vec<StmtId>,
    specs: Vec<SpecId>,
    idents: Vec<Ident>,
    fields: Vec<Field>,
}

/// Types of nodes that lists are built of.
pub(super) trait Stacked: Copy {
    fn stack(scratch: &mut Scratch) -> &mut Vec<Self>;
    fn pool(ast: &mut Ast) -> &mut Vec<Self>;
}

macro_rules! stacked {
    ($($ty:ty => $stack:ident, $pool:ident;)*) => {$(
        impl Stacked for $ty {
            fn stack(scratch: &mut Scratch) -> &mut Vec<Self> {
                &mut scratch.$stack
            }
            fn pool(ast: &mut Ast) -> &mut Vec<Self> {
                &mut ast.$pool
            }
        }
    )*};
}
stacked! {
    ExprId => exprs, expr_pool;
    StmtId => stmts, stmt_pool;
    SpecId => specs, spec_pool;
    Ident => idents, ident_pool;
    Field => fields, field_pool;
}

impl Parser<'_> {
    /// Where a list that begins now starts on its stack.
    #[inline]
    pub(super) fn begin<T: Stacked>(&mut self) -> usize {
        T::stack(&mut self.scratch).len()
    }

    /// Adds to the innermost list.
    #[inline]
    pub(super) fn push<T: Stacked>(&mut self, item: T) {
        T::stack(&mut self.scratch).push(item);
    }

    /// The elements of the list begun at `start`, which is then over.
    #[inline]
    pub(super) fn finish<T: Stacked>(&mut self, start: usize) -> List<T> {
        let stack = T::stack(&mut self.scratch);
        let pool = T::pool(&mut self.ast);
        let list = List {
            start: pool.len() as u32,
            len: (stack.len() - start) as u32,
            of: PhantomData,
        };
        pool.extend_from_slice(&stack[start..]);
        stack.truncate(start);
        list
    }

    /// Number of elements of the list begun at `start`.
    pub(super) fn count<T: Stacked>(&mut self, start: usize) -> usize {
        T::stack(&mut self.scratch).len() - start
    }

    /// The list of `item` alone.
    pub(super) fn single<T: Stacked>(&mut self, item: T) -> List<T> {
        let start = self.begin::<T>();
        self.push(item);
        self.finish(start)
    }
}

macro_rules! tables {
    ($($method:ident $table:ident $node:ty => $id:ty;)* - $($pool:ident)*) => {
        /// How many nodes each table holds.
        pub(super) struct Sizes {
            $($table: usize,)*
            $($pool: usize,)*
        }

        impl Ast {
            $(
                #[inline]
                pub(super) fn $method(&mut self, node: $node) -> $id {
                    self.$table.push(node);
                    <$id>::from_index(self.$table.len() - 1)
                }
            )*

            pub(super) fn sizes(&self) -> Sizes {
                Sizes {
                    $($table: self.$table.len(),)*
                    $($pool: self.$pool.len(),)*
                }
            }

            /// Drops all nodes added since `sizes` was taken.
            pub(super) fn truncate(&mut self, sizes: &Sizes) {
                $(self.$table.truncate(sizes.$table);)*
                $(self.$pool.truncate(sizes.$pool);)*
            }

            /// Bytes its tables take.
            pub fn heap_size(&self) -> usize {
                let mut size = 0;
                $(size += self.$table.capacity() * size_of::<$node>();)*
                $(size += bytes_of(&self.$pool);)*
                size
            }

            /// Gives back memory that is not used.
            pub(crate) fn shrink_to_fit(&mut self) {
                $(self.$table.shrink_to_fit();)*
                $(self.$pool.shrink_to_fit();)*
            }
        }
    };
}
tables! {
    add_expr exprs Expr => ExprId;
    add_stmt stmts Stmt => StmtId;
    add_decl decls Decl => DeclId;
    add_spec specs Spec => SpecId;
    add_func funcs FuncDecl => FuncId;
    add_func_type func_types FuncType => FuncTypeId;
    add_field_list field_lists FieldList => FieldListId;
    add_slice slices SliceParts => SliceId;
    add_if ifs IfParts => IfId;
    add_for fors ForParts => ForId;
    add_range ranges RangeParts => RangeId;
    - expr_pool stmt_pool spec_pool ident_pool field_pool
}

fn bytes_of<T>(table: &Vec<T>) -> usize {
    table.capacity() * size_of::<T>()
}

impl Ast {
    /// An empty tree with room for what a file of `len` bytes usually holds.
    pub(super) fn with_capacity_for(len: usize, bodies: Bodies) -> Ast {
        let len = match bodies {
            Bodies::Parse => len,
            Bodies::Skip => len / 4,
        };
        Ast {
            exprs: Vec::with_capacity(len / 10),
            stmts: Vec::with_capacity(len / 48),
            expr_pool: Vec::with_capacity(len / 24),
            stmt_pool: Vec::with_capacity(len / 48),
            ident_pool: Vec::with_capacity(len / 64),
            field_pool: Vec::with_capacity(len / 96),
            ..Ast::default()
        }
    }
}
