//go:build go1.22 && (!go1.24 || (!go1.26 && !goexperiment.swissmap))

package main

import _ "unsafe"

//go:linkname roundUp runtime.roundupsize
func roundUp(size uintptr, noscan bool) uintptr
