package p

func labels(m map[int]int) {
outer:
	for i := range 3 {
		for {
			switch i {
			case 0:
				continue outer
			case 1:
				break outer
			case 2:
				break
			}
			m[i] = 1
		}
	}
}

func gotos(n int) int {
	if n == 0 {
		goto end
	}
again:
	n--
	if n > 0 {
		goto again
	}
end:
	return n
}

func dead(m map[int]int) {
	return
	m[1] = 2
}

func forever() {
	for {
	}
}

func blocked() {
	select {}
}
