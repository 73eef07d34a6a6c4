package main

import (
	"strings"
	"sync"
)

var requestBody = strings.Repeat("the quick brown fox jumps over the lazy dog and then some more words follow ", 40)

// countWords makes a map for each request, lets it grow and throws it away.
func countWords(body string) int {
	counts := map[string]int{}
	for i, word := range strings.Fields(body) {
		counts[word]++
		counts[body[i:i+8]]++
	}
	return len(counts)
}

// A report takes its scratch map from a pool. Once a month it needs a giant one, which then serves
// the small daily reports for ever: clear keeps its tables.
type report struct {
	pool sync.Pool
}

func newReport() *report {
	return &report{pool: sync.Pool{New: func() any { return make(map[int]int) }}}
}

func (r *report) monthly(n int) {
	var wg sync.WaitGroup
	for w := 0; w < 4; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r.days(n)
		}()
	}
	wg.Wait()
}

func (r *report) daily() {
	r.days(3)
}

func (r *report) days(n int) {
	sums := r.pool.Get().(map[int]int)
	for day := 0; day < n; day++ {
		sums[day]++
	}
	clear(sums)
	r.pool.Put(sums)
}
