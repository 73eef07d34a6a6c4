package p

import "example.com/missing"

type local struct {
	missing.Base
	m map[string]int
}

func missed(x missing.Type, l local) {
	x.Do("a")
	y := missing.Make(1)
	y["a"] = 1
	for k, v := range y {
		_, _ = k, v
	}
	missing.Global.Map["a"]++
	l.Base.Reset()
	l.Reset(undefined)
	l.m["a"] = missing.Count
	if z, ok := x.(missing.Other); ok {
		z.Do()
	}
	a, b := x.Two()
	_, _ = a, b
	undeclared = 3
}
