package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const maxSessions = 2_000_000

// Sessions are added and never removed.
type sessions struct {
	mu   sync.Mutex
	byID map[string]*session
	next int
}

type session struct {
	user  int
	hits  int
	token [4]uint64
}

func newSessions() *sessions {
	return &sessions{byID: map[string]*session{}}
}

func (s *sessions) login(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i < n && s.next < maxSessions; i++ {
		s.next++
		id := fmt.Sprintf("session-%d", s.next)
		s.byID[id] = &session{user: s.next}
	}
}

func (s *sessions) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byID)
}

// Hits are counted in one map behind one lock, which is held while a line of a log is written.
type hits struct {
	mu     sync.Mutex
	byPath map[string]int
	sum    atomic.Int64
}

func newHits() *hits {
	return &hits{byPath: make(map[string]int, 1024)}
}

func (h *hits) serve(workers int) {
	for w := 0; w < workers; w++ {
		go func(w int) {
			for i := 0; ; i++ {
				h.count(fmt.Sprintf("/item/%d", (w*31+i)%1000))
			}
		}(w)
	}
}

func (h *hits) count(path string) {
	h.mu.Lock()
	h.byPath[path]++
	writeLog(path)
	h.mu.Unlock()
	h.sum.Add(1)
}

// writeLog takes its time, as a disk does.
func writeLog(string) {
	time.Sleep(200 * time.Microsecond)
}

func (h *hits) total() int64 {
	return h.sum.Load()
}
