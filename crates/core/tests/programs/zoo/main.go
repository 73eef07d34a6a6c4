// Zoo keeps maps of many kinds in many places, says what they hold, and ends.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"

	"example.com/cores/internal/say"
)

type (
	Point  struct{ X, Y int32 }
	Padded struct {
		A int8
		B int64
		C string
	}
	Blank struct {
		A int32
		_ int32
		B float32
	}
	Color  uint8
	Shape  interface{ Area() float64 }
	Square struct{ Side float64 }
	User   struct {
		Name  string
		Tags  map[string]string
		Score float64
	}
	Wide    [17]int64  // above 128 bytes: stored by pointer
	Record  [25]uint64 // 200 bytes
	Just128 [16]int64
	Weird   struct{ F any }
	// Cell is a type of this program only: no map of it is another package's.
	Cell uint16
)

func (s Square) Area() float64 { return s.Side * s.Side }

// Cache holds maps in fields, one of them in an embedded struct.
type Cache struct {
	inner
	byUser map[string]*User
	limits *map[Cell]int
}

type inner struct{ hits map[Cell]uint32 }

var (
	bools     = map[bool]Cell{true: 1, false: 0}
	int8s     = map[int8]Cell{}
	uint16s   = map[uint16]Cell{}
	int32s    = map[int32]Cell{}
	uint32s   = map[uint32]*Cell{}
	int64s    = map[int64]Cell{}
	uints     = map[uint]Cell{}
	uintptrs  = map[uintptr]Cell{}
	strings   = map[string]Cell{}
	float32s  = map[float32]Cell{}
	float64s  = map[float64]Cell{}
	complexes = map[complex128]Cell{}
	arrays    = map[[2]string]Cell{}
	points    = map[Point]Cell{}
	padded    = map[Padded]Cell{}
	blanks    = map[Blank]Cell{}
	colors    = map[Color][]Cell{}
	anys      = map[any]Cell{}
	shapes    = map[Shape]Cell{}
	pointers  = map[*User]Cell{}
	channels  = map[chan Cell]Cell{}
	wides     = map[Wide]Cell{}
	records   = map[Cell]Record{}
	both      = map[Wide]Record{}
	just128   = map[Just128]Just128{}
	empties   = map[Cell]struct{}{}
	funcs     = map[Cell]func() Cell{}
	values    = map[Cell]any{}
	weird     = map[Weird]Cell{}

	lazy     = make(map[Cell]int16)
	hinted   = make(map[Cell]int32, 500)
	nothing  map[Cell]int64
	small    = map[Cell]string{}
	large    = map[int64]Point{}
	deleted  = map[int64]Color{}
	cleared  = map[int64]Cell{}
	growing  = map[uint64]Cell{}
	sameSize = map[uint64]Color{}
	churned  = map[string]Color{}
	sparse   = map[uint64]Point{}

	cache  = &Cache{byUser: map[string]*User{}}
	shards [4]map[string]Point
	list   []map[Point]string
	nested = map[string]map[string]map[Cell]bool{}
	boxed  any
	queue  = make(chan map[Cell]Point, 3)
	count  func(Cell) int
	// unnamed is a list whose maps only a chain of pointers reaches.
	unnamed *node
)

type node struct {
	m    map[Cell]*node
	next *node
}

var said []say.Map

func note(name, where, path string, m any) {
	said = append(said, say.Describe(name, where, path, m))
}

// global notes a map that a variable of this package refers to.
func global(name string, m any) { note(name, "global", "main."+name, m) }

func fill() {
	for i := 0; i < 100; i++ {
		c := Cell(i)
		int8s[int8(i)] = c
		uint16s[uint16(i*600)] = c
		int32s[int32(i-50)*1000000] = c
		uint32s[uint32(i)<<24] = &c
		int64s[int64(i-50)<<40] = c
		uints[uint(i)*uint(i)] = c
		uintptrs[uintptr(i)*8] = c
		strings[fmt.Sprintf("key %d", i*i*i)] = c
		float32s[float32(i)/7] = c
		float64s[float64(i)*1e10] = c
		complexes[complex(float64(i), -float64(i))] = c
		arrays[[2]string{fmt.Sprint(i), fmt.Sprint(-i)}] = c
		points[Point{int32(i), int32(-i)}] = c
		padded[Padded{int8(i), int64(i) << 33, fmt.Sprint("p", i)}] = c
		blanks[Blank{A: int32(i), B: float32(i)}] = c
		colors[Color(i)] = []Cell{c, c + 1}
		pointers[&User{Name: fmt.Sprint("user ", i)}] = c
		channels[make(chan Cell, i%3)] = c
		wides[Wide{0: int64(i), 16: int64(-i)}] = c
		records[c] = Record{0: uint64(i), 24: uint64(i) * 3}
		both[Wide{5: int64(i)}] = Record{7: uint64(i)}
		just128[Just128{2: int64(i)}] = Just128{3: int64(i)}
		empties[c] = struct{}{}
		funcs[c] = func() Cell { return c }
		weird[Weird{F: i}] = c
		weird[Weird{F: fmt.Sprint(i)}] = c
	}
	float64s[math.NaN()] = 200
	float64s[math.NaN()] = 201
	float64s[math.Copysign(0, -1)] = 7 // the entry of 0 keeps its key
	float64s[math.Inf(1)] = 202
	complexes[complex(math.NaN(), 0)] = 203
	for i, key := range []any{1, int8(1), "1", 1.5, true, Point{1, 2}, [1]Cell{3}, &cache, nil, Square{2}} {
		anys[key] = Cell(i)
	}
	for i := 0; i < 12; i++ {
		shapes[Square{float64(i)}] = Cell(i)
	}
	for i, v := range []any{1, "two", 3.5, nil, []int{4}, Point{5, 6}, map[string]int{"seven": 8}, &Point{9, 10}, true} {
		values[Cell(i)] = v
	}

	for i := 0; i < 7; i++ {
		small[Cell(i)] = fmt.Sprint("small ", i)
	}
	for i := int64(0); i < 50000; i++ {
		large[i] = Point{int32(i), int32(i)}
		deleted[i%4000] = Color(i)
	}
	for i := int64(0); i < 4000; i++ {
		if i%10 != 0 {
			delete(deleted, i)
		}
	}
	for i := int64(0); i < 3000; i++ {
		cleared[i] = Cell(i)
	}
	clear(cleared)
	for i := uint64(0); i < 6000 || i < 8000 && !say.Describe("", "", "", growing).Growing; i++ {
		growing[i*i] = Cell(i)
	}
	// Overflow buckets gather while the number of entries stays: a classic map grows in place.
	for i := uint64(0); i < 500000; i++ {
		sameSize[i] = Color(i)
		if i >= 1000 {
			delete(sameSize, i-1000)
			if i%64 == 0 && say.Describe("", "", "", sameSize).Growing {
				break
			}
		}
	}
	for i := 0; i < 3000; i++ {
		churned[fmt.Sprint(i)] = Color(i)
		if i >= 400 {
			delete(churned, fmt.Sprint(i-400))
		}
	}
	for i := uint64(0); i < 20000; i++ {
		sparse[i] = Point{X: int32(i)}
	}
	for i := uint64(3); i < 20000; i++ {
		delete(sparse, i)
	}

	cache.hits = map[Cell]uint32{1: 10, 2: 20}
	cache.limits = &map[Cell]int{3: 30}
	for i := 0; i < 20; i++ {
		name := fmt.Sprint("user-", i)
		cache.byUser[name] = &User{Name: name, Tags: map[string]string{"id": fmt.Sprint(i)}, Score: float64(i) / 2}
	}
	for i := range shards {
		shards[i] = map[string]Point{fmt.Sprint("shard ", i): {X: int32(i)}}
	}
	for i := 0; i < 10; i++ {
		list = append(list, map[Point]string{{int32(i), 0}: fmt.Sprint(i)})
	}
	nested["a"] = map[string]map[Cell]bool{"b": {1: true}, "c": {2: false}}
	nested["d"] = map[string]map[Cell]bool{}
	boxed = map[Cell]float64{4: 0.5}
	queue <- map[Cell]Point{5: {5, 5}}
	queue <- map[Cell]Point{6: {6, 6}}
	captured := map[Cell]int8{7: 70}
	note("captured", "heap", "", captured)
	count = func(c Cell) int { captured[c]++; return len(captured) }
	for i := 0; i < 5; i++ {
		unnamed = &node{m: map[Cell]*node{Cell(i): unnamed}, next: unnamed}
	}
}

// garbage leaves maps behind that nothing refers to.
//
//go:noinline
func garbage() (n int) {
	for i := 0; i < 500; i++ {
		m := map[Cell]complex64{}
		for j := 0; j < 20; j++ {
			m[Cell(j)] = complex(float32(i), float32(j))
		}
		n += len(m)
		kept = m
	}
	kept = nil
	return n
}

var kept map[Cell]complex64

func noteAll() {
	global("bools", bools)
	global("int8s", int8s)
	global("uint16s", uint16s)
	global("int32s", int32s)
	global("uint32s", uint32s)
	global("int64s", int64s)
	global("uints", uints)
	global("uintptrs", uintptrs)
	global("strings", strings)
	global("float32s", float32s)
	global("float64s", float64s)
	global("complexes", complexes)
	global("arrays", arrays)
	global("points", points)
	global("padded", padded)
	global("blanks", blanks)
	global("colors", colors)
	global("anys", anys)
	global("shapes", shapes)
	global("pointers", pointers)
	global("channels", channels)
	global("wides", wides)
	global("records", records)
	global("both", both)
	global("just128", just128)
	global("empties", empties)
	global("funcs", funcs)
	global("values", values)
	global("weird", weird)
	global("lazy", lazy)
	global("hinted", hinted)
	global("nothing", nothing)
	global("small", small)
	global("large", large)
	global("deleted", deleted)
	global("cleared", cleared)
	global("growing", growing)
	global("sameSize", sameSize)
	global("churned", churned)
	global("sparse", sparse)
	global("nested", nested)
	note("hits", "heap", "main.cache.inner.hits", cache.hits)
	note("byUser", "heap", "main.cache.byUser", cache.byUser)
	note("limits", "heap", "*main.cache.limits", *cache.limits)
	for name, user := range cache.byUser {
		note("tags", "heap", fmt.Sprintf("main.cache.byUser[%q].Tags", name), user.Tags)
	}
	for i, m := range shards {
		note("shard", "global", fmt.Sprintf("main.shards[%d]", i), m)
	}
	for i, m := range list {
		note("list", "heap", fmt.Sprintf("main.list[%d]", i), m)
	}
	for a, m := range nested {
		note("nested", "heap", fmt.Sprintf("main.nested[%q]", a), m)
		for b, m := range m {
			note("nested", "heap", fmt.Sprintf("main.nested[%q][%q]", a, b), m)
		}
	}
	note("boxed", "heap", "main.boxed", boxed)
	note("value", "heap", "main.values[6]", values[6])
	for i := 0; i < 2; i++ {
		m := <-queue
		note("queued", "heap", "", m)
		queue <- m
	}
	for n := unnamed; n != nil; n = n.next {
		note("chain", "heap", "", n.m)
	}
}

// parked holds a map that only its stack refers to, and waits.
func parked(ready chan<- say.Map, done <-chan struct{}) {
	say.DeepStack()
	m := map[Cell]uint64{}
	for i := 0; i < 30; i++ {
		m[Cell(i)] = uint64(i) * uint64(i)
	}
	ready <- say.Describe("parked", "stack", "", m)
	<-done
	sink += len(m)
}

var sink int

// atTheEnd has a map whose header and first group lie on the stack, and ends the program.
//
//go:noinline
func atTheEnd(how string) {
	m := make(map[Cell]uint8)
	for i := 0; i < 5; i++ {
		m[Cell(i)] = uint8(i * 10)
	}
	d := say.Map{Name: "onStack", Where: "stack", Type: "map[main.Cell]uint8", Address: say.Hex(say.Header(m)), Len: len(m)}
	for k, v := range m {
		d.Entries = append(d.Entries, [2]any{k, v})
	}
	say.Line(map[string]any{"maps": append(said, d)})
	say.End(how)
	sink += len(m)
}

func main() {
	how := flag.String("end", "panic", "panic, nil, abort or wait")
	flag.Parse()
	say.Hello("zoo")
	fill()
	if garbage() != 10000 || count(7) != 1 || count(8) != 2 {
		os.Exit(3)
	}
	for i := range said { // captured has changed
		said[i].Len, said[i].Entries = 2, [][2]any{{7, 71}, {8, 1}}
	}
	ready, done := make(chan say.Map), make(chan struct{})
	go parked(ready, done)
	said = append(said, <-ready)
	noteAll()
	say.DeepStack()
	say.Settle()
	atTheEnd(*how)
	close(done)
	runtime.KeepAlive(said)
}
