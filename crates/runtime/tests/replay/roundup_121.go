//go:build !go1.22

package main

import _ "unsafe"

//go:linkname roundupsize runtime.roundupsize
func roundupsize(size uintptr) uintptr

func roundUp(size uintptr, noscan bool) uintptr { return roundupsize(size) }
