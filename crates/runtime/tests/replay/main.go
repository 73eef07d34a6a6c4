// Command mapreplay runs scripts of map operations on real Go maps and dumps the
// raw state of those maps, for comparison with the models of tophash-runtime.
//
// It reads scripts from standard input and writes records to standard output, both
// in little-endian binary; tests/differential/protocol.rs is the other side. Pointers that the
// runtime made (to buckets, groups, tables, boxed keys and elements) are written
// as positions; everything else is written as it lies in memory.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"maps"
	"math"
	"os"
	"reflect"
	"runtime"
	"syscall"
	"unsafe"
)

const (
	opPut = iota
	opGet
	opDelete
	opClear
	opIterStart
	opIterNext
	opDump
	opClone
)

const elemVariants = 32

type op struct {
	code uint8
	a, b uint32
}

type script struct {
	typ     uint32
	hint    int64
	keys    uint32
	keySeed uint64
	ops     []op
}

type out struct{ *bufio.Writer }

func (o out) u8(v uint8)   { o.WriteByte(v) }
func (o out) u16(v uint16) { var b [2]byte; binary.LittleEndian.PutUint16(b[:], v); o.Write(b[:]) }
func (o out) u32(v uint32) { var b [4]byte; binary.LittleEndian.PutUint32(b[:], v); o.Write(b[:]) }
func (o out) u64(v uint64) { var b [8]byte; binary.LittleEndian.PutUint64(b[:], v); o.Write(b[:]) }
func (o out) str(s string) { o.u32(uint32(len(s))); o.WriteString(s) }
func (o out) raw(p unsafe.Pointer, n uintptr) {
	if n > 0 {
		o.Write(unsafe.Slice((*byte)(p), n))
	}
}
func (o out) flag(v bool) {
	if v {
		o.u8(1)
	} else {
		o.u8(0)
	}
}

type rng struct{ s uint64 }

func (r *rng) next() uint64 {
	r.s += 0x9e3779b97f4a7c15
	z := r.s
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *rng) n(n uint64) uint64 { return r.next() % n }

// maptype is the common start of abi.MapType, SwissMapType and OldMapType.
type rtype struct {
	size, ptrdata uintptr
	_             [32]byte
}

type maptype struct {
	_      [48]byte
	key    *rtype
	elem   *rtype
	bucket *rtype // group type of a Swiss map
	hasher func(unsafe.Pointer, uintptr) uintptr
}

type eface struct {
	typ  unsafe.Pointer
	data unsafe.Pointer
}

func efaceOf(v any) eface { return *(*eface)(unsafe.Pointer(&v)) }

// block is memory that a key refers to.
type block struct {
	p unsafe.Pointer
	n uintptr
}

// refs collects the memory and the dynamic types that v at p refers to.
type refs struct {
	blocks []block
	types  map[unsafe.Pointer]string
}

func (r *refs) collect(t reflect.Type, p unsafe.Pointer) {
	switch t.Kind() {
	case reflect.String:
		s := *(*string)(p)
		if len(s) > 0 {
			r.blocks = append(r.blocks, block{unsafe.Pointer(unsafe.StringData(s)), uintptr(len(s))})
		}
	case reflect.Array:
		for i := 0; i < t.Len(); i++ {
			r.collect(t.Elem(), unsafe.Add(p, uintptr(i)*t.Elem().Size()))
		}
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			r.collect(t.Field(i).Type, unsafe.Add(p, t.Field(i).Offset))
		}
	case reflect.Interface:
		words := (*eface)(p)
		if words.typ == nil {
			return
		}
		dyn := reflect.NewAt(t, p).Elem().Elem().Type()
		r.types[words.typ] = dyn.String()
		switch dyn.Kind() {
		case reflect.Pointer, reflect.Chan, reflect.Map, reflect.Func, reflect.UnsafePointer:
			return // direct
		}
		if dyn.Size() > 0 {
			r.blocks = append(r.blocks, block{words.data, dyn.Size()})
		}
		r.collect(dyn, words.data)
	}
}

// nanLog holds the hashes of keys that differ from themselves, in the order in which the
// runtime asked for them during the current operation.
var nanLog []uint64

// hookHasher replaces the hash function in the type descriptor of map[K]V by one that logs
// the hashes of keys that differ from themselves.
func hookHasher[K comparable](mt *maptype) {
	if hooked[mt] {
		return
	}
	hooked[mt] = true
	orig := mt.hasher
	hook := func(p unsafe.Pointer, seed uintptr) uintptr {
		h := orig(p, seed)
		if k := *(*K)(p); k != k {
			nanLog = append(nanLog, uint64(h))
		}
		return h
	}
	page := uintptr(unsafe.Pointer(&mt.hasher)) &^ 4095
	mem := unsafe.Slice((*byte)(unsafe.Pointer(page)), 8192)
	if err := syscall.Mprotect(mem, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		panic(err)
	}
	keep = append(keep, hook)
	mt.hasher = hook
}

var hooked = map[*maptype]bool{}
var keep []any

func irreflexive(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128, reflect.Interface:
		return true
	case reflect.Array:
		return irreflexive(t.Elem())
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			if irreflexive(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

const (
	hasSeed = 1 << iota
	hasNaN
	hasOverflow
	panicked
)

func run[K comparable, V any](s *script, o out, genKey func(*rng) K, genElem func(*rng) V) {
	r := &rng{s.keySeed}
	keys := make([]K, s.keys)
	for i := range keys {
		keys[i] = genKey(r)
	}
	elems := make([]V, elemVariants)
	for i := range elems {
		elems[i] = genElem(r)
	}
	var kt K
	keyType := reflect.TypeOf(&kt).Elem()
	keySize, elemSize := unsafe.Sizeof(kt), unsafe.Sizeof(elems[0])

	m := make(map[K]V, s.hint)
	mt := (*maptype)(efaceOf(m).typ)
	if irreflexive(keyType) {
		hookHasher[K](mt)
	}

	describe(mt, o)
	o.u64(uint64(keySize))
	o.u64(uint64(elemSize))
	mem := refs{types: map[unsafe.Pointer]string{}}
	for i := range keys {
		o.raw(unsafe.Pointer(&keys[i]), keySize)
		mem.collect(keyType, unsafe.Pointer(&keys[i]))
	}
	for i := range elems {
		o.raw(unsafe.Pointer(&elems[i]), elemSize)
	}
	o.u32(uint32(len(mem.blocks)))
	for _, b := range mem.blocks {
		o.u64(uint64(uintptr(b.p)))
		o.u32(uint32(b.n))
		o.raw(b.p, b.n)
	}
	o.u32(uint32(len(mem.types)))
	for p, name := range mem.types {
		o.u64(uint64(uintptr(p)))
		o.str(name)
	}
	seed := seedOf(efaceOf(m).data)
	o.u64(seed)

	var iters [4]*reflect.MapIter
	var live [4]bool
	var ended [4]bool
	for _, op := range s.ops {
		nanLog = nanLog[:0]
		flags := uint8(0)
		var found bool
		var got V
		func() {
			defer func() {
				if e := recover(); e != nil {
					flags |= panicked
				}
			}()
			switch op.code {
			case opPut:
				m[keys[op.a]] = elems[op.b]
			case opGet:
				got, found = m[keys[op.a]]
			case opDelete:
				delete(m, keys[op.a])
			case opClear:
				clear(m)
			case opClone:
				m = maps.Clone(m)
				iters = [4]*reflect.MapIter{} // they stay with the original
			case opIterStart:
				it := reflect.ValueOf(m).MapRange()
				iters[op.a], live[op.a], ended[op.a] = it, len(m) > 0, len(m) == 0
				if live[op.a] {
					ended[op.a] = !it.Next()
				}
			}
		}()
		hmap := efaceOf(m).data
		if now := seedOf(hmap); now != seed {
			seed = now
			flags |= hasSeed
		}
		if op.code == opClone {
			flags |= hasSeed
		}
		if len(nanLog) > 0 {
			flags |= hasNaN
		}
		noverflow, approximate := overflowCount(hmap)
		if approximate {
			flags |= hasOverflow
		}
		o.u8(flags)
		if flags&hasSeed != 0 {
			o.u64(seed)
		}
		if flags&hasNaN != 0 {
			o.u32(uint32(len(nanLog)))
			for _, h := range nanLog {
				o.u64(h)
			}
		}
		if flags&hasOverflow != 0 {
			o.u16(noverflow)
		}
		switch op.code {
		case opGet:
			o.flag(found)
			o.raw(unsafe.Pointer(&got), elemSize)
		case opIterStart:
			o.flag(live[op.a])
			if live[op.a] {
				a, b := iterStart(unsafe.Pointer(iters[op.a]))
				o.u64(a)
				o.u64(b)
				yield(o, iters[op.a], ended[op.a], keySize, elemSize)
			}
		case opIterNext:
			it := iters[op.a]
			for n := uint32(0); n < op.b && it != nil && !ended[op.a]; n++ {
				ended[op.a] = !it.Next()
				yield(o, it, ended[op.a], keySize, elemSize)
			}
		case opDump:
			var state bytes.Buffer
			b := out{bufio.NewWriter(&state)}
			dump(mt, hmap, b)
			b.Flush()
			o.str(state.String())
		}
	}
	runtime.KeepAlive(m)
	runtime.KeepAlive(keys)
}

// yield writes what an iterator stands on. reflect.MapIter is {m Value; hiter}, and both kinds of hiter
// start with the key's and the element's address.
func yield(o out, it *reflect.MapIter, ended bool, keySize, elemSize uintptr) {
	o.flag(!ended)
	if ended {
		return
	}
	at := (*[2]unsafe.Pointer)(unsafe.Add(unsafe.Pointer(it), 24))
	o.raw(at[0], keySize)
	o.raw(at[1], elemSize)
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	o := out{bufio.NewWriterSize(os.Stdout, 1<<20)}
	defer o.Flush()
	o.str(runtime.Version())
	o.flag(*useAES())
	o.raw(unsafe.Pointer(aesKeys()), 128)
	o.raw(unsafe.Pointer(hashKeys()), 32)
	o.u32(uint32(len(runners)))
	for _, r := range runners {
		o.str(r.name)
	}
	o.Flush()
	for {
		var head [28]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		s := script{
			typ:     binary.LittleEndian.Uint32(head[:]),
			hint:    int64(binary.LittleEndian.Uint64(head[4:])),
			keys:    binary.LittleEndian.Uint32(head[12:]),
			keySeed: binary.LittleEndian.Uint64(head[16:]),
			ops:     make([]op, binary.LittleEndian.Uint32(head[24:])),
		}
		for i := range s.ops {
			var b [9]byte
			if _, err := io.ReadFull(in, b[:]); err != nil {
				return
			}
			s.ops[i] = op{b[0], binary.LittleEndian.Uint32(b[1:]), binary.LittleEndian.Uint32(b[5:])}
		}
		runners[s.typ].run(&s, o)
		if in.Buffered() == 0 {
			o.Flush()
		}
	}
}

var negZero = math.Copysign(0, -1)
