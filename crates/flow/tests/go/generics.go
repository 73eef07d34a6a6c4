package p

type set[T comparable] struct{ m map[T]struct{} }

func (s *set[T]) add(v T) { s.m[v] = struct{}{} }

func newSet[T comparable](vs ...T) *set[T] {
	s := &set[T]{m: make(map[T]struct{})}
	for _, v := range vs {
		s.add(v)
	}
	return s
}

func put[M ~map[K]V, K comparable, V any](m M, k K, v V) {
	if m == nil {
		m = make(M)
	}
	m[k] = v
	clear(m)
}

func use() {
	s := newSet[int](1)
	s.add(2)
	newSet("a").add("b")
	put(map[string]int{}, "a", 1)
	f := newSet[bool]
	f(true)
}
