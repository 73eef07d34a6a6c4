package p

func use(func() int)

func three(n int) {
	for i := 0; i < n; i++ {
		if i == 3 {
			continue
		}
		if i == 5 {
			break
		}
	}
	for n > 0 {
		n--
	}
	for {
		n++
	}
}

func captured(n int) {
	for i := 0; i < n; i++ {
		use(func() int { return i })
	}
	for i, v := range []int{1} {
		use(func() int { return i + v })
	}
}

func ranges(m map[string]int, s []int, a *[3]int, str string, c chan int, f func(yield func(int, string) bool)) {
	for k, v := range m {
		m[k] = v
	}
	for k := range m {
		delete(m, k)
	}
	for range m {
	}
	for _, v := range s {
		_ = v
	}
	for i := range a {
		_ = i
	}
	for i, r := range str {
		_, _ = i, r
	}
	for v := range c {
		_ = v
	}
	for i := range 10 {
		_ = i
	}
	var k int
	var v string
	for k, v = range f {
		if k == 0 {
			return
		}
	}
	_, _ = k, v
}
