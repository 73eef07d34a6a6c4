// Suffers what the maps of a process can suffer, for as long as it runs.
package main

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Key takes long to hash and to compare, and a goroutine can be interrupted meanwhile.
type Key [2048]string

// Stock is a map under a lock that somebody holds on to.
type Stock struct {
	mu    sync.Mutex
	items map[string]int
}

var (
	prices   = map[Key]int{}
	counters = map[int]int{}
	emptied  = map[int]int{}
	stock    = Stock{items: map[string]int{}}
	sink     int
)

func key() *Key {
	var key Key
	// A text of its own for each key: equal pointers would be compared in no time.
	text := strings.Repeat("x", 1<<20)
	for i := range key {
		key[i] = text
	}
	return &key
}

func lookUp(key *Key) int { return prices[*key] }

func update(key *Key) { prices[*key]++ }

func count() {
	for i := 0; ; i++ {
		counters[i%5000] = i
	}
}

func spin() {
	for {
		sink++
	}
}

func (s *Stock) Take(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[name]--
}

func main() {
	// Go records allocations only in programs in which something asks for them.
	runtime.MemProfile(nil, false)
	// More goroutines than processors: who is inside a map is interrupted there.
	runtime.GOMAXPROCS(1)
	for i := 0; i < 200_000; i++ {
		emptied[i] = i
	}
	for i := 10; i < 200_000; i++ {
		delete(emptied, i)
	}
	// What was allocated until a collection is published by the next.
	runtime.GC()
	runtime.GC()
	stock.mu.Lock()
	for i := 0; i < 30; i++ {
		go stock.Take("apples")
	}
	prices[*key()] = 1
	reads, writes := key(), key()
	go count()
	go spin()
	fmt.Println("started")
	// No operation begins while a write is in progress, which is all that the runtime looks for.
	for {
		var both sync.WaitGroup
		both.Add(2)
		go func() { defer both.Done(); sink += lookUp(reads) }()
		time.Sleep(5 * time.Millisecond)
		go func() { defer both.Done(); update(writes) }()
		both.Wait()
	}
}
