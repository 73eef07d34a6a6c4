package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"text/template"
	"time"
)

type cache struct {
	items map[string]int
	n     int
}

func newCache(n int) *cache {
	c := &cache{items: map[string]int{}}
	for i := 0; i < n; i++ {
		c.items[strconv.Itoa(i)] = i
	}
	return c
}

//go:noinline
func (c *cache) put(k string, v int) { c.items[k] = v }

//go:noinline
func (c *cache) get(k string) int { return c.items[k] }

//go:noinline
func (c *cache) has(k string) bool { _, ok := c.items[k]; return ok }

//go:noinline
func (c *cache) remove(k string) { delete(c.items, k) }

//go:noinline
func (c *cache) reset() { clear(c.items) }

//go:noinline
func (c *cache) sum() (n int) {
	for _, v := range c.items {
		n += v
	}
	return n
}

//go:noinline
func (c *cache) copy() map[string]int { return maps.Clone(c.items) }

//go:noinline
func (c *cache) encode() []byte { b, _ := json.Marshal(c.items); return b }

//go:noinline
func (c *cache) print() string { return fmt.Sprint(c.items) }

//go:noinline
func (c *cache) render() { page.Execute(io.Discard, c.items) }

//go:noinline
func (c *cache) copyTo(dst map[string]int) { maps.Copy(dst, c.items) }

//go:noinline
func (c *cache) reflectKeys() []reflect.Value { return reflect.ValueOf(c.items).MapKeys() }

//go:noinline
func (c *cache) reflectGet(k reflect.Value) reflect.Value {
	return reflect.ValueOf(c.items).MapIndex(k)
}

//go:noinline
func (c *cache) reflectPut(k, v reflect.Value) { reflect.ValueOf(c.items).SetMapIndex(k, v) }

//go:noinline
func (c *cache) removeDeferred(k string) {
	defer delete(c.items, k)
	c.n++
}

var page = template.Must(template.New("").Parse("{{range $k, $v := .}}{{$k}}{{$v}}{{end}}"))

type store[K comparable, V any] struct{ m map[K]V }

//go:noinline
func (s *store[K, V]) set(k K, v V) { s.m[k] = v }

//go:noinline
func (s *store[K, V]) lookup(k K) V { return s.m[k] }

type key struct {
	name string
	id   int
}

//go:noinline
func writeKey(m map[key]int, i int) { m[key{"a", i & 7}] = i }

//go:noinline
func readKey(m map[key]int, i int) int { return m[key{"b", i & 7}] }

//go:noinline
func writeAny(m map[any]int, i int) { m[i&7] = i }

//go:noinline
func readAny(m map[any]int, i int) int { return m[i&7] }

//go:noinline
func write32(m map[int32]int, i int) { m[int32(i&7)] = i }

//go:noinline
func read32(m map[int32]int, i int) int { return m[int32(i&7)] }

//go:noinline
func writePointer(m map[*int]int, p *int) { m[p] = 1 }

//go:noinline
func grow(m map[int]int, from *int64) { m[int(atomic.AddInt64(from, 1))] = 1 }

// Package-level maps, as in many programs.
var hits = map[string]int{}

//go:noinline
func hit(path string) { hits[path]++ }

//go:noinline
func report() (n int) {
	for range hits {
		n++
	}
	return n
}

type tree struct{ children map[string]map[string]int }

//go:noinline
func (t *tree) set(a, b string) { t.children[a][b] = 1 }

//go:noinline
func (t *tree) at(a, b string) int { return t.children[a][b] }

type service struct {
	mu    sync.Mutex
	state map[string]int
}

//go:noinline
func (s *service) update(k string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state[k]++
}

// get forgets the lock.
//
//go:noinline
func (s *service) get(k string) int { return s.state[k] }

func init() {
	cases["rw-method"] = func() {
		c := newCache(100)
		together(func() { c.put("a", 1) }, func() { c.get("b") })
	}
	cases["rw-comma-ok"] = func() {
		c := newCache(3)
		together(func() { c.put("a", 1) }, func() { c.has("b") })
	}
	cases["rw-delete"] = func() {
		c := newCache(100)
		together(func() { c.put("1", 1); c.remove("1") }, func() { c.get("b") })
	}
	cases["rw-generic"] = func() {
		s := &store[int, string]{map[int]string{}}
		together(func() { s.set(1, "x") }, func() { s.lookup(2) })
	}
	cases["rw-struct-key"] = func() {
		m := map[key]int{}
		together(func() { writeKey(m, 1) }, func() { readKey(m, 2) })
	}
	cases["rw-any-key"] = func() {
		m := map[any]int{1: 1}
		together(func() { writeAny(m, 1) }, func() { readAny(m, 2) })
	}
	cases["rw-int32"] = func() {
		m := map[int32]int{}
		together(func() { write32(m, 1) }, func() { read32(m, 2) })
	}
	cases["rw-nested"] = func() {
		t := &tree{map[string]map[string]int{"a": {}}}
		together(func() { t.set("a", "b") }, func() { t.at("a", "c") })
	}
	cases["rw-lock-forgotten"] = func() {
		s := &service{state: map[string]int{}}
		together(func() { s.update("a") }, func() { s.get("a") })
	}
	cases["rw-reflect"] = func() {
		c := newCache(100)
		k := reflect.ValueOf("b")
		together(func() { c.put("a", 1) }, func() { c.reflectGet(k) })
	}
	cases["rw-many"] = func() {
		c := newCache(100)
		block := make(chan int)
		for i := 0; i < 50; i++ {
			go func() { <-block }()
		}
		together(func() { c.put("a", 1) }, func() { c.get("b") }, func() { c.get("c") })
	}
	cases["iw-range"] = func() {
		c := newCache(100)
		together(func() { c.put("a", 1) }, func() { c.sum() })
	}
	cases["iw-global"] = func() {
		for i := 0; i < 50; i++ {
			hits[strconv.Itoa(i)] = 0
		}
		together(func() { hit("/") }, func() { report() })
	}
	cases["iw-json"] = func() {
		c := newCache(100)
		together(func() { c.put("a", 1) }, func() { c.encode() })
	}
	cases["iw-fmt"] = func() {
		c := newCache(100)
		together(func() { c.put("a", 1) }, func() { c.print() })
	}
	cases["iw-template"] = func() {
		c := newCache(100)
		together(func() { c.put("a", 1) }, func() { c.render() })
	}
	cases["iw-reflect-keys"] = func() {
		c := newCache(100)
		together(func() { c.put("a", 1) }, func() { c.reflectKeys() })
	}
	cases["iw-maps-copy"] = func() {
		c := newCache(100)
		together(func() { c.put("a", 1) }, func() { c.copyTo(map[string]int{}) })
	}
	cases["cw-clone"] = func() {
		c := newCache(5000)
		together(func() { c.put("a", 1) }, func() { c.copy() })
	}
	cases["ww-assign"] = func() {
		c := newCache(100)
		together(func() { c.put("a", 1) }, func() { c.put("b", 2) })
	}
	cases["ww-delete"] = func() {
		c := newCache(100)
		together(func() { c.put("1", 1) }, func() { c.remove("1") })
	}
	cases["ww-delete-deferred"] = func() {
		c := newCache(100)
		together(func() { c.put("1", 1) }, func() { c.removeDeferred("1") })
	}
	cases["ww-clear"] = func() {
		c := newCache(100)
		together(func() { c.put("1", 1) }, func() { c.reset() })
	}
	cases["ww-reflect"] = func() {
		c := newCache(100)
		k, v := reflect.ValueOf("k"), reflect.ValueOf(1)
		together(func() { c.put("1", 1) }, func() { c.reflectPut(k, v) })
	}
	cases["ww-pointer"] = func() {
		m, p := map[*int]int{}, new(int)
		together(func() { writePointer(m, p) }, func() { writePointer(m, p) })
	}
	cases["ww-grow"] = func() {
		m, n := map[int]int{}, int64(0)
		together(func() { grow(m, &n) }, func() { grow(m, &n) })
	}
	cases["ww-waitgroup"] = func() {
		c := newCache(10)
		var wg sync.WaitGroup
		for i := 0; i < 8; i++ {
			wg.Add(1)
			go func(i int) {
				defer wg.Done()
				for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
					c.put(strconv.Itoa(i), i)
				}
			}(i)
		}
		wg.Wait()
	}
}
