// Command mapsizes fills maps and says what that took from the heap, for comparison with
// tophash_runtime::footprint.
//
// Each line of standard input asks for one measurement: a map type of the list below, a number of
// entries, a hint (-1 for a map made without one) and how often to repeat it. Each line of output
// is that question and the answer: mean, smallest and largest of the bytes alive once the map is
// filled, means of bytes allocated on the way and of allocations. The first line of output is the
// version that the program was built by.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

type target struct{ a, b int }
type forty struct {
	a, b string
	c    int
}
type big struct {
	a [24]int
	b *int
}
type bytes200 [200]byte

// alive is what is measured.
type alive struct {
	live      []uint64
	allocated uint64
	mallocs   uint64
}

var sink any

// fill makes and fills a map, which stays in sink.
func fill[K comparable, V any](keys []K, value V, hint int) {
	var m map[K]V
	if hint < 0 {
		m = make(map[K]V)
	} else {
		m = make(map[K]V, hint)
	}
	for _, key := range keys {
		m[key] = value
	}
	sink = m
}

func measure[K comparable, V any](keys []K, value V, hint, runs int) alive {
	result := alive{live: make([]uint64, 0, runs)}
	var before, filled, after runtime.MemStats
	// The runtime may allocate for itself at first, which counts for nothing beside large maps.
	unmeasured := 2
	if len(keys) >= 500000 {
		unmeasured = 0
	}
	for i := -unmeasured; i < runs; i++ {
		sink = nil
		runtime.GC()
		runtime.ReadMemStats(&before)
		fill(keys, value, hint)
		runtime.ReadMemStats(&filled)
		runtime.GC()
		runtime.ReadMemStats(&after)
		if i < 0 {
			continue
		}
		result.live = append(result.live, after.HeapAlloc-before.HeapAlloc)
		result.allocated += filled.TotalAlloc - before.TotalAlloc
		result.mallocs += filled.Mallocs - before.Mallocs
	}
	sink = nil
	runtime.KeepAlive(keys)
	return result
}

func series[K any](n int, key func(int) K) []K {
	keys := make([]K, n)
	for i := range keys {
		keys[i] = key(i)
	}
	return keys
}

func ints(n int) []int       { return series(n, func(i int) int { return i }) }
func strings(n int) []string { return series(n, func(i int) string { return fmt.Sprint("key", i) }) }

var one = new(int)

var types = map[string]func(n, hint, runs int) alive{
	"map[int]int":             func(n, hint, runs int) alive { return measure(ints(n), 1, hint, runs) },
	"map[string]*T":           func(n, hint, runs int) alive { return measure(strings(n), &target{}, hint, runs) },
	"map[string]struct40":     func(n, hint, runs int) alive { return measure(strings(n), forty{}, hint, runs) },
	"map[string][200]byte":    func(n, hint, runs int) alive { return measure(strings(n), bytes200{}, hint, runs) },
	"map[string]structPtr200": func(n, hint, runs int) alive { return measure(strings(n), big{b: one}, hint, runs) },
	"map[string]struct{}":     func(n, hint, runs int) alive { return measure(strings(n), struct{}{}, hint, runs) },
	"map[[16]byte]bool": func(n, hint, runs int) alive {
		key := func(i int) (k [16]byte) {
			k[0], k[5], k[9], k[12] = byte(i), byte(i>>8), byte(i>>16), byte(i>>24)
			return k
		}
		return measure(series(n, key), true, hint, runs)
	},
	"map[int32]struct{}": func(n, hint, runs int) alive {
		return measure(series(n, func(i int) int32 { return int32(i) }), struct{}{}, hint, runs)
	},
	"map[any]any": func(n, hint, runs int) alive {
		return measure(series(n, func(i int) any { return i }), any(one), hint, runs)
	},
	"map[[25]int]bool": func(n, hint, runs int) alive {
		return measure(series(n, func(i int) [25]int { return [25]int{i} }), true, hint, runs)
	},
	"map[uint8]int64": func(n, hint, runs int) alive {
		return measure(series(n, func(i int) uint8 { return uint8(i) }), int64(1), hint, runs)
	},
}

func main() {
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(1)
	// What the first collections allocate for themselves is not the maps'.
	for i := 0; i < 5; i++ {
		runtime.GC()
	}
	fmt.Println(runtime.Version())
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var name string
		var n, hint, runs int
		if _, err := fmt.Sscan(in.Text(), &name, &n, &hint, &runs); err != nil {
			fmt.Fprintf(os.Stderr, "mapsizes: %q: %v\n", in.Text(), err)
			os.Exit(2)
		}
		of, ok := types[name]
		if !ok {
			fmt.Fprintf(os.Stderr, "mapsizes: %q is not in the list\n", name)
			os.Exit(2)
		}
		a := of(n, hint, runs)
		low, high, sum := a.live[0], a.live[0], uint64(0)
		for _, live := range a.live {
			low, high, sum = min(low, live), max(high, live), sum+live
		}
		mean := func(sum uint64) float64 { return float64(sum) / float64(runs) }
		fmt.Printf("%s %d %d %d %.1f %d %d %.1f %.2f\n",
			name, n, hint, runs, mean(sum), low, high, mean(a.allocated), mean(a.mallocs))
	}
}
