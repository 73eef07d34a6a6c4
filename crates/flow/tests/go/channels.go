package p

func channels(c chan map[string]int, d chan<- int, done <-chan struct{}) {
	m := <-c
	m, ok := <-c
	_ = ok
	d <- len(m)
	<-done
	select {
	case m = <-c:
		m["a"] = 1
	case d <- f():
	case v, ok := <-c:
		_, _ = v, ok
		break
	case <-done:
		return
	default:
	}
	go work(m, f())
	close(c)
}

func f() int
func work(map[string]int, int)
