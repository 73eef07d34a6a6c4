// Package stock knows what lies on the shelves.
package stock

import (
	"errors"
	"sync"
)

// ErrFull is returned when an article has no room left.
var ErrFull = errors.New("shelf is full")

// Shelf holds articles, up to a number of pieces of each.
type Shelf struct {
	limit int

	mu     sync.Mutex
	pieces map[string]int
	orders map[string][]int
}

// NewShelf returns an empty shelf.
func NewShelf(limit int) *Shelf {
	return &Shelf{limit: limit, orders: make(map[string][]int)}
}

// Put adds pieces of an article.
func (s *Shelf) Put(article string, pieces int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pieces[article]+pieces > s.limit {
		return ErrFull
	}
	s.pieces[article] += pieces
	return nil
}

// Reserve notes that an order wants pieces of an article.
func (s *Shelf) Reserve(article string, pieces int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[article] = append(s.orders[article], pieces)
}
