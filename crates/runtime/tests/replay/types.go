package main

import (
	"fmt"
	"math"
	"unsafe"
)

type named string

func (n named) String() string { return string(n) }

type number int64

func (n number) String() string { return fmt.Sprint(int64(n)) }

type pair struct {
	A int32
	S string
}

func (p pair) String() string { return p.S }

type small struct{ A, B int32 }
type padded struct {
	A int8
	B int64
}
type blank struct {
	F float64
	_ int32
	S string
}
type mixed struct {
	A int32
	F float32
	B int32
}
type nested struct {
	P padded
	T [3]mixed
	I any
}
type tail struct {
	A int32
	_ int32
}
type big struct {
	F [20]float64
}
type runs struct {
	A, B int32
	C    int64
	S    string
	D    [3]uint8
	E    uint8
}

type runner struct {
	name string
	run  func(*script, out)
}

func of[K comparable, V any](name string, k func(*rng) K, v func(*rng) V) runner {
	return runner{name, func(s *script, o out) { run(s, o, k, v) }}
}

func i64(r *rng) int64 {
	if r.n(4) == 0 {
		return int64(r.n(64))
	}
	return int64(r.next())
}
func intK(r *rng) int     { return int(i64(r)) }
func u64(r *rng) uint64   { return uint64(i64(r)) }
func u32(r *rng) uint32   { return uint32(i64(r)) }
func i32(r *rng) int32    { return int32(i64(r)) }
func u16(r *rng) uint16   { return uint16(r.next()) }
func u8(r *rng) uint8     { return uint8(r.next()) }
func boolean(r *rng) bool { return r.n(2) == 0 }
func empty(*rng) struct{} { return struct{}{} }
func none(*rng) [0]int    { return [0]int{} }
func str(r *rng) string {
	n := r.n(12)
	switch r.n(8) {
	case 0:
		n = r.n(300)
	case 1:
		n = 15 + r.n(60)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + r.n(26))
	}
	if n > 2 && r.n(4) == 0 {
		return string(b[:1])
	}
	return string(b)
}
func f64(r *rng) float64 {
	switch r.n(16) {
	case 0:
		return 0
	case 1:
		return negZero
	case 2:
		return math.NaN()
	case 3:
		return float64(r.n(8))
	}
	return math.Float64frombits(r.next())
}
func f32(r *rng) float32 {
	switch r.n(16) {
	case 0:
		return 0
	case 1:
		return float32(negZero)
	case 2:
		return float32(math.NaN())
	}
	return float32(r.n(1 << 20))
}
func c128(r *rng) complex128 { return complex(f64(r), f64(r)) }
func c64(r *rng) complex64   { return complex(f32(r), f32(r)) }

var targets [4096]int

func ptr(r *rng) *int {
	if r.n(64) == 0 {
		return nil
	}
	if r.n(2) == 0 {
		return &targets[r.n(4096)]
	}
	return new(int)
}
func channel(r *rng) chan int         { return make(chan int) }
func unsafePtr(r *rng) unsafe.Pointer { return unsafe.Pointer(ptr(r)) }
func pairOf(r *rng) pair              { return pair{i32(r), str(r)} }
func smallOf(r *rng) small            { return small{i32(r), i32(r)} }
func paddedOf(r *rng) (p padded)      { p.A, p.B = int8(r.n(4)), i64(r); return }
func blankOf(r *rng) (b blank)        { b.F, b.S = f64(r), str(r); return }
func mixedOf(r *rng) mixed            { return mixed{i32(r), f32(r), i32(r)} }
func tailOf(r *rng) tail              { return tail{A: i32(r)} }
func runsOf(r *rng) runs              { return runs{i32(r), i32(r), i64(r), str(r), [3]uint8{u8(r)}, u8(r)} }
func nestedOf(r *rng) nested {
	return nested{paddedOf(r), [3]mixed{mixedOf(r), mixedOf(r), mixedOf(r)}, iface(r)}
}
func strings3(r *rng) [3]string { return [3]string{str(r), str(r), str(r)} }
func floats9(r *rng) [9]float32 { return [9]float32{0: f32(r), 8: float32(r.n(3))} }
func mixed5(r *rng) [5]mixed    { return [5]mixed{0: mixedOf(r), 2: mixedOf(r), 4: mixedOf(r)} }
func ints2(r *rng) [2]int64     { return [2]int64{i64(r), i64(r)} }
func ints17(r *rng) [17]int64   { return [17]int64{0: i64(r), 16: i64(r)} }
func ints20(r *rng) [20]int64   { return [20]int64{3: i64(r), 19: i64(r)} }
func bytes128(r *rng) [128]byte { return [128]byte{0: u8(r), 127: u8(r)} }
func bytes130(r *rng) [130]byte { return [130]byte{0: u8(r), 127: u8(r), 129: u8(r)} }
func bytes3(r *rng) [3]byte     { return [3]byte{u8(r), u8(r), u8(r)} }
func bytes200(r *rng) [200]byte { return [200]byte{0: u8(r), 100: u8(r), 199: u8(r)} }
func bytes33(r *rng) [33]byte   { return [33]byte{0: u8(r), 32: u8(r)} }
func bigOf(r *rng) (b big) {
	b.F[0], b.F[19] = f64(r), float64(r.n(1000))
	return
}

func iface(r *rng) any {
	switch r.n(14) {
	case 0:
		return nil
	case 1:
		return int(i64(r))
	case 2:
		return i32(r)
	case 3:
		return u8(r)
	case 4, 5, 6:
		return str(r)
	case 7:
		return f64(r)
	case 8:
		return ptr(r)
	case 9:
		return pairOf(r)
	case 10:
		return ints2(r)
	case 11:
		return runsOf(r)
	case 12:
		return boolean(r)
	default:
		if r.n(4) == 0 {
			return []int{1}
		}
		return c128(r)
	}
}

func stringer(r *rng) fmt.Stringer {
	switch r.n(4) {
	case 0:
		return named(str(r))
	case 1:
		return number(i64(r))
	case 2:
		return pairOf(r)
	}
	return nil
}

var runners = []runner{
	of("map[int]int", intK, intK),
	of("map[uint32]uint8", u32, u8),
	of("map[int32]string", i32, str),
	of("map[string]int", str, intK),
	of("map[string]string", str, str),
	of("map[int64]struct{}", i64, empty),
	of("map[uint8]uint64", u8, u64),
	of("map[uint16]int16", u16, func(r *rng) int16 { return int16(u16(r)) }),
	of("map[float64]int", f64, intK),
	of("map[float32]float32", f32, f32),
	of("map[complex128]int", c128, intK),
	of("map[complex64]uint16", c64, u16),
	of("map[bool]string", boolean, str),
	of("map[[2]int64]int", ints2, intK),
	of("map[pair]int", pairOf, intK),
	of("map[small]int64", smallOf, i64),
	of("map[padded]int32", paddedOf, i32),
	of("map[any]int", iface, intK),
	of("map[fmt.Stringer]int", stringer, intK),
	of("map[*int]int", ptr, intK),
	of("map[chan int]bool", channel, boolean),
	of("map[unsafe.Pointer]string", unsafePtr, str),
	of("map[[17]int64]int", ints17, intK),
	of("map[int][17]int64", intK, ints17),
	of("map[[20]int64][20]int64", ints20, ints20),
	of("map[string]*int", str, ptr),
	of("map[[3]string]bool", strings3, boolean),
	of("map[blank]int", blankOf, intK),
	of("map[uint64][128]byte", u64, bytes128),
	of("map[struct{}]int", empty, intK),
	of("map[[0]int]struct{}", none, empty),
	of("map[[9]float32]int", floats9, intK),
	of("map[mixed]int", mixedOf, intK),
	of("map[[5]mixed]int", mixed5, intK),
	of("map[nested]string", nestedOf, str),
	of("map[tail]uint8", tailOf, u8),
	of("map[runs]int", runsOf, intK),
	of("map[big]*int", bigOf, ptr),
	of("map[[3]byte]uint32", bytes3, u32),
	of("map[[33]byte]int", bytes33, intK),
	of("map[[200]byte]int", bytes200, intK),
	of("map[[130]byte][128]byte", bytes130, bytes128),
	of("map[string][130]byte", str, bytes130),
	of("map[string]struct{}", str, empty),
	of("map[uint32]*int", u32, ptr),
	of("map[small]runs", smallOf, runsOf),
}
