package p

func tags(m map[string]int, n int, err error) int {
	switch {
	case m == nil:
		return 1
	case n > 3, err != nil:
		n = 1
		fallthrough
	case n == 1:
		n = 2
	default:
		n = 3
	}
	switch m {
	case nil:
		return 2
	}
	switch len(m) {
	default:
		return 3
	case 0:
		return 4
	case 1, 2:
		break
	}
	switch n := n + 1; n {
	case 1:
		return 5
	}
	switch true {
	case m != nil:
		return 6
	}
	switch {
	}
	return 0
}

func types(x any) map[string]int {
	switch y := x.(type) {
	case nil:
		return nil
	case map[string]int:
		y["a"] = 1
		return y
	case int, string:
		_ = y
	case error:
		return map[string]int{y.Error(): 1}
	default:
		_ = y
	}
	switch x.(type) {
	case bool:
	}
	if m, ok := x.(map[string]int); ok {
		return m
	}
	return x.(map[string]int)
}
