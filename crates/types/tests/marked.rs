//! Types at marked places. A comment `/*=T*/` stands before an expression or declared
//! name whose type is written `T`.

mod common;

use common::{Sources, on_deep_stack};
use tophash_syntax::ast::FuncId;
use tophash_types::{Checker, FileId, TypedBody, World};

/// Checks all marks of the files.
#[track_caller]
fn check(files: &[(&str, &str)]) {
    let wrong = on_deep_stack(|| wrong_marks(files));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn wrong_marks(files: &[(&str, &str)]) -> Vec<String> {
    let world = Sources::new(files);
    let mut checker = Checker::new(&world);
    checker.write_aliases(true);
    let mut wrong = Vec::new();
    let mut marks = 0;
    for file in world.file_ids() {
        let source = world.file(file);
        assert!(source.tree.errors.is_empty(), "{:?}", source.tree.errors);
        let text = String::from_utf8_lossy(source.source);
        let package_level = checker.check_initialisers(file);
        let bodies: Vec<TypedBody> = (0..source.tree.ast.func_count())
            .map(|i| checker.check_body(file, FuncId::from_index(i)))
            .collect();
        let bodies: Vec<&TypedBody> = bodies.iter().chain([&*package_level]).collect();
        for (at, _) in text.match_indices("/*=") {
            let Some(len) = text[at..].find("*/") else {
                continue;
            };
            let wanted = &text[at + 3..at + len];
            let offset = (at + len + 2) as u32;
            let found = types_at(&mut checker, &bodies, &world, file, offset);
            marks += 1;
            if !found.iter().any(|t| t == wanted) {
                let rest: String = text[offset as usize..].chars().take(20).collect();
                wrong.push(format!("at {rest:?}: want {wanted}, got {found:?}"));
            }
        }
    }
    assert!(marks > 0, "nothing is marked");
    wrong
}

fn types_at(
    checker: &mut Checker<'_>,
    bodies: &[&TypedBody],
    world: &Sources,
    file: FileId,
    offset: u32,
) -> Vec<String> {
    let ast = &world.file(file).tree.ast;
    let mut types = Vec::new();
    for body in bodies {
        for e in body.exprs() {
            if ast.expr(e).span.start == offset && body.mode(e).is_value() {
                types.push(checker.type_string(body.type_of(e)));
            }
        }
        if let Some(obj) = body.definition(offset) {
            let ty = checker.type_of(obj);
            types.push(checker.type_string(ty));
        }
    }
    types
}

fn check_one(text: &str) {
    check(&[("p", text)]);
}

#[test]
fn literals_and_constants() {
    check_one(
        r#"package p
const (
	/*=untyped int*/a = iota
	b
	/*=untyped float*/c = 1 << iota * 1.5
	/*=p.kind*/d kind = iota
	/*=p.kind*/e
)
type kind uint8
var /*=[3]int*/x [b + 2]int
var /*=[4]string*/y = [...]string{1: "b", 3: "d"}
var /*=[6]byte*/z = [len("abc") * 2]byte{}
var /*=[16]byte*/s = [len(t{}.a) * 8]byte{}
type t struct{ a [2]int }
func f(/*=int*/n int) {
	/*=int*/i := 1
	/*=rune*/r := 'a'
	/*=float64*/g := 2.0
	/*=complex128*/k := 1i
	/*=uint8*/u := uint8(1) << n
	var v int64 = /*=int64*/1 << n
	/*=bool*/ok := i < n
	_, _, _, _, _, _, _ = r, g, k, u, v, ok, "x"
}"#,
    );
}

#[test]
fn composite_types() {
    check_one(
        r#"package p
type T struct {
	/*=map[string][]int*/m, /*=map[string][]int*/n map[string][]int
	/*=func(a int, b ...string) (n int, err error)*/f func(a int, b ...string) (n int, err error)
	/*=chan (<-chan int)*/c chan (<-chan int)
	/*=struct{a int "x:\"y\""; b *p.T}*/s struct {
		a int `x:"y"`
		b *T
	}
	/*=interface{Len() int; Less(i int, j int) bool}*/i interface {
		Less(i, j int) bool
		Len() int
	}
	/*=any*/x any
	/*=interface{}*/y interface{}
}
func f(t *T) {
	/*=map[string][]int*/t.m["a"] = append(/*=[]int*/t.m["b"], 1)
	for /*=string*/k, /*=[]int*/v := range t.m {
		_, _ = k, v
	}
	/*=*p.T*/q := t.s.b
	/*=<-chan int*/r := <-t.c
	/*=int*/e, /*=error*/err := t.f(1)
	_, _, _, _ = q, r, e, err
}"#,
    );
}

#[test]
fn embedding_and_selections() {
    check_one(
        r#"package p
type A struct{ /*=map[int]bool*/m map[int]bool }
func (a *A) Set(k int) { /*=map[int]bool*/a.m[k] = true }
func (a A) Get() map[int]bool { return a.m }
type B struct{ *A; x int }
type C struct{ B; y string }
type I interface{ Get() map[int]bool }
type D struct{ I }
func f(c C, d D, i I) {
	/*=map[int]bool*/c.m[1] = true
	/*=map[int]bool*/v := c.Get()
	/*=func(k int)*/g := c.Set
	/*=func(a *p.A, k int)*/h := (*A).Set
	/*=func(p.C) map[int]bool*/j := C.Get
	/*=map[int]bool*/w := d.Get()
	/*=func(p.I) map[int]bool*/n := I.Get
	_, _, _, _, _, _ = v, g, h, j, w, n
}"#,
    );
}

#[test]
fn statements() {
    check_one(
        r#"package p
type E struct{ m map[string]int }
func (*E) Error() string { return "" }
func f(x any, m map[string]map[int]string, c chan map[string]int, e error) (/*=map[string]int*/r map[string]int) {
	/*=map[int]string*/in, /*=bool*/ok := m["a"]
	if /*=string*/v, ok := in[1]; ok { _ = v }
	switch /*=*/y := x.(type) {
	case map[string]int:
		r = /*=map[string]int*/y
	case nil, int:
		_ = /*=any*/y
	case *E:
		r = /*=*p.E*/y.m
	}
	select {
	case /*=map[string]int*/v := <-c:
		r = v
	case /*=map[string]int*/w, ok := <-c:
		_, _ = w, ok
	}
	for /*=int*/i := range 10 { _ = i }
	for /*=int*/i, /*=rune*/ch := range "abc" { _, _ = i, ch }
	for /*=int*/i, /*=string*/s := range [...]string{"a"} { _, _ = i, s }
	for /*=int*/k, /*=map[string]bool*/v := range seq { _, _ = k, v }
	for /*=map[string]int*/v := range c { _ = v }
	if /*=*p.E*/t, ok := e.(*E); ok { _ = t }
	go func(/*=map[string]int*/p map[string]int) { /*=map[string]int*/p["a"]++ }(r)
	{
		/*=string*/m := "shadow"
		_ = m
	}
	const n = 3
	type local struct{ /*=[3]int*/a [n]int }
	/*=p.local*/l := local{}
	_, _ = l, ok
	return /*=map[string]int*/r
}
func seq(yield func(int, map[string]bool) bool) {}
var /*=func() map[string]int*/lit = func() map[string]int {
	/*=map[string]int*/v := map[string]int{}
	return v
}"#
        .replace("/*=*/y", "y")
        .as_str(),
    );
}

#[test]
fn builtins() {
    check_one(
        r#"package p
import "unsafe"
type M map[string]int
type S struct{ a int8; b int64; c [0]int }
var /*=[24]byte*/size [unsafe.Sizeof(S{})]byte
var /*=[8]byte*/offset [unsafe.Offsetof(S{}.b)]byte
var /*=[4]byte*/align [unsafe.Alignof(int32(0))]byte
func f(m M, s []string, b []byte) {
	/*=p.M*/a := make(M, 10)
	/*=*p.M*/p := new(M)
	/*=*int*/q := new(1)
	/*=[]string*/t := append(s, "x")
	/*=[]byte*/u := append(b, "x"...)
	/*=int*/n := copy(b, "x")
	/*=float64*/x := max(1, 2.5, float64(n))
	/*=complex128*/c := complex(x, 1)
	/*=float64*/re := real(c)
	/*=interface{}*/r := recover()
	/*=[]string*/sl := unsafe.Slice(&s[0], 1)
	delete(/*=p.M*/m, "a")
	clear(/*=p.M*/m)
	_, _, _, _, _, _, _, _, _ = a, p, q, t, u, re, r, sl, len(m)
}"#,
    );
}

#[test]
fn generics() {
    check_one(
        r#"package p
type Set[T comparable] map[T]struct{}
func (s Set[E]) Add(e E) { /*=p.Set[E]*/s[e] = struct{}{} }
func (s Set[E]) Each() func(func(E) bool) { return nil }
type List[T any] struct { next *List[T]; /*=map[string]T*/byName map[string]T }
func (l *List[U]) Find(name string) (U, bool) { /*=U*/v, /*=bool*/ok := l.byName[name]; return v, ok }
func Map[T, U any](s []T, f func(T) U) []U { return nil }
func Keys[M ~map[K]V, K comparable, V any](m M) []K {
	for /*=K*/k, /*=V*/v := range /*=M*/m { _, _ = k, v }
	return nil
}
func Zero[T any]() (/*=T*/z T) { return }
func id[T any](x T) T { return x }
type Pair[K comparable, V any] struct { Key K; Val V }
type Alias[T any] = Pair[string, T]
type Node[T interface{ *N }, N any] struct{ n T }
func f() {
	/*=p.Set[int]*/s := Set[int]{}
	/*=func(e int)*/add := s.Add
	/*=[]string*/strs := Map([]int{1}, func(i int) string { return "" })
	/*=[]string*/keys := Keys(map[string]bool{})
	/*=map[string]float64*/m := (&List[float64]{}).byName
	/*=float64*/v, _ := (&List[float64]{}).Find("")
	/*=int*/z := Zero[int]()
	/*=map[string]int*/w := id(map[string]int{})
	/*=p.Pair[string, int]*/pair := Pair[string, int]{}
	/*=p.Alias[bool]*/al := Alias[bool]{Key: "a"}
	var fn func(map[int]int) map[int]int = /*=func(x map[int]int) map[int]int*/id
	for /*=int*/e := range s.Each() { _ = e }
	_, _, _, _, _, _, _, _, _, _ = add, strs, keys, m, v, z, w, pair, al.Val, fn
}"#,
    );
}

#[test]
fn go_1_27() {
    check_one(
        r#"package p
type R struct{}
func (r R) Pick[M ~map[string]T, T any](m M) T { return m[""] }
type Base struct{ /*=map[string]int*/m map[string]int }
type Derived struct{ Base }
func first[T any](m map[string]T) T { return m[""] }
func f(r R, m map[string][]int) {
	/*=[]int*/v := r.Pick(m)
	_ = Derived{m: /*=map[string]int*/map[string]int{}}
	_ = map[string]func(map[string]int) int{"a": /*=func(m map[string]int) int*/first}
	_ = v
}"#,
    );
}

#[test]
fn imports() {
    check(&[
        (
            "example.com/go-names",
            "package names\ntype Table map[string]int\nvar All Table\nfunc New() Table { return nil }\ntype hidden int\nfunc Hide() hidden { return 0 }",
        ),
        ("dot", "package dot\nvar Exported map[int]string"),
        (
            "main",
            r#"package main
import (
	"example.com/go-names"
	. "dot"
	other "example.com/go-names"
	"not/there"
	_ "blank"
)
var /*=example.com/go-names.Table*/a = names.All
var /*=example.com/go-names.Table*/b = other.New()
var /*=map[int]string*/c = Exported
var /*=example.com/go-names.hidden*/d = names.Hide()
func f() {
	names := map[string]bool{}
	/*=map[string]bool*/names["a"] = true
	x := there.Thing()
	y, ok := x.(string)
	/*=map[string]int*/m := map[string]int{}
	/*=map[string]int*/m[there.Key] = 1
	/*=string*/z := y
	_, _ = z, ok
}"#,
        ),
    ]);
}

#[test]
fn declarations_in_any_order() {
    check(&[
        (
            "p",
            r#"package p
var /*=map[string]p.T*/x, /*=error*/err = make2()
var /*=[]p.T*/y = z
type T = U
type U struct{ f V }
func (t T) M() V { return /*=p.V*/t.f }"#,
        ),
        (
            "p",
            r#"package p
type V map[string]*U
var z = []T{{f: /*=p.V*/V{}}}
func make2() (map[string]T, error) { return nil, nil }
func use() { /*=p.V*/T{}.M()["a"] = /*=*p.U*/&U{} }"#,
        ),
    ]);
}
