//go:build !go1.27 && (go1.26 || (go1.24 && goexperiment.swissmap))

package main

import "unsafe"

func layoutOf(mt *maptype) layout {
	t := (*struct {
		maptype
		groupSize, slotSize, elemOff uintptr
		flags                        uint32
	})(unsafe.Pointer(mt))
	return layout{t.groupSize, 8, t.slotSize, 8 + t.elemOff, t.slotSize, t.flags}
}
