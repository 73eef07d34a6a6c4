// Makes maps of several types and writes its heap profile in both forms, with the names that
// /debug/pprof/symbol would give.
package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strconv"
)

type big struct{ words [25]uint64 }

type middle struct{ words [12]uint64 }

var keep []any

//go:noinline
func ints(n int) {
	m := make(map[int]int)
	for i := 0; i < n; i++ {
		m[i] = i
	}
	keep = append(keep, m)
}

//go:noinline
func strings(n int) {
	m := make(map[string]string)
	for i := 0; i < n; i++ {
		m[name(i)] = "x"
	}
	keep = append(keep, m)
}

//go:noinline
func bigs(n int) {
	m := make(map[string]big)
	for i := 0; i < n; i++ {
		m[name(i)] = big{}
	}
	keep = append(keep, m)
}

//go:noinline
func middles(n int) {
	m := make(map[uint32]middle)
	for i := 0; i < n; i++ {
		m[uint32(i)] = middle{}
	}
	keep = append(keep, m)
}

//go:noinline
func sets(n int) {
	m := make(map[[16]byte]struct{})
	for i := 0; i < n; i++ {
		var key [16]byte
		copy(key[:], strconv.Itoa(i))
		m[key] = struct{}{}
	}
	keep = append(keep, m)
}

//go:noinline
func pointers(n int) {
	m := make(map[int32]*big)
	for i := 0; i < n; i++ {
		m[int32(i)] = nil
	}
	keep = append(keep, m)
}

//go:noinline
func hinted(n int) {
	m := make(map[int]int, n)
	for i := 0; i < n; i++ {
		m[i] = i
	}
	keep = append(keep, m)
}

//go:noinline
func small(n int) {
	for i := 0; i < n; i++ {
		m := make(map[string]int)
		m["x"] = i
		keep = append(keep, m)
	}
}

//go:noinline
func slices(n int) {
	var s []int
	for i := 0; i < n; i++ {
		s = append(s, i)
	}
	var b bytes.Buffer
	for i := 0; i < n; i++ {
		b.WriteString("text")
	}
	keep = append(keep, s, b)
}

func name(i int) string { return "key " + strconv.Itoa(i) }

func main() {
	runtime.MemProfileRate = 1
	if len(os.Args) > 2 {
		runtime.MemProfileRate, _ = strconv.Atoi(os.Args[2])
	}
	keep = make([]any, 0, 2000)
	ints(200_000)
	strings(50_000)
	bigs(5_000)
	middles(3_000)
	sets(20_000)
	pointers(10_000)
	hinted(100_000)
	small(1_000)
	slices(50_000)
	runtime.GC()
	var packed, text, names bytes.Buffer
	pprof.Lookup("heap").WriteTo(&packed, 0)
	pprof.Lookup("heap").WriteTo(&text, 1)
	seen := map[string]bool{}
	for _, word := range regexp.MustCompile(`0x[0-9a-f]+`).FindAllString(text.String(), -1) {
		pc, _ := strconv.ParseUint(word, 0, 64)
		if f := runtime.FuncForPC(uintptr(pc - 1)); f != nil && !seen[word] {
			seen[word] = true
			fmt.Fprintf(&names, "%#x %s\n", pc-1, f.Name())
		}
	}
	dir := os.Args[1]
	os.WriteFile(dir+"/packed", packed.Bytes(), 0o644)
	os.WriteFile(dir+"/text", text.Bytes(), 0o644)
	os.WriteFile(dir+"/names", append([]byte("num_symbols: 1\n"), names.Bytes()...), 0o644)
	fmt.Println(runtime.Version(), len(keep))
}
