package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
)

type registry struct {
	byName map[string]int
	inner  struct{ ids map[int64]string }
}

//go:noinline
func (r *registry) add(name string) { r.byName[name] = len(name) }

//go:noinline
func (r *registry) addID(id int64) { r.inner.ids[id] += "x" }

type box[K comparable, V any] struct{ m map[K]V }

//go:noinline
func (b *box[K, V]) put(k K, v V) { b.m[k] = v }

//go:noinline
func count(counts map[string]int, words ...string) {
	for _, w := range words {
		counts[w]++
	}
}

type point struct{ x, y float64 }

//go:noinline
func nested(m map[string]map[point]bool) { m["a"][point{1, 2}] = true }

//go:noinline
func setByReflection(m any, k, v any) {
	reflect.ValueOf(m).SetMapIndex(reflect.ValueOf(k), reflect.ValueOf(v))
}

//go:noinline
func deep(n int, m map[uint32]int) int {
	if n == 0 {
		m[1] = 2
		return 0
	}
	return deep(n-1, m) + 1
}

//go:noinline
func rethrow() {
	defer func() {
		if r := recover(); r != nil {
			panic(r)
		}
	}()
	(&registry{}).add("x")
}

//go:noinline
func wrapAndThrow() {
	defer func() {
		if r := recover(); r != nil {
			panic(fmt.Errorf("wrapped: %v", r))
		}
	}()
	(&registry{}).add("x")
}

//go:noinline
func failTwice() {
	defer func() { panic(errors.New("second")) }()
	(&registry{}).add("x")
}

//go:noinline
func inDefer() {
	var m map[string]int
	defer count(m, "late")
	runtime.Gosched()
}

func init() {
	cases["nil-method"] = func() { (&registry{}).add("x") }
	cases["nil-field-of-field"] = func() { (&registry{}).addID(1) }
	cases["nil-generic"] = func() { (&box[int32, string]{}).put(1, "x") }
	cases["nil-count"] = func() { count(nil, "a", "b") }
	cases["nil-nested"] = func() { nested(map[string]map[point]bool{}) }
	cases["nil-reflect"] = func() { setByReflection(map[string]int(nil), "k", 1) }
	cases["nil-closure"] = func() {
		var m map[*int]int
		f := func() { m[nil] = 1 }
		f()
	}
	cases["nil-goroutine"] = func() {
		var m map[string]bool
		done := make(chan bool)
		go func() { m["x"] = true; close(done) }()
		<-done
	}
	cases["nil-deep"] = func() { deep(200, nil) }
	cases["nil-rethrown"] = rethrow
	cases["nil-wrapped"] = wrapAndThrow
	cases["nil-then-second"] = failTwice
	cases["nil-defer"] = inDefer
	cases["nil-labels"] = func() {
		labels := pprof.Labels("req", "42 x]", "user", "bob")
		pprof.Do(context.Background(), labels, func(context.Context) { (&registry{}).add("x") })
	}
	cases["nil-locked"] = func() {
		runtime.LockOSThread()
		(&registry{}).add("x")
	}
	cases["nil-many"] = func() {
		var wg sync.WaitGroup
		block := make(chan int)
		for i := 0; i < 100; i++ {
			wg.Add(1)
			go waitFor(block, &wg)
		}
		runtime.Gosched()
		(&registry{}).add("x")
	}
	cases["nil-recovered-stack"] = func() {
		defer func() {
			r := recover()
			log.Printf("recovered: %v\n%s", r, debug.Stack())
			os.Exit(3)
		}()
		(&registry{}).add("x")
	}
	cases["nil-recovered-panic-prefix"] = func() {
		defer func() {
			r := recover()
			fmt.Fprintf(os.Stderr, "panic: %v\n\n%s", r, debug.Stack())
			os.Exit(3)
		}()
		(&registry{}).add("x")
	}
	cases["nil-http"] = func() {
		mux := http.NewServeMux()
		mux.HandleFunc("/", handle)
		server := httptest.NewServer(mux)
		http.Get(server.URL)
		server.Close()
		os.Exit(3)
	}
	cases["nil-noise"] = func() {
		log.SetFlags(log.LstdFlags | log.Lmicroseconds)
		log.Print("starting")
		log.Print("goroutine pool has 3 workers, no panic: all is well")
		go func() {
			for {
				log.Print("still alive")
			}
		}()
		runtime.Gosched()
		(&registry{}).add("x")
	}
}

//go:noinline
func handle(w http.ResponseWriter, r *http.Request) { count(nil, r.URL.Path) }

func waitFor(block chan int, wg *sync.WaitGroup) {
	defer wg.Done()
	<-block
}
