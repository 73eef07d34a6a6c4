//go:build !go1.24

package main

import "unsafe"

func headerEnd(p unsafe.Pointer) (uint64, *mapextra) {
	return 0, *(**mapextra)(unsafe.Add(p, 40))
}
