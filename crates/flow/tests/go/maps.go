package p

type cache struct {
	inner struct{ m map[string]int }
	next  *cache
}

type counts map[string]int

func operations(m map[string]int, k string) int {
	n := make(map[string]int, 10)
	var z map[string]int
	z = nil
	l := map[string]int{"a": 1, k: 2}
	m[k] = 1
	m[k] += 2
	m[k]++
	m[k]--
	(m[k]) = 3
	v, ok := m[k]
	_, ok = m[k]
	var w, has = l[k]
	delete(m, k)
	clear(n)
	_ = m[k]
	_, _, _, _ = v, ok, w, has
	return len(m) + len(z)
}

func lists(m map[string][]int, sets map[string]map[string]bool) {
	m["a"] = append(m["a"], 1)
	sets["a"]["b"] = true
	if sets["c"] == nil {
		sets["c"] = make(map[string]bool)
	}
	sets["c"]["d"] = true
}

func paths(c *cache, a []map[int]int, b [2]map[int]int, p *[2]map[int]int) {
	c.inner.m["x"] = 1
	c.next.next.inner.m["x"]++
	a[0][1] = 2
	b[1][1] = 2
	p[1][1] = 2
}

func pointers(p *map[string]int, named counts, pn *counts) {
	(*p)["a"] = 1
	named["a"] = 1
	(*pn)["a"] = 1
	*p = nil
}

func structs(m map[string]cache, pm map[string]*cache) {
	m["a"].inner.m["b"] = 1
	pm["a"].inner.m["b"] = 1
	pm["a"].inner.m = nil
	make(map[string]int)["a"] = 1
	map[string]int(nil)["a"] = 1
}

func clauses(m map[int]int, c chan int) {
	for m[0] = range 3 {
	}
	for m[1], m[2] = range []int{1} {
	}
	select {
	case m[3] = <-c:
	case m[4], _ = <-c:
	}
}
