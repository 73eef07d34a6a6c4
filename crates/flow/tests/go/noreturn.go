package p

import (
	"log"
	"os"
	"testing"
)

func die() {
	os.Exit(1)
}

func fatal(m map[string]int, l *log.Logger) {
	if m == nil {
		log.Fatalf("nil")
	}
	if len(m) == 0 {
		l.Fatal("empty")
	}
	m["a"] = 1
}

func test(t *testing.T, tb testing.TB, m map[string]int) {
	check := func(err error) {
		t.Helper()
		t.Fatal(err)
	}
	if m == nil {
		check(nil)
	}
	if len(m) == 1 {
		tb.FailNow()
	}
	defer close(make(chan int))
	if len(m) == 2 {
		func() { panic("no") }()
	}
	m["a"] = 1
}
-- log/log.go --
package log

type Logger struct{}

func (*Logger) Fatal(v ...any)
-- os/os.go --
package os

func Exit(code int)
-- testing/testing.go --
package testing

type common struct{}

func (*common) Helper()
func (*common) Fatal(args ...any)

type T struct{ common }

type TB interface{ FailNow() }
