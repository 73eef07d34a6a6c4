package p

import "sync"

type cache struct {
	mu sync.Mutex
	m  map[string]int
}

func (c *cache) set(k string, v int) (old int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		return 0, nil
	}
	old = c.m[k]
	c.m[k] = v
	return
}

func sometimes(b bool, f func()) {
	if b {
		defer f()
	}
	defer func(n int) { _ = n }(1)
}

func looped(fs []func()) {
	for _, f := range fs {
		defer f()
	}
}

func recovers() (m map[string]int) {
	defer func() {
		if r := recover(); r != nil {
			m = nil
		}
	}()
	m = make(map[string]int)
	panic("x")
}

func builtins(m map[string]int, k string) {
	defer delete(m, k)
	defer close(make(chan int))
	k = "other"
	go delete(m, k)
}
-- sync/mutex.go --
package sync

type Mutex struct{ state int32 }

func (m *Mutex) Lock()
func (m *Mutex) Unlock()
