//go:build !go1.24 || (!go1.26 && !goexperiment.swissmap)

package main

import "unsafe"

// The layout is that of runtime/map.go: hmap, and buckets of eight tophash bytes, eight keys, eight
// elements and a pointer to the next bucket.

const bucketSize = 8 + 8*16 + 8

func bucket(m unsafe.Pointer, i uintptr) unsafe.Pointer {
	return unsafe.Add(*at[unsafe.Pointer](m, 16), i*bucketSize)
}

// full finds a full slot.
func full(m unsafe.Pointer) (b unsafe.Pointer, slot uintptr) {
	for i := uintptr(0); ; i++ {
		for b, slot = bucket(m, i), 0; slot < 8; slot++ {
			if *at[uint8](b, slot) >= 5 {
				return b, slot
			}
		}
	}
}

// chained finds a bucket of the array that has another one behind it.
func chained(m unsafe.Pointer) unsafe.Pointer {
	for i := uintptr(0); i < 1<<*at[uint8](m, 9); i++ {
		if b := bucket(m, i); *at[uintptr](b, bucketSize-8) != 0 {
			return b
		}
	}
	panic("no chain")
}

// another changes the byte of a hash into one of another hash: those below five have meanings.
func another(tophash *uint8) {
	if *tophash++; *tophash == 0 {
		*tophash = 5
	}
}

var faults = []fault{
	{"tophash, small", 6, func(m unsafe.Pointer) {
		b, slot := full(m)
		another(at[uint8](b, slot))
	}},
	{"tophash", 3000, func(m unsafe.Pointer) {
		b, slot := full(m)
		another(at[uint8](b, slot))
	}},
	{"key, small", 6, func(m unsafe.Pointer) {
		// One key alone might keep the byte of its hash.
		for slot := uintptr(0); slot < 6; slot++ {
			*at[uint64](bucket(m, 0), 8+slot*8) += 1000000
		}
	}},
	{"key", 3000, func(m unsafe.Pointer) {
		b, slot := full(m)
		*at[uint64](b, 8+slot*8) += 1000000
	}},
	{"lost entry, small", 6, func(m unsafe.Pointer) {
		b, slot := full(m)
		*at[uint8](b, slot) = 1
	}},
	{"lost entry", 3000, func(m unsafe.Pointer) {
		b, slot := full(m)
		*at[uint8](b, slot) = 1
	}},
	{"count", 3000, func(m unsafe.Pointer) { *at[uint64](m, 0) += 2 }},
	{"count, small", 6, func(m unsafe.Pointer) { *at[uint64](m, 0)-- }},
	{"absurd count", 3000, func(m unsafe.Pointer) { *at[uint64](m, 0) = 1 << 60 }},
	{"absurd B", 3000, func(m unsafe.Pointer) { *at[uint8](m, 9) = 60 }},
	{"no buckets", 3000, func(m unsafe.Pointer) { *at[uintptr](m, 16) = 0 }},
	{"buckets of nowhere", 3000, func(m unsafe.Pointer) { *at[uintptr](m, 16) = 0xdead0000 }},
	{"chain of nowhere", 3000, func(m unsafe.Pointer) { *at[uintptr](chained(m), bucketSize-8) = 0xdead0000 }},
	{"cyclic chain", 3000, func(m unsafe.Pointer) {
		b := chained(m)
		*at[unsafe.Pointer](b, bucketSize-8) = b
	}},
	{"lost chain", 3000, func(m unsafe.Pointer) { *at[uintptr](chained(m), bucketSize-8) = 0 }},
	{"evacuated", 3000, func(m unsafe.Pointer) {
		b, _ := full(m)
		*at[uint8](b, 0) = 2
	}},
	{"old buckets of nowhere", 3000, func(m unsafe.Pointer) { *at[uintptr](m, 24) = 0xdead0000 }},
	{"tombstone after the rest", 6, func(m unsafe.Pointer) { *at[uint8](bucket(m, 0), 0) = 0 }},
	{"writing", 3000, func(m unsafe.Pointer) { *at[uint8](m, 8) |= 4 }},
}
