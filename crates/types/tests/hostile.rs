//! Whatever the source is, checking it ends, without panic.

mod common;

use common::{Sources, on_deep_stack};
use tophash_syntax::ast::FuncId;
use tophash_types::{Checker, TypedBody, World};

fn survives(files: &[(&str, &str)]) {
    on_deep_stack(|| {
        let world = Sources::new(files);
        let mut checker = Checker::new(&world);
        for file in world.file_ids() {
            let package_level = checker.check_initialisers(file);
            examine(&mut checker, &package_level);
            for i in 0..world.file(file).tree.ast.func_count() {
                let body = checker.check_body(file, FuncId::from_index(i));
                examine(&mut checker, &body);
            }
        }
    });
}

fn examine(checker: &mut Checker<'_>, body: &TypedBody) {
    for e in body.exprs() {
        let ty = body.type_of(e);
        checker.type_string(ty);
        checker.is_map(ty);
        checker.is_comparable(ty, true);
    }
}

#[test]
fn cyclic_declarations() {
    let sources = [
        "type T T",
        "type A = B; type B = A; var x A; func f() { x[0] = 1; x.y() }",
        "type T [len(T{})]int; var x = T{}",
        "type T [unsafe.Sizeof(x)]int; var x T",
        "type T struct { T }; func f(t T) { t.x = t.y() }",
        "type S struct { a A }; type A [2]S; var n [unsafe.Sizeof(S{})]int",
        "type I interface { I }; func f(i I) { i.m() }",
        "type I interface { J }; type J interface { I; m() }; func f(i I) { i.m() }",
        "type I interface { m() interface { I } }; type J interface { m() interface { J } }; func f(i I) { _ = J(i) }",
        "var a = b; var b = c; var c = a; func f() { a[0] = b }",
        "var a, b = f(); func f() (x [len(a)]int, y int) { return }",
        "const a = b; const b = a; var x [a]int",
        "const ( a = iota + b; b ); var x [b]int",
        "func f() [len(f())]int { return f() }",
        "type T[P any] T[[]P]; var x T[int]; func f() { x.y() }",
        "type T[P any] struct { *T[[]P] }; var x T[int]; func f() { x.y = 1; x.m() }",
        "type T[P any] struct { *T[map[P]P]; *U[P] }; type U[P any] struct { *T[*P] }; var x T[int]; func f() { x.y = 1 }",
        "type T[P T[P]] struct{}; var x T[int]",
        "type T[P interface{ m() T[P] }] struct{}; var x T[int]",
        "type T[P [len(T[P]{})]int] struct{}",
        "type T[P Q, Q P] struct{}; var x T[int, int]",
        "func f[P P](x P) { f(f); x[0] = x }",
        "func f[T interface{ ~[]T }](x T) { f(x[0]) }",
        "func f[T any](x T) { f(&x); f(f[*T]) }",
        "type A[P any] = A[P]; var x A[int]",
        "type A[P any] = []A[*P]; var x A[int]; func f() { x[0][0][0] = nil }",
        "func (t T) T() {}; type T = *T",
        "type T = U; func (T) m() {}; type U = T",
        "func f() { type T T; type U struct { U }; var x U; x.y() }",
        "func f() { x := func() { x() }; x() }",
    ];
    for source in sources {
        survives(&[("p", &format!("package p\nimport \"unsafe\"\n{source}\n"))]);
    }
}

#[test]
fn broken_declarations() {
    let sources = [
        "",
        "package",
        "package p; func",
        "package p; func f( { x[ = }",
        "package p; type T struct { a, b }; func (T.x) m() {}; func () n() {}; func (a, b T) o() {}",
        "package p; func (t *[]T) m() {}; func (t **T) n() {}; func (t T[P, Q]) o(P) {}; type T[P any] int",
        "package p; type T int; type T map[string]int; var T = 1; func T() {}; func f() { T[0] = T }",
        "package p; var a, b, c = 1, 2; var d, e = 1, 2, 3; var g int = 1, 2; const h, i = 1",
        "package p; const ( a; b = ; c ); var x [c]int",
        "package p; import \"p\"; var x = p.x; func f() { p.f() }",
        "package p; import . \"p\"; import . \"p\"; var X = Y",
        "package p; import \"\"; import \"/\"; import x \"v2\"; func f() { v2.x(); x.y() }",
        "package p; func f(a, b int, c ...int, d) (x, y) { return f(f(1, 2)...) }",
        "package p; func f() { f()[0](1)(2).x.(type).y.(T)[1:2:3] <- <-f() }",
        "package p; func f(x int) { switch y := x.(type) { case 1, nil, f: y() } ; switch { case x: } }",
        "package p; func f() { for a, b, c := range f { }; for i = range 1 << 70 { i[0] = 1 } }",
        "package p; func f() { len(); append(); make(); new(); copy(1); delete(f); complex(1); max(); min(f); unsafe.Sizeof() }",
        "package p; import \"unsafe\"; var x [unsafe.Sizeof()]int; var y [unsafe.Offsetof(x)]int; var z = unsafe.Slice()",
        "package p; var x = map[string]{\"a\": 1}; var y = [...]int{1 << 62: 1, -1: 2, \"x\": 3}; var z = struct{a int}{b: 1, 2, c: 3, a}",
        "package p; var x = [1 << 63]int{}; var y = [1e1000]int{}; var z = [-1]int{}; var w = [len(x) * len(x)]int{}",
        "package p; const a = 1 << 1000000000; const b = a << a; const c = 1 / 0; const d = -1 % 0; const e = 1.0 / 0.0",
        "package p; const s = \"\\xff\\u\"; const r = '\\'; const n = 0x; const m = 1e999999999; var x [len(s)]int",
        "package p; func g[T any](T) {}; func f() { g[int, int](1); g[](1); g(g); g[g](g); (g)[int](g[int]); g[int].x() }",
        "package p; type I interface { ~int | string; m(); I | any | J }; type J interface { I | ~J }; func f[T I](x T) { x + x; x[0]; x.m(); *x; <-x; x() }",
        "package p; type E struct { *int; []int; map[a]b; struct{}; *E; **E; E.F }; func f(e E) { e.int = 1; e.E.E.x() }",
        "package p; func f() (a, a int) { a := 1; a, a := 2, 3; _ := a; _ = _; goto L; L: L: break M }",
        "package p; func f() { defer; go 1; f() = 1; f()++; 1 = 2; x := x; y, z := y }",
        "package p; func init() {}; func init() {}; func _() {}; func _() {}; var _ = init(); func main() { init() }",
    ];
    for source in sources {
        survives(&[("p", source)]);
    }
}

#[test]
fn import_cycles() {
    survives(&[
        (
            "a",
            "package a; import \"b\"; type T = b.T; var X = b.X; const C = b.C + 1; func f() { X[C] = T{} }",
        ),
        (
            "b",
            "package b; import \"a\"; type T = a.T; var X = a.X; const C = a.C + 1; func f() { X[C] = T{} }",
        ),
        (
            "c",
            "package c; import \"c\"; type T struct { c.T }; func (c.T) m() {}; func f(t T) { t.x() }",
        ),
    ]);
}

#[test]
fn long_chains() {
    let chain = |n: usize, line: &dyn Fn(usize) -> String| -> String {
        let mut text = String::from("package p\n");
        for i in 0..n {
            text.push_str(&line(i));
        }
        text
    };
    let next = 20_000;
    // Asked for in the order that needs the last one first.
    survives(&[("p", &chain(next, &|i| format!("var x{i} = x{}\n", i + 1)))]);
    survives(&[(
        "p",
        &chain(next, &|i| format!("const x{i} = x{} + 1\n", i + 1)),
    )]);
    survives(&[("p", &chain(next, &|i| format!("type T{i} T{}\n", i + 1)))]);
    survives(&[("p", &chain(next, &|i| format!("type T{i} = *T{}\n", i + 1)))]);
    survives(&[(
        "p",
        &chain(2000, &|i| {
            format!(
                "type T{i} struct {{ *T{}; *T{} }}\nvar x{i} = T{i}{{}}.y\n",
                i + 1,
                i + 2
            )
        }),
    )]);
    survives(&[(
        "p",
        &chain(2000, &|i| {
            format!(
                "type I{i} interface {{ I{}; I{} }}\nfunc f{i}(i I{i}) {{ i.m() }}\n",
                i + 1,
                i + 2
            )
        }),
    )]);
    let sum = vec!["a"; 50_000].join("+");
    survives(&[(
        "p",
        &format!("package p\nvar a = 1\nvar b = {sum}\nfunc f() {{ _ = {sum} << 1 }}"),
    )]);
    let sum = vec!["1"; 50_000].join("+");
    survives(&[(
        "p",
        &format!("package p\nconst a = {sum}\nvar b float32 = {sum} << len(c); var c []int"),
    )]);
    let nested = format!("{}int{}", "map[string]".repeat(5000), "");
    survives(&[(
        "p",
        &format!("package p\nvar a {nested}\nfunc f() {{ b := a; b[\"\"] = nil }}"),
    )]);
    let calls = format!("{}1{}", "g(".repeat(2000), ")".repeat(2000));
    survives(&[(
        "p",
        &format!("package p\nfunc g[T any](x T) []T\nvar a = {calls}"),
    )]);
    let blocks = format!("{}{}", "if x := 1; x > 0 {".repeat(2000), "}".repeat(2000));
    survives(&[("p", &format!("package p\nfunc f() {{ {blocks} }}"))]);
    let elses = "if x := 1; x > 0 { } else ".repeat(20_000);
    survives(&[("p", &format!("package p\nfunc f() {{ {elses} {{}} }}"))]);
}
