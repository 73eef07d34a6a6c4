//go:build go1.26 || (go1.24 && goexperiment.swissmap)

package main

import "unsafe"

// The layout is that of internal/runtime/maps: Map, table, and groups of a control word and eight
// slots of 16 bytes.

const groupSize = 8 + 8*16

// table gives the i-th table of a map's directory.
func table(m unsafe.Pointer, i uintptr) unsafe.Pointer {
	return *at[unsafe.Pointer](*at[unsafe.Pointer](m, 16), i*8)
}

// groups gives the first group of a table, and how many there are.
func groups(t unsafe.Pointer) (unsafe.Pointer, uintptr) {
	return *at[unsafe.Pointer](t, 16), *at[uintptr](t, 24) + 1
}

// full finds a full slot of a table, or of a small map's one group.
func full(first unsafe.Pointer, number uintptr) (group unsafe.Pointer, slot uintptr) {
	for i := uintptr(0); i < number*8; i++ {
		group, slot = unsafe.Add(first, i/8*groupSize), i%8
		if *at[uint8](group, slot)&0x80 == 0 {
			return group, slot
		}
	}
	panic("no full slot")
}

func smallGroup(m unsafe.Pointer) (unsafe.Pointer, uintptr) {
	return full(*at[unsafe.Pointer](m, 16), 1)
}

func tableGroup(m unsafe.Pointer) (unsafe.Pointer, uintptr) { return full(groups(table(m, 0))) }

var faults = []fault{
	{"control byte, small", 6, func(m unsafe.Pointer) {
		group, slot := smallGroup(m)
		*at[uint8](group, slot) ^= 0x15
	}},
	{"control byte", 3000, func(m unsafe.Pointer) {
		group, slot := tableGroup(m)
		*at[uint8](group, slot) ^= 0x15
	}},
	{"key, small", 6, func(m unsafe.Pointer) {
		// One key alone might keep the byte of its hash.
		group, _ := smallGroup(m)
		for slot := uintptr(0); slot < 6; slot++ {
			*at[uint64](group, 8+slot*16) += 1000000
		}
	}},
	{"key", 3000, func(m unsafe.Pointer) {
		group, slot := tableGroup(m)
		*at[uint64](group, 8+slot*16) += 1000000
	}},
	{"lost entry, small", 6, func(m unsafe.Pointer) {
		group, slot := smallGroup(m)
		*at[uint8](group, slot) = 0x80
	}},
	{"lost entry", 3000, func(m unsafe.Pointer) {
		group, slot := tableGroup(m)
		*at[uint8](group, slot) = 0xfe
	}},
	{"count", 3000, func(m unsafe.Pointer) { *at[uint64](m, 0) += 2 }},
	{"count, small", 6, func(m unsafe.Pointer) { *at[uint64](m, 0)-- }},
	{"absurd count", 3000, func(m unsafe.Pointer) { *at[uint64](m, 0) = 1 << 60 }},
	{"table count", 3000, func(m unsafe.Pointer) { *at[uint16](table(m, 0), 0)++ }},
	{"growth left", 3000, func(m unsafe.Pointer) { *at[uint16](table(m, 0), 4) += 100 }},
	{"table's index", 5000, func(m unsafe.Pointer) { *at[int64](table(m, 0), 8) = 3 }},
	{"tables swapped", 5000, func(m unsafe.Pointer) {
		first, last := at[unsafe.Pointer](*at[unsafe.Pointer](m, 16), 0), at[unsafe.Pointer](*at[unsafe.Pointer](m, 16), (*at[uintptr](m, 24)-1)*8)
		*first, *last = *last, *first
	}},
	{"no directory", 5000, func(m unsafe.Pointer) { *at[uintptr](m, 16) = 0 }},
	{"absurd directory", 5000, func(m unsafe.Pointer) { *at[uintptr](m, 24) = 1 << 50 }},
	{"directory of nowhere", 5000, func(m unsafe.Pointer) { *at[uintptr](m, 16) = 0xdead0000 }},
	{"absurd mask", 3000, func(m unsafe.Pointer) { *at[uintptr](table(m, 0), 24) = 1<<45 - 1 }},
	{"twice in a group", 3000, func(m unsafe.Pointer) {
		first, number := groups(table(m, 0))
		for i := uintptr(0); i < number; i++ {
			group := unsafe.Add(first, i*groupSize)
			// Slots are filled from the first one on.
			if *at[uint8](group, 0)&0x80 == 0 && *at[uint8](group, 7) == 0x80 {
				*at[uint8](group, 7) = *at[uint8](group, 0)
				*at[[16]byte](group, 8+7*16) = *at[[16]byte](group, 8)
				return
			}
		}
		panic("no group with an empty slot")
	}},
	{"writing", 3000, func(m unsafe.Pointer) { *at[uint8](m, 34) = 1 }},
}
