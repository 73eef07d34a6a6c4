//go:build go1.27

package main

import "unsafe"

func layoutOf(mt *maptype) layout {
	t := (*struct {
		maptype
		groupSize, keysOff, keyStride, elemsOff, elemStride, elemOff uintptr
		flags                                                        uint32
	})(unsafe.Pointer(mt))
	return layout{t.groupSize, t.keysOff, t.keyStride, t.elemsOff, t.elemStride, t.flags}
}
