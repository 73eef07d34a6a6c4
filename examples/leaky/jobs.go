package main

import "sync"

// Jobs come in bursts. When they are done their map is nearly empty, and as large as ever.
type jobs struct {
	mu      sync.Mutex
	running map[int]job
}

// A job is too large to lie in the map's tables.
type job struct {
	steps [20]int64
}

func newJobs() *jobs {
	return &jobs{running: make(map[int]job)}
}

func (j *jobs) burst(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for id := 0; id < n; id++ {
		j.running[id] = job{}
	}
	for id := 10; id < n; id++ {
		delete(j.running, id)
	}
}

func (j *jobs) len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.running)
}

// Tenants have a map of settings each, for one entry or two, and their limits behind pointers that
// the collector follows although they hold a number.
type tenants struct {
	settings map[int]map[string]string
	limits   map[int]*int32
}

func newTenants() *tenants {
	return &tenants{settings: map[int]map[string]string{}, limits: map[int]*int32{}}
}

func (t *tenants) connect(n int) {
	for id := 0; id < n; id++ {
		own := map[string]string{}
		own["language"] = "en"
		t.settings[id] = own
		limit := int32(id)
		t.limits[id] = &limit
	}
}

func (t *tenants) len() int {
	return len(t.settings)
}

// breakMap writes to one map from two goroutines, which Go answers with a fatal error.
func breakMap() {
	m := map[int]int{}
	for w := 0; w < 2; w++ {
		go func() {
			for i := 0; ; i++ {
				m[i%8] = i
			}
		}()
	}
}
