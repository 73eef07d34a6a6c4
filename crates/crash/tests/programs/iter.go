//go:build go1.23

package main

import (
	"maps"
	"slices"
)

//go:noinline
func (c *cache) keys() []string { return slices.Sorted(maps.Keys(c.items)) }

//go:noinline
func (c *cache) collect() map[string]int { return maps.Collect(maps.All(c.items)) }

func init() {
	cases["iw-maps-keys"] = func() {
		c := newCache(100)
		together(func() { c.put("a", 1) }, func() { c.keys() })
	}
	cases["iw-maps-collect"] = func() {
		c := newCache(100)
		together(func() { c.put("a", 1) }, func() { c.collect() })
	}
}
