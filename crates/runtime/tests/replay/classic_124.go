//go:build go1.24 && !go1.26 && !goexperiment.swissmap

package main

import "unsafe"

func headerEnd(p unsafe.Pointer) (uint64, *mapextra) {
	return *(*uint64)(unsafe.Add(p, 40)), *(**mapextra)(unsafe.Add(p, 48))
}
