package p

import "net/http"

type inner struct{ m map[string]int }

func (i *inner) set(k string)     { i.m[k] = 1 }
func (i inner) get(k string) int  { return i.m[k] }

type outer struct {
	*inner
	other inner
	log   func(string)
}

type setter interface{ set(string) }

type wrapper struct{ setter }

func variadic(ms ...map[string]int) (int, error) { return len(ms), nil }
func take(int, error)

func methods(o outer, po *outer, s setter, w wrapper) {
	o.set("a")
	o.other.set("b")
	_ = po.get("c")
	_ = po.other.get("d")
	s.set("e")
	w.set("f")
	po.log("g")
	inner.get(o.other, "h")
	(*inner).set(&o.other, "i")
	setter.set(s, "j")
	f := o.other.set
	f("k")
	g := inner.get
	_ = g(o.other, "l")
}

func several(a map[string]int, b []map[string]int) {
	variadic()
	variadic(a, a)
	variadic(b...)
	take(variadic(a))
	n, err := variadic(a)
	_, _ = n, err
}

func headers(h http.Header) {
	h.Set("a", "b")
	http.DefaultHeader["a"] = nil
	http.Missing(h)
}
-- net/http/header.go --
package http

type Header map[string][]string

var DefaultHeader Header

func (h Header) Set(key, value string) { h[key] = []string{value} }
