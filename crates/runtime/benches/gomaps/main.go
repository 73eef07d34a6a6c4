// Command gomaps measures Go's own maps as benches/maps.rs measures the models:
// the same operations, keys, orders and output.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

var sink uint64

func measure[K comparable](name string, n int, key func(uint64) K) {
	keys, missing, order := make([]K, n), make([]K, n), make([]K, n)
	for i := range keys {
		keys[i], missing[i] = key(mix(uint64(i))), key(mix(uint64(i)+1<<40))
	}
	for i := range order {
		// Made anew: equal strings, but not the same memory.
		order[i] = key(mix(mix(uint64(i)+1<<50) % uint64(n)))
	}
	rounds := max(1, 1_000_000/n)
	repeats := 5
	best := func(op string, f func() time.Duration) {
		least := time.Duration(1 << 62)
		for i := 0; i < repeats; i++ {
			least = min(least, f())
		}
		fmt.Printf("%s\t%s\t%d\t%.2f\n", name, op, n, float64(least.Nanoseconds())/float64(n*rounds))
	}
	fill := func() map[K]uint64 {
		m := map[K]uint64{}
		for i, k := range keys {
			m[k] = uint64(i)
		}
		return m
	}
	best("insert", func() time.Duration {
		start := time.Now()
		for r := 0; r < rounds; r++ {
			sink += uint64(len(fill()))
		}
		return time.Since(start)
	})
	m := fill()
	best("hit", func() time.Duration {
		start := time.Now()
		for r := 0; r < rounds; r++ {
			for _, k := range order {
				sink += m[k]
			}
		}
		return time.Since(start)
	})
	best("miss", func() time.Duration {
		start := time.Now()
		for r := 0; r < rounds; r++ {
			for _, k := range missing {
				sink += m[k]
			}
		}
		return time.Since(start)
	})
	best("iterate", func() time.Duration {
		start := time.Now()
		for r := 0; r < rounds; r++ {
			for _, v := range m {
				sink += v
			}
		}
		return time.Since(start)
	})
	best("delete", func() time.Duration {
		var total time.Duration
		for r := 0; r < rounds; r++ {
			m := fill()
			start := time.Now()
			for _, k := range keys {
				delete(m, k)
			}
			total += time.Since(start)
		}
		return total
	})
}

func main() {
	largest := 10_000_000
	if len(os.Args) > 1 {
		largest, _ = strconv.Atoi(os.Args[1])
	}
	name := "go" + runtime.Version()[2:]
	for n := 100; n <= largest; n *= 10 {
		measure(name+" uint64", n, func(k uint64) uint64 { return k })
	}
	for n := 100; n <= min(largest, 1_000_000); n *= 10 {
		measure(name+" string", n, func(k uint64) string { return strconv.FormatUint(k, 16) })
	}
}
