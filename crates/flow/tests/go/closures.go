package p

func run(func())

func captures() map[string]int {
	m := map[string]int{}
	n := 0
	add := func(k string) {
		n++
		inner := func() { m[k] = n }
		inner()
	}
	add("a")
	func() { m["b"] = 1 }()
	go func(k string) { m[k] = 2 }("c")
	run(func() { m = nil })
	return m
}

func recursive() {
	var f func(int)
	f = func(n int) {
		if n > 0 {
			f(n - 1)
		}
	}
	f(3)
}

func reassigned(b bool) {
	f := func() {}
	if b {
		f = func() { panic(1) }
	}
	f()
}

func shadowed(m map[int]int) {
	{
		m := map[int]int{}
		m[1] = 1
	}
	if m := m; m != nil {
		m[2] = 2
	}
	m[3] = 3
}
