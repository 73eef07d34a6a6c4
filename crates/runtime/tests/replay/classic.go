//go:build !go1.24 || (!go1.26 && !goexperiment.swissmap)

package main

import "unsafe"

// hmap is runtime.hmap; in 1.24 and 1.25 clearSeq lies before extra.
type hmap struct {
	count      int
	flags      uint8
	B          uint8
	noverflow  uint16
	hash0      uint32
	buckets    unsafe.Pointer
	oldbuckets unsafe.Pointer
	nevacuate  uintptr
}

type mapextra struct {
	overflow     *[]unsafe.Pointer
	oldoverflow  *[]unsafe.Pointer
	nextOverflow unsafe.Pointer
}

type classicType struct {
	maptype
	keySize    uint8
	elemSize   uint8
	bucketSize uint16
	flags      uint32
}

func describe(mt *maptype, o out) {
	t := (*classicType)(unsafe.Pointer(mt))
	o.u8(0)
	o.u64(uint64(t.keySize))
	o.u64(uint64(t.elemSize))
	o.u64(uint64(t.bucketSize))
	o.u64(uint64(t.bucket.ptrdata))
	o.u32(t.flags)
}

func seedOf(p unsafe.Pointer) uint64 { return uint64((*hmap)(p).hash0) }

func overflowCount(p unsafe.Pointer) (uint16, bool) {
	h := (*hmap)(p)
	return h.noverflow, h.B >= 16
}

// iterStart rebuilds the random value that the iterator was started with.
func iterStart(it unsafe.Pointer) (uint64, uint64) {
	h := unsafe.Add(it, 24)
	start := *(*uint64)(unsafe.Add(h, 64))
	offset := *(*uint8)(unsafe.Add(h, 72))
	b := *(*uint8)(unsafe.Add(h, 74))
	return start | uint64(offset)<<b, 0
}

func dump(mt *maptype, p unsafe.Pointer, o out) {
	t := (*classicType)(unsafe.Pointer(mt))
	h := (*hmap)(p)
	o.u64(uint64(h.count))
	o.u8(h.flags)
	o.u8(h.B)
	o.u16(h.noverflow)
	o.u32(h.hash0)
	o.u64(uint64(h.nevacuate))
	clearSeq, extra := headerEnd(p)
	o.u64(clearSeq)
	o.flag(h.buckets != nil)
	o.flag(h.oldbuckets != nil)
	o.flag(extra != nil)
	if extra != nil {
		for _, list := range []*[]unsafe.Pointer{extra.overflow, extra.oldoverflow} {
			if list == nil {
				o.u64(^uint64(0))
			} else {
				o.u64(uint64(len(*list)))
			}
		}
		if extra.nextOverflow == nil {
			o.u64(^uint64(0))
		} else {
			o.u64(uint64(uintptr(extra.nextOverflow)-uintptr(h.buckets)) / uint64(t.bucketSize))
		}
	}
	if h.buckets != nil {
		t.dumpArray(h.buckets, h.B, o)
	}
	if h.oldbuckets != nil {
		b := h.B
		if h.flags&8 == 0 {
			b--
		}
		t.dumpArray(h.oldbuckets, b, o)
	}
}

func (t *classicType) dumpArray(p unsafe.Pointer, b uint8, o out) {
	base := uintptr(1) << b
	total := base
	if b >= 4 {
		total += 1 << (b - 4)
		size := total * uintptr(t.bucketSize)
		if up := roundUp(size, t.bucket.ptrdata == 0); up != size {
			total = up / uintptr(t.bucketSize)
		}
	}
	o.u64(uint64(base))
	o.u64(uint64(total))
	for i := uintptr(0); i < total; i++ {
		t.dumpBucket(unsafe.Add(p, i*uintptr(t.bucketSize)), p, total, o)
	}
}

func (t *classicType) dumpBucket(b, array unsafe.Pointer, total uintptr, o out) {
	o.raw(b, 8)
	keys, elems := unsafe.Add(b, 8), unsafe.Add(b, 8+8*uintptr(t.keySize))
	dumpSlots(keys, uintptr(t.keySize), t.flags&1 != 0, o)
	dumpSlots(elems, uintptr(t.elemSize), t.flags&2 != 0, o)
	next := *(*unsafe.Pointer)(unsafe.Add(b, uintptr(t.bucketSize)-8))
	heap := false
	switch off := uintptr(next) - uintptr(array); {
	case next == nil:
		o.u64(0)
	case off < total*uintptr(t.bucketSize):
		o.u64(1 + uint64(off)/uint64(t.bucketSize))
	default:
		heap = true
		o.u64(^uint64(0))
	}
	for i := uintptr(0); i < 8; i++ {
		if *(*uint8)(unsafe.Add(b, i)) < 5 {
			continue
		}
		if t.flags&1 != 0 {
			o.raw(*(*unsafe.Pointer)(unsafe.Add(keys, 8*i)), t.key.size)
		}
		if t.flags&2 != 0 {
			o.raw(*(*unsafe.Pointer)(unsafe.Add(elems, 8*i)), t.elem.size)
		}
	}
	if heap {
		t.dumpBucket(next, array, total, o)
	}
}

func dumpSlots(p unsafe.Pointer, size uintptr, indirect bool, o out) {
	if !indirect {
		o.raw(p, 8*size)
		return
	}
	for i := uintptr(0); i < 8; i++ {
		if *(*unsafe.Pointer)(unsafe.Add(p, 8*i)) == nil {
			o.u64(0)
		} else {
			o.u64(1)
		}
	}
}
