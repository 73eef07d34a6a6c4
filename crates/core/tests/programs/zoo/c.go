//go:build cgo

package main

/*
#include <unistd.h>
static int pause_in_c(void) { return sleep(1000); }
*/
import "C"

// With cgo the program has a thread that is in C when it ends.
func init() {
	go C.pause_in_c()
}
