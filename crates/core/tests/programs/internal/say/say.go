// Package say writes what a program knows of its own maps to standard output, one JSON object a
// line, for the tests that read the program's core afterwards.
package say

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// Map describes one map as the program sees it.
type Map struct {
	// Name is how the program calls the map.
	Name string `json:"name"`
	// Where says what kind of memory refers to it: global, heap, stack.
	Where string `json:"where"`
	// Path leads to it from a root, in Go's syntax. Empty where no name leads to it.
	Path string `json:"path,omitempty"`
	Type string `json:"type"`
	// Address is that of the map's header; 0x0 for a nil map.
	Address string `json:"address"`
	Len     int    `json:"len"`
	// Entries are all of the map's entries, as pairs; absent when there are more than 64.
	Entries [][2]any `json:"entries,omitempty"`
	// Sample are some of the entries of a larger map.
	Sample [][2]any `json:"sample,omitempty"`
	// Growing is whether a classic map has old buckets.
	Growing bool `json:"growing,omitempty"`
	// Damage says what was done to it.
	Damage string `json:"damage,omitempty"`
}

// Hex writes an address.
func Hex(p uintptr) string { return "0x" + strconv.FormatUint(uint64(p), 16) }

// Header gives the address of a map's header.
func Header[K comparable, V any](m map[K]V) uintptr {
	return uintptr(*(*unsafe.Pointer)(unsafe.Pointer(&m)))
}

// Describe reads a map by reflection.
func Describe(name, where, path string, m any) Map {
	v := reflect.ValueOf(m)
	d := Map{Name: name, Where: where, Path: path, Type: v.Type().String(), Address: Hex(v.Pointer()), Len: v.Len()}
	d.Growing = !Swiss && v.Pointer() != 0 && field(v.UnsafePointer(), 24) != 0
	for it := v.MapRange(); it.Next(); {
		pair := [2]any{Value(it.Key()), Value(it.Value())}
		if v.Len() <= 64 {
			d.Entries = append(d.Entries, pair)
		} else if d.Sample = append(d.Sample, pair); len(d.Sample) == 5 {
			break
		}
	}
	return d
}

func field(p unsafe.Pointer, offset uintptr) uintptr { return *(*uintptr)(unsafe.Add(p, offset)) }

// Value turns a Go value into one that JSON can hold: what JSON lacks becomes a string.
func Value(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Slice, reflect.Interface:
		if v.IsNil() {
			return nil
		}
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return v.Uint()
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Sprint(f)
		}
		return v.Float()
	case reflect.Complex64, reflect.Complex128:
		return fmt.Sprint(v.Complex())
	case reflect.String:
		return v.String()
	case reflect.Array, reflect.Slice:
		all := []any{}
		for i := 0; i < v.Len(); i++ {
			all = append(all, Value(v.Index(i)))
		}
		return all
	case reflect.Struct:
		fields := map[string]any{}
		for i := 0; i < v.NumField(); i++ {
			fields[v.Type().Field(i).Name] = Value(v.Field(i))
		}
		return fields
	case reflect.Interface:
		return map[string]any{"type": v.Elem().Type().String(), "value": Value(v.Elem())}
	case reflect.Func:
		// Not Pointer: that is the address of the code.
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		return Hex(*(*uintptr)(p.UnsafePointer()))
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.UnsafePointer:
		return Hex(v.Pointer())
	}
	panic("no kind of value: " + v.Kind().String())
}

// Line writes one object.
func Line(v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(append(text, '\n'))
}

// Hello is the first line of every program.
func Hello(program string) {
	Line(map[string]any{"program": program, "version": runtime.Version(), "arch": runtime.GOARCH, "pid": os.Getpid(), "swiss": Swiss})
}

// Goroutine gives the caller's id, which Go tells only in the text of a stack.
func Goroutine() int {
	var text [64]byte
	words := bytes.Fields(text[:runtime.Stack(text[:], false)])
	id, err := strconv.Atoi(string(words[1]))
	if err != nil {
		panic(err)
	}
	return id
}

// Settle collects all garbage, so that what is left in the heap is in use, and then keeps the
// collector from running again: stacks no longer shrink, and nothing looks at damaged memory.
func Settle() {
	runtime.GC()
	runtime.GC()
	debug.SetGCPercent(-1)
}

// DeepStack makes the caller's stack large, so that it won't move any more.
func DeepStack() { deepen(64) }

//go:noinline
func deepen(n int) byte {
	var room [8192]byte
	room[n] = byte(n)
	if n > 0 {
		room[n] += deepen(n - 1)
	}
	return room[n]
}

// End ends the program in the given way.
func End(how string) {
	switch how {
	case "panic":
		panic("the end of the program")
	case "nil":
		var m map[string]int
		m["x"] = 1
	case "abort":
		syscall.Kill(os.Getpid(), syscall.SIGABRT)
		// An empty select would be found to be a deadlock at the same time.
		time.Sleep(time.Hour)
	case "wait":
		// Standard input is closed when the test is done with the process.
		os.Stdin.Read(make([]byte, 1))
	default:
		panic("no such end: " + how)
	}
}
