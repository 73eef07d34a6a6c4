package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

type user struct {
	pad  [16]int64
	name string
	tags map[string]string
}

func (u *user) hello() string { return "hello " + u.name }

//go:noinline
func nameOf(users map[string]*user, k string) string { return users[k].name }

//go:noinline
func greet(users map[string]*user, k string) string {
	u := users[k]
	return u.hello()
}

//go:noinline
func tag(users map[int]*user, id int) { users[id].tags["a"] = "b" }

//go:noinline
func plainNil(u *user) string { return u.name }

//go:noinline
func assignAny(m map[any]int, k any) { m[k] = 1 }

//go:noinline
func readAnyKey(m map[any]int, k any) int { return m[k] }

//go:noinline
func deleteAny(m map[any]int, k any) { delete(m, k) }

type wide struct {
	id  int
	val any
}

//go:noinline
func assignWide(m map[wide]int, v any) { m[wide{1, v}] = 1 }

//go:noinline
func fill(m map[int][12]int64) {
	for i := 0; ; i++ {
		m[i] = [12]int64{int64(i)}
	}
}

//go:noinline
func hoard() (all [][]byte) {
	for {
		all = append(all, make([]byte, 64<<20))
		for i := range all[len(all)-1] {
			all[len(all)-1][i] = 1
		}
	}
}

//go:noinline
func third(s []int) int { return s[3] }

type failure struct{ code int }

func (f failure) Error() string { return fmt.Sprintf("failed with %d\nin two lines", f.code) }

func init() {
	cases["elem-field"] = func() { nameOf(map[string]*user{}, "nobody") }
	cases["elem-method"] = func() { greet(map[string]*user{"x": {}}, "nobody") }
	cases["elem-inner-map"] = func() { tag(map[int]*user{}, 7) }
	cases["other-nil"] = func() { plainNil(nil) }
	cases["key-assign"] = func() { assignAny(map[any]int{1: 1}, []int{1}) }
	cases["key-read"] = func() { readAnyKey(map[any]int{1: 1}, func() {}) }
	cases["key-delete"] = func() { deleteAny(map[any]int{1: 1}, map[string]int{}) }
	cases["key-read-empty"] = func() { readAnyKey(map[any]int{}, []byte("x")) }
	cases["key-in-struct"] = func() { assignWide(map[wide]int{}, []string{"x"}) }
	cases["oom-map"] = func() { fill(map[int][12]int64{}) }
	cases["oom-other"] = func() { fmt.Println(len(hoard())) }
	cases["other-index"] = func() { third([]int{1}) }
	cases["other-error"] = func() { panic(failure{7}) }
	cases["other-string"] = func() { panic("concurrency level too high: no map here") }
	cases["other-wrapped"] = func() { panic(errors.Join(errors.New("a"), errors.New("b"))) }
	cases["other-deadlock"] = func() { <-make(chan int) }
	cases["other-mutex"] = func() { new(sync.Mutex).Unlock() }
	cases["other-close"] = func() { c := make(chan int); close(c); close(c) }
	cases["other-sigquit"] = func() {
		syscall.Kill(os.Getpid(), syscall.SIGQUIT)
		time.Sleep(3 * time.Second)
	}
	cases["race-int"] = func() {
		n := 0
		go func() { n = 1 }()
		time.Sleep(50 * time.Millisecond)
		fmt.Fprintln(os.Stderr, "n is", n)
	}
}
