// A warehouse that dies: one of its two ways to its map forgets the lock.
package main

import (
	"fmt"
	"sync"
)

type Stock struct {
	mu     sync.Mutex
	pieces map[string]int
}

func (s *Stock) Deliver(article string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pieces[article] += n
}

func (s *Stock) Pieces(article string) int {
	return s.pieces[article]
}

func main() {
	stock := &Stock{pieces: map[string]int{"tea": 3}}
	go func() {
		for {
			stock.Deliver("tea", 1)
		}
	}()
	for {
		if stock.Pieces("coffee") > 0 {
			fmt.Println("there is coffee")
		}
	}
}
