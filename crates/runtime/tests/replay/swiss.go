//go:build go1.26 || (go1.24 && goexperiment.swissmap)

package main

import "unsafe"

// swissMap is internal/runtime/maps.Map.
type swissMap struct {
	used              uint64
	seed              uintptr
	dirPtr            unsafe.Pointer
	dirLen            int
	globalDepth       uint8
	globalShift       uint8
	writing           uint8
	tombstonePossible uint8 // since 1.25, padding before
	clearSeq          uint64
}

type table struct {
	used, capacity, growthLeft uint16
	localDepth                 uint8
	index                      int
	groups                     unsafe.Pointer
	lengthMask                 uint64
}

func describe(mt *maptype, o out) {
	l := layoutOf(mt)
	o.u8(1)
	o.u64(uint64(l.groupSize))
	o.u64(uint64(l.keysOff))
	o.u64(uint64(l.keyStride))
	o.u64(uint64(l.elemsOff))
	o.u64(uint64(l.elemStride))
	o.u32(l.flags)
}

type layout struct {
	groupSize, keysOff, keyStride, elemsOff, elemStride uintptr
	flags                                               uint32
}

func seedOf(p unsafe.Pointer) uint64 { return uint64((*swissMap)(p).seed) }

func overflowCount(unsafe.Pointer) (uint16, bool) { return 0, false }

func iterStart(it unsafe.Pointer) (uint64, uint64) {
	h := unsafe.Add(it, 24)
	return *(*uint64)(unsafe.Add(h, 32)), *(*uint64)(unsafe.Add(h, 40))
}

func dump(mt *maptype, p unsafe.Pointer, o out) {
	m := (*swissMap)(p)
	l := layoutOf(mt)
	o.u64(m.used)
	o.u64(uint64(m.seed))
	o.u64(uint64(m.dirLen))
	o.u8(m.globalDepth)
	o.u8(m.globalShift)
	o.u8(m.writing)
	o.u8(m.tombstonePossible)
	o.u64(m.clearSeq)
	o.flag(m.dirPtr != nil)
	if m.dirPtr == nil {
		return
	}
	if m.dirLen == 0 {
		dumpGroup(mt, l, m.dirPtr, o)
		return
	}
	dir := unsafe.Slice((**table)(m.dirPtr), m.dirLen)
	var tables []*table
	for i, t := range dir {
		if i == 0 || dir[i-1] != t {
			tables = append(tables, t)
		}
		o.u32(uint32(len(tables) - 1))
	}
	for _, t := range tables {
		o.u16(t.used)
		o.u16(t.capacity)
		o.u16(t.growthLeft)
		o.u8(t.localDepth)
		o.u64(uint64(t.index))
		o.u64(t.lengthMask)
		for i := uint64(0); i <= t.lengthMask; i++ {
			dumpGroup(mt, l, unsafe.Add(t.groups, uintptr(i)*l.groupSize), o)
		}
	}
}

func dumpGroup(mt *maptype, l layout, g unsafe.Pointer, o out) {
	buf := make([]byte, l.groupSize)
	copy(buf, unsafe.Slice((*byte)(g), l.groupSize))
	mask := func(off uintptr) {
		p := (*uint64)(unsafe.Pointer(&buf[off]))
		if *p != 0 {
			*p = 1
		}
	}
	for i := uintptr(0); i < 8; i++ {
		if l.flags&4 != 0 {
			mask(l.keysOff + i*l.keyStride)
		}
		if l.flags&8 != 0 {
			mask(l.elemsOff + i*l.elemStride)
		}
	}
	o.Write(buf)
	for i := uintptr(0); i < 8; i++ {
		if buf[i]&0x80 != 0 {
			continue
		}
		if l.flags&4 != 0 {
			o.raw(*(*unsafe.Pointer)(unsafe.Add(g, l.keysOff+i*l.keyStride)), mt.key.size)
		}
		if l.flags&8 != 0 {
			o.raw(*(*unsafe.Pointer)(unsafe.Add(g, l.elemsOff+i*l.elemStride)), mt.elem.size)
		}
	}
}
