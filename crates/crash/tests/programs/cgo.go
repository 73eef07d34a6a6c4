//go:build cgo

package main

/*
static void crash(void) { *(volatile int *)8 = 1; }
extern void fromC(void);
static void call(void) { fromC(); }
*/
import "C"

//export fromC
func fromC() { (&registry{}).add("from C") }

func init() {
	cases["cgo-nil-callback"] = func() { C.call() }
	cases["cgo-segv"] = func() { C.crash() }
}
