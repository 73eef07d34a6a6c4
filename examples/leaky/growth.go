package main

import "sync"

type price struct {
	cents    int64
	currency [4]byte
}

// A priceList is rebuilt from a list whose length is known, into a map made without a hint: it
// grows a dozen times on the way, and all but the last table is thrown away.
type priceList struct {
	mu      sync.RWMutex
	rows    []price
	byIndex map[int]price
}

func newPriceList(n int) *priceList {
	return &priceList{rows: make([]price, n)}
}

func (l *priceList) rebuild() {
	index := make(map[int]price)
	for i, row := range l.rows {
		index[i] = row
	}
	l.mu.Lock()
	l.byIndex = index
	l.mu.Unlock()
}

// Positions keep large values in the map itself: each empty slot is as large, and growing copies
// all of them.
type positions struct {
	byID map[uint32]position
}

type position struct {
	history [15]float64
}

func newPositions(n int) *positions {
	p := &positions{byID: make(map[uint32]position, 1)}
	for i := 0; i < n; i++ {
		p.byID[uint32(i)] = position{}
	}
	return p
}

func (p *positions) move() {
	for id, at := range p.byID {
		at.history[0]++
		p.byID[id] = at
	}
}
