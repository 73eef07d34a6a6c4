//! `tophash debug types`: types and callees of expressions, in the form of
//! `oracle/typedump`.

use std::io::{self, Write};

use clap::ArgAction;
use tophash_syntax::ast::{ExprId, ExprKind, FuncId};
use tophash_syntax::{Ast, Symbol};
use tophash_types::{
    Checker, FileId, Mode, ObjId, ObjKind, Program, Selection, SelectionKind, Type, TypeId,
    TypedBody, World,
};

use tophash_workspace::GoVersion;

use super::relative;
use crate::build_flags::BuildFlags;
use crate::deep_stack::on_deep_stack;
use crate::output::Status;

/// Print types and callees as oracle/typedump does
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    build: BuildFlags,

    /// Print every typed expression
    #[arg(
        long,
        value_name = "BOOL",
        default_value_t = false,
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = ArgAction::Set
    )]
    all: bool,
}

pub(crate) fn run(args: Args) -> io::Result<Status> {
    let options = args.build.options()?;
    let all = args.all;
    let rows = on_deep_stack(|| Ok(dump(&options, all)))?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for row in &rows {
        row.write(&mut out)?;
    }
    out.flush()?;
    Ok(Status::Clean)
}

/// A line of the output.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    file: String,
    start: u32,
    end: u32,
    kind: &'static str,
    /// The type or callee.
    text: String,
}

impl Row {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Row {
            start, end, kind, ..
        } = self;
        let file = quote(&self.file);
        write!(
            out,
            "{{\"file\":{file},\"start\":{start},\"end\":{end},\"kind\":\"{kind}\""
        )?;
        let field = if *kind == "call" { "callee" } else { "type" };
        if !self.text.is_empty() {
            write!(out, ",\"{field}\":{}", quote(&self.text))?;
        }
        writeln!(out, "}}")
    }
}

/// A JSON string.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if (c as u32) < 0x20 => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn dump(options: &tophash_rules::Options, all: bool) -> Vec<Row> {
    let workspace = options.open();
    let program = Program::new(&workspace);
    let mut dumper = Dumper {
        checker: Checker::new(&program),
        rows: Vec::new(),
        file: String::new(),
        package: Symbol::new(""),
        all,
    };
    // typedump's module is of Go 1.22: until 1.26 that makes go/types resolve aliases, later
    // there is no such setting (GODEBUG gotypesalias).
    let release = workspace.goroot().map(|goroot| goroot.version);
    let keeps_aliases = release.is_some_and(|release| release >= GoVersion::new(1, 27));
    dumper.checker.write_aliases(keeps_aliases);
    for &root in workspace.roots() {
        for &file in program.files(program.package_id(root)) {
            let source = workspace.file(program.workspace_file(file));
            // The go command hands these to cgo, and its output to the compiler.
            if source.is_cgo() {
                continue;
            }
            dumper.package = program.path(program.package_id(root));
            dumper.file = relative(&source.path, &options.dir);
            dumper.dump_file(file, &program.file(file).tree.ast);
        }
    }
    let mut rows = dumper.rows;
    rows.sort();
    rows.dedup();
    rows
}

struct Dumper<'w> {
    checker: Checker<'w>,
    rows: Vec<Row>,
    file: String,
    /// Path of the package the file belongs to.
    package: Symbol,
    all: bool,
}

impl Dumper<'_> {
    fn dump_file(&mut self, file: FileId, ast: &Ast) {
        let body = self.checker.check_initialisers(file);
        self.dump_body(&body, ast);
        for i in 0..ast.func_count() {
            let body = self.checker.check_body(file, FuncId::from_index(i));
            self.dump_body(&body, ast);
        }
    }

    fn dump_body(&mut self, body: &TypedBody, ast: &Ast) {
        for e in body.exprs() {
            let expr = ast.expr(e);
            let (start, end) = (expr.span.start, expr.span.end);
            let is_value = body.mode(e).is_value();
            if is_value {
                if !body.is_comma_ok(e) {
                    self.typed(start, end, body.type_of(e));
                } else if self.all {
                    let ty = self.checker.type_string(body.type_of(e));
                    self.add(start, end, "expr", format!("({ty}, bool)"));
                }
            }
            match expr.kind {
                ExprKind::Call { fun, .. } => {
                    if let Some(callee) = self.callee(body, ast, fun) {
                        self.add(start, end, "call", callee);
                    }
                }
                ExprKind::Ident(_) if !is_value => {
                    if let Some(obj) = body.object(e) {
                        self.var(start, end, obj);
                    }
                }
                ExprKind::Selector { name_pos, .. } => {
                    let selected = body.selection(e).map(|s| s.obj);
                    if let Some(obj) = body.object(e).or(selected) {
                        self.var(name_pos, end, obj);
                    }
                }
                _ => {}
            }
        }
        for (start, obj) in body.definitions() {
            let len = self.checker.object(obj).name.as_str().len() as u32;
            self.var(start, start + len, obj);
        }
    }

    fn add(&mut self, start: u32, end: u32, kind: &'static str, text: String) {
        self.rows.push(Row {
            file: self.file.clone(),
            start,
            end,
            kind,
            text,
        });
    }

    fn typed(&mut self, start: u32, end: u32, ty: TypeId) {
        if !self.checker.is_known(ty) {
            return;
        }
        let kind = match self.checker.is_map(ty) {
            true => "map",
            false if self.all => "expr",
            false => return,
        };
        let text = self.checker.type_string(ty);
        self.add(start, end, kind, text);
    }

    fn var(&mut self, start: u32, end: u32, obj: ObjId) {
        if self.checker.object(obj).is_var() {
            let ty = self.checker.type_of(obj);
            self.typed(start, end, ty);
        }
    }

    /// What is called, empty if that is only known at run time. None if it is not known here.
    fn callee(&mut self, body: &TypedBody, ast: &Ast, fun: ExprId) -> Option<String> {
        let ty = body.type_of(fun);
        if body.mode(fun) == Mode::Type {
            let name = self.checker.type_string(ty);
            return self
                .checker
                .is_known(ty)
                .then(|| format!("conversion {name}"));
        }
        let mut name = ast.unparen(fun);
        if let ExprKind::Index { x, .. } | ExprKind::IndexList { x, .. } = ast.expr(name).kind {
            name = ast.unparen(x);
        }
        let obj = match body.selection(name) {
            Some(selection) if selection.kind == SelectionKind::Field => None,
            Some(selection) => Some(selection.obj),
            None => body.object(name),
        };
        match obj.map(|obj| (obj, &self.checker.object(obj).kind)) {
            Some((_, ObjKind::Builtin(builtin))) => Some(format!("builtin {}", builtin.name())),
            Some((obj, ObjKind::Func { .. })) => {
                let holder = body.selection(name).and_then(|s| self.imported_holder(s));
                Some(match holder {
                    Some(holder) => {
                        format!("interface ({holder}).{}", self.checker.object(obj).name)
                    }
                    None => self.function(obj),
                })
            }
            _ => (!ty.is_unknown()).then(String::new),
        }
    }

    /// The type that go/types takes for the receiver of a selected interface method, where that is not the one it is
    /// declared for: in `type T U` with an interface `U`, export data give `T` methods of its own.
    fn imported_holder(&mut self, selection: &Selection) -> Option<String> {
        let c = &mut self.checker;
        let mut ty = selection.recv;
        for &field in selection.path.split_last()?.1 {
            if let Type::Pointer(base) = *c.ty(ty) {
                ty = base;
            }
            let under = c.underlying(ty);
            let Type::Struct(holder) = c.ty(under).clone() else {
                return None;
            };
            ty = c.type_of(*holder.fields.get(field as usize)?);
        }
        let actual = c.unalias(ty);
        let &Type::Named(id) = c.ty(actual) else {
            return None;
        };
        let under = c.underlying(actual);
        let Type::Interface(interface) = c.ty(under).clone() else {
            return None;
        };
        let package = c.object(c.named(id).obj).package?;
        let is_imported = c.world().path(package) != self.package;
        let is_explicit = interface.methods.contains(&selection.obj);
        let ty = c.type_of(selection.obj);
        let recv = match c.ty(ty) {
            Type::Signature(signature) => signature.recv?,
            _ => return None,
        };
        let declared_for = c.type_of(recv);
        // Methods of instances go by their origin's name.
        let is_plain = c.named(id).targs.is_empty();
        (is_imported && is_explicit && is_plain && declared_for != actual)
            .then(|| c.type_string(actual))
    }

    fn function(&mut self, obj: ObjId) -> String {
        let obj = self.checker.object(obj).origin.unwrap_or(obj);
        let name = self.checker.full_name(obj);
        let ty = self.checker.type_of(obj);
        let recv = match self.checker.ty(ty) {
            Type::Signature(s) => s.recv,
            _ => None,
        };
        if let Some(recv) = recv {
            let recv = self.checker.type_of(recv);
            let under = self.checker.underlying(recv);
            if matches!(self.checker.ty(under), Type::Interface(_)) {
                return format!("interface {name}");
            }
        }
        name
    }
}
