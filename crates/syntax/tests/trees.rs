//! Small files and the trees they give.

use tophash_syntax::{Bodies, File, Symbol, ast, parse, parse_body};

fn parsed(source: &str) -> File {
    parse(source.as_bytes(), Bodies::Parse)
}

/// The kinds of the nodes of a declaration, children in parentheses behind their parents.
fn shape(decl: &str) -> String {
    let source = format!("package p\n{decl}\n");
    let file = parsed(&source);
    assert!(file.errors.is_empty(), "{decl}: {:?}", file.errors);
    let root = tophash_syntax::walk::Node::Decl(file.decls[0]);
    let mut text = String::new();
    let mut last = 0;
    file.ast.walk_depth(root, |node, depth| {
        if depth > last {
            text.push('(');
        } else {
            text.push_str(&")".repeat(last - depth));
            text.push_str(if text.is_empty() { "" } else { " " });
        }
        last = depth;
        text.push_str(file.ast.go_kind(node));
        true
    });
    text + &")".repeat(last)
}

fn errors(source: &str) -> Vec<String> {
    let file = parsed(source);
    let lines = file.errors.iter().map(|e| {
        let (line, column) = file.position(e.offset);
        format!("{line}:{column}: {}", e.message)
    });
    lines.collect()
}

#[test]
fn extents_are_those_of_go_ast() {
    let source = "// head\npackage p // tail\n\nvar x, y = a.b[1:], T{1: 2}\n";
    let expected = "\
File 8 54
Ident 16 17
GenDecl 27 54
ValueSpec 31 54
Ident 31 32
Ident 34 35
SliceExpr 38 45
SelectorExpr 38 41
Ident 38 39
Ident 40 41
BasicLit 42 43
CompositeLit 47 54
Ident 47 48
KeyValueExpr 49 53
BasicLit 49 50
BasicLit 52 53
Comment 0 7
Comment 18 25
";
    assert_eq!(parsed(source).dump(), expected);
}

#[test]
fn array_lengths_and_type_parameters_are_told_apart() {
    let arrays = [
        "[N]int",
        "[P*C]int",
        "[P(C)]int",
        "[P*C|D]int",
        "[]int",
        "[...]int",
    ];
    for ty in arrays {
        let shape = shape(&format!("type T {ty}"));
        assert!(
            shape.starts_with("GenDecl(TypeSpec(Ident ArrayType("),
            "{shape}"
        );
    }
    let generic = [
        "[P any]int",
        "[P *C,]int",
        "[P *[]C]int",
        "[P *C|~D]int",
        "[P []C]int",
        "[P ([]C)]int",
        "[P, Q any]int",
        "[P *C, Q any]int",
        "[_ interface{}]int",
    ];
    for ty in generic {
        let shape = shape(&format!("type T {ty}"));
        assert!(
            shape.starts_with("GenDecl(TypeSpec(Ident FieldList("),
            "{shape}"
        );
    }
    assert_eq!(
        shape("type T[P *C|~D] int"),
        "GenDecl(TypeSpec(Ident FieldList(Field(Ident BinaryExpr(StarExpr(Ident) \
         UnaryExpr(Ident)))) Ident))"
    );
}

#[test]
fn composite_literals_end_where_blocks_begin() {
    let literal = "CompositeLit";
    for (stmt, has) in [
        ("if x == T {}", false),
        ("if x == (T{}) {}", true),
        ("for range []int{1} {}", true),
        ("switch T {}", false),
        ("if f(T{}) {}", true),
        ("for x := range m[T{}] {}", true),
        ("if x := func() { _ = T{} }; y {}", true),
    ] {
        let shape = shape(&format!("func f() {{ {stmt} }}"));
        assert_eq!(shape.contains(literal), has, "{stmt}: {shape}");
    }
}

#[test]
fn arrows_bind_to_channel_types() {
    let value = |x: &str| shape(&format!("var c = {x}"));
    assert_eq!(value("<-x"), "GenDecl(ValueSpec(Ident UnaryExpr(Ident)))");
    assert_eq!(
        value("<-chan int"),
        "GenDecl(ValueSpec(Ident ChanType(Ident)))"
    );
    assert_eq!(
        value("<-chan int(x)"),
        "GenDecl(ValueSpec(Ident UnaryExpr(CallExpr(ChanType(Ident) Ident))))"
    );
    // The second arrow becomes that of the inner type.
    let file = parsed("package p\nvar c = <-chan /*<-*/ <- chan int\n");
    assert!(file.errors.is_empty());
    let dump = file.dump();
    assert!(dump.contains("ChanType 18 43\nChanType 32 43\n"), "{dump}");
}

#[test]
fn generic_methods_are_accepted() {
    // Go 1.27; interfaces may not have them.
    assert!(errors("package p\nfunc (r T) M[P any](x P) {}\n").is_empty());
    assert_eq!(
        errors("package p\ntype I interface { m[P any]() }\n"),
        ["2:21: interface method must have no type parameters"]
    );
}

#[test]
fn newlines_end_statements() {
    for source in [
        "package p\nfunc f() {\nx\n++\n}\n",
        "package p\nfunc f() { return /*\n*/ 1 2 }\n",
        "package p\nfunc f()\n{}\n",
        "package p\nvar x = f(1\n)\n",
    ] {
        assert_eq!(errors(source).len(), 1, "{source:?}");
    }
    assert!(errors("package p\nfunc f() { return /*\n*/ 1 }\nvar x = 1").is_empty());
    assert!(errors("package p\nfunc f() { x /*\n*/ y() }\n").is_empty());
}

#[test]
fn literals_have_the_errors_of_go_scanner() {
    let good = [
        "0",
        "0_1",
        "0x_1",
        "0b1",
        "0o7",
        "017",
        "08.5",
        "1e3",
        "0x1p-2",
        "1_000i",
        "08i",
        ".5",
        "'a'",
        "'\\''",
        "'\\x41'",
        "'é'",
        "'\\u00e9'",
        "\"\\377\"",
        "`\n\\`",
        "\"é\"",
    ];
    for text in good {
        assert!(
            errors(&format!("package p\nvar x = {text}\n")).is_empty(),
            "{text}"
        );
    }
    let bad = [
        "08",
        "1__0",
        "1_",
        "0x",
        "0b2",
        "0o8",
        "1e",
        "0x1.0",
        "0b1.0",
        "0x1e+",
        "1p2",
        "0_",
        "''",
        "'ab'",
        "'",
        "'\\q'",
        "'\\400'",
        "'\\ud800'",
        "\"\\U00110000\"",
        "\"",
        "`",
        "'\n'",
        "\"\\'\"",
        "'\\\"'",
    ];
    for text in bad {
        assert!(
            !errors(&format!("package p\nvar x = {text}\n")).is_empty(),
            "{text}"
        );
    }
}

#[test]
fn encoding_errors_count_everywhere() {
    assert!(errors("\u{feff}package p\n").is_empty());
    for source in [
        &b"package p // \xff"[..],
        b"package p // \0",
        b"package p /* \xef\xbb\xbf */",
    ] {
        assert_eq!(parse(source, Bodies::Parse).errors.len(), 1);
    }
}

#[test]
fn wrong_line_directives_are_errors() {
    assert!(errors("package p\n//line a.go:10\n/*line b.go:1:2*/\n").is_empty());
    assert_eq!(errors("package p\n//line a.go:0\n").len(), 1);
    assert_eq!(errors("package p\n//line a.go:x\n").len(), 1);
    assert!(errors("package p\n //line a.go:0\n").is_empty());
}

#[test]
fn comments_form_groups() {
    let source = "// a\n// b\n\n// c\npackage p // d\n// e\n/* f */ // g\nvar x int\n";
    let file = parsed(source);
    let text: Vec<&str> = (file.comments.iter())
        .map(|c| &source[c.start as usize..c.end as usize])
        .collect();
    assert_eq!(
        text,
        ["// a", "// b", "// c", "// d", "// e", "/* f */", "// g"]
    );
    assert_eq!(file.comment_groups, [0, 2, 3, 4]);
}

#[test]
fn skipped_bodies_can_be_read_later() {
    let source =
        "package p\nfunc f() { s := \"}\"; r := '}'; /* } */ t := `}` // }\n}\nvar x int\n";
    let file = parse(source.as_bytes(), Bodies::Skip);
    assert!(file.errors.is_empty());
    assert_eq!(file.decls.len(), 2);
    let ast::DeclKind::Func(func) = file.ast.decl(file.decls[0]).kind else {
        panic!("no function");
    };
    let ast::Body::Skipped(span) = file.ast.func(func).body else {
        panic!("not skipped");
    };
    let body = parse_body(source.as_bytes(), span);
    assert!(body.errors.is_empty());
    let ast::StmtKind::Block(stmts) = body.ast.stmt(body.block).kind else {
        panic!("no block");
    };
    assert_eq!(body.ast.list(stmts).len(), 3);
    assert_eq!(body.ast.stmt(body.block).span, span);
}

#[test]
fn import_paths_are_unquoted() {
    let file = parsed("package p\nimport (\n\t. \"a\\x2fb\"\n\tx `c/d`\n)\n");
    let mut paths = Vec::new();
    for &decl in &file.decls {
        if let ast::DeclKind::Gen { specs, .. } = file.ast.decl(decl).kind {
            for &spec in file.ast.list(specs) {
                if let ast::SpecKind::Import { name, path, .. } = file.ast.spec(spec).kind {
                    paths.push((name.map(|n| n.name), path.as_str()));
                }
            }
        }
    }
    let x = Symbol::new("x");
    assert_eq!(paths, [(Some(Symbol::DOT), "a/b"), (Some(x), "c/d")]);
}
