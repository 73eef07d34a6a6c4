package p

func f() int
func g() map[string]int
func pair() (int, bool)

type node struct {
	next *node
	m    map[int]int
}

func swap(a, b int) (int, int) {
	a, b = b, a
	return a, b
}

func named(a, b int) (x, y int) {
	x, y = 1, 2
	return y, x
}

func indexed(a []int, i int, m map[int]int) {
	i, a[i] = 1, 2
	m[f()] = f()
	m[i], i = i, 3
	m, m[i] = nil, 4
	g()["a"] = f()
	m[0], _ = pair()
	m[1], a[0] = f(), f()
}

func links(l *node) {
	l, l.next = l.next, l
	l.m[f()] += f()
}
