// Writes heap profiles of many stacks: `many DIR STACKS`. Leaves DIR/packed (heap) and DIR/text
// (heap?debug=1, of a thirtieth of the stacks, as it takes so much more room).
//
// A stack's decimal digits say which function is called at each level, so that no two are alike.
// At the bottom of each a map is made and filled, and one in eight is kept.
package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
)

// calls is how many digits a stack has.
const calls = 24

type handler func(n, depth int)

var kept []map[int]int

func main() {
	// Every allocation is recorded; what prepares is not.
	runtime.MemProfileRate = 0
	dir := os.Args[1]
	stacks, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	kept = make([]map[int]int, 0, stacks)
	runtime.MemProfileRate = 1
	for n := range stacks / 30 {
		call(n, calls)
	}
	write(filepath.Join(dir, "text"), 1)
	for n := stacks / 30; n < stacks; n++ {
		call(n, calls)
	}
	write(filepath.Join(dir, "packed"), 0)
	fmt.Println(runtime.Version(), len(kept))
}

func write(path string, debug int) {
	runtime.GC()
	runtime.GC()
	file, err := os.Create(path)
	out := bufio.NewWriter(file)
	if err == nil {
		err = pprof.Lookup("heap").WriteTo(out, debug)
	}
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		panic(err)
	}
}

// call takes the lowest digit away and goes on with the function that it names.
//
//go:noinline
func call(n, depth int) {
	if depth == 0 {
		fill()
		return
	}
	steps[n%10](n/10, depth-1)
}

var steps [10]handler

func init() {
	steps = [10]handler{parse, route, authorise, load, decode, check, merge, render, encode, send}
}

//go:noinline
func parse(n, depth int) { call(n, depth) }

//go:noinline
func route(n, depth int) { call(n, depth) }

//go:noinline
func authorise(n, depth int) { call(n, depth) }

//go:noinline
func load(n, depth int) { call(n, depth) }

//go:noinline
func decode(n, depth int) { call(n, depth) }

//go:noinline
func check(n, depth int) { call(n, depth) }

//go:noinline
func merge(n, depth int) { call(n, depth) }

//go:noinline
func render(n, depth int) { call(n, depth) }

//go:noinline
func encode(n, depth int) { call(n, depth) }

//go:noinline
func send(n, depth int) { call(n, depth) }

var made int

//go:noinline
func fill() {
	m := make(map[int]int)
	for i := range 100 {
		m[i] = i
	}
	made++
	if made%8 == 0 {
		kept = append(kept, m)
	}
}
