// Conflict runs two goroutines in chosen operations on one map until the runtime notices.
//
// It says which goroutine does what, and which map is theirs. With -b none there is one goroutine
// only, which is healthy: such a process can be looked at from outside.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"example.com/cores/internal/say"
)

// table is what both goroutines work on: maps of one kind of key.
type table[K comparable] struct {
	m   map[K]int
	key func(int) K
	// from is the first key that a writer inserts; it moves on when the map is to grow.
	from, to int
	grow     bool
}

// shared leads to the map that is fought over.
var shared struct {
	ints    *table[int]
	int32s  *table[int32]
	names   *table[string]
	points  *table[point]
	anys    *table[any]
	pad     [8]uint64
	started sync.WaitGroup
}

type point struct{ x, y int }

var sink int

//go:noinline
func write[K comparable](t *table[K], side int) {
	for i := t.from; i < t.to; i++ {
		t.m[t.key(i*2+side)] = i
	}
}

//go:noinline
func read[K comparable](t *table[K], side int) {
	for i := t.from; i < t.to; i++ {
		sink += t.m[t.key(i*2)]
	}
}

//go:noinline
func iterate[K comparable](t *table[K], side int) {
	for i := t.from; i < t.to; i += len(t.m) + 1 {
		for _, v := range t.m {
			sink += v
		}
	}
}

//go:noinline
func remove[K comparable](t *table[K], side int) {
	for i := t.from; i < t.to; i++ {
		delete(t.m, t.key(i*2+1-side))
	}
}

//go:noinline
func empty[K comparable](t *table[K], side int) {
	for i := t.from; i < t.to; i += 64 {
		clear(t.m)
	}
}

//go:noinline
func clone[K comparable](t *table[K], side int) {
	for i := t.from; i < t.to; i += len(t.m) + 1 {
		sink += len(maps.Clone(t.m))
	}
}

func operation[K comparable](name string) func(*table[K], int) {
	switch name {
	case "write":
		return write[K]
	case "read":
		return read[K]
	case "iterate":
		return iterate[K]
	case "delete":
		return remove[K]
	case "clear":
		return empty[K]
	case "clone":
		return clone[K]
	case "none":
		return nil
	}
	panic("no such operation: " + name)
}

// worker repeats its operation for ever; in rounds, when the map is new in each.
func worker[K comparable](t *table[K], name string, side int, rounds, done chan struct{}) {
	say.Line(map[string]any{"goroutine": say.Goroutine(), "operation": name, "function": function(name)})
	shared.started.Done()
	for do := operation[K](name); ; {
		<-rounds
		do(t, side)
		done <- struct{}{}
	}
}

func function(operation string) string {
	switch operation {
	case "delete":
		return "main.remove"
	case "clear":
		return "main.empty"
	}
	return "main." + operation
}

func fight[K comparable](t *table[K], size int, a, b string, key func(int) K, path string) {
	t.key = key
	rounds, done := make(chan struct{}), make(chan struct{}, 2)
	both := 0
	for side, name := range []string{a, b} {
		if name != "none" {
			both++
			shared.started.Add(1)
			go worker(t, name, side, rounds, done)
		}
	}
	shared.started.Wait()
	for round := 0; ; round++ {
		if t.grow || t.m == nil {
			t.m = make(map[K]int)
			for i := 0; i < size; i++ {
				t.m[key(i)] = i
			}
			// One line a round would be too much to read: the map is found by its path.
			if !t.grow {
				m := say.Map{Name: "fought over", Where: "heap", Path: path, Type: fmt.Sprintf("%T", t.m), Address: say.Hex(say.Header(t.m)), Len: len(t.m)}
				say.Line(map[string]any{"map": m})
			}
		}
		t.from, t.to = 0, size
		if t.grow {
			t.from, t.to = size, size+3000
		}
		for i := 0; i < both; i++ {
			rounds <- struct{}{}
		}
		for i := 0; i < both; i++ {
			<-done
		}
	}
}

func main() {
	a := flag.String("a", "write", "what the first goroutine does: write, read, iterate, delete, clear, clone")
	b := flag.String("b", "write", "what the second one does, or none")
	key := flag.String("key", "int", "int, int32, string, struct or any")
	size := flag.Int("size", 1000, "how many entries the map has")
	grow := flag.Bool("grow", false, "let the map grow all the time")
	limit := flag.Duration("limit", 20*time.Second, "how long to try")
	flag.Parse()
	if runtime.GOMAXPROCS(0) < 2 {
		runtime.GOMAXPROCS(2)
	}
	say.Hello("conflict")
	time.AfterFunc(*limit, func() {
		os.Stderr.WriteString("nothing was noticed\n")
		os.Exit(3)
	})
	switch *key {
	case "int":
		shared.ints = &table[int]{grow: *grow}
		fight(shared.ints, *size, *a, *b, func(i int) int { return i }, "main.shared.ints.m")
	case "int32":
		shared.int32s = &table[int32]{grow: *grow}
		fight(shared.int32s, *size, *a, *b, func(i int) int32 { return int32(i) }, "main.shared.int32s.m")
	case "string":
		// The names are made before, so that the goroutines spend their time in the map.
		names := make([]string, 2*(*size+3001))
		for i := range names {
			names[i] = strings.Repeat("k", i%5) + fmt.Sprint(i)
		}
		shared.names = &table[string]{grow: *grow}
		fight(shared.names, *size, *a, *b, func(i int) string { return names[i] }, "main.shared.names.m")
	case "struct":
		shared.points = &table[point]{grow: *grow}
		fight(shared.points, *size, *a, *b, func(i int) point { return point{i, -i} }, "main.shared.points.m")
	case "any":
		shared.anys = &table[any]{grow: *grow}
		fight(shared.anys, *size, *a, *b, func(i int) any { return i }, "main.shared.anys.m")
	default:
		panic("no such key: " + *key)
	}
}
