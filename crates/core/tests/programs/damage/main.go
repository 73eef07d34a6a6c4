// Damage edits the memory of its maps, says how, and ends. Each map of the list has one fault, the
// ones without a fault are as the runtime made them.
package main

import (
	"flag"
	"unsafe"

	"example.com/cores/internal/say"
)

// Cell keeps the types of this program's maps apart from those of other packages.
type Cell uint64

var damaged []map[Cell]Cell

var intact [3]map[Cell]Cell

// fault is one edit of a map of a given size.
type fault struct {
	name string
	size int
	edit func(m unsafe.Pointer)
}

func fill(size int) map[Cell]Cell {
	m := map[Cell]Cell{}
	for i := 0; i < size; i++ {
		m[Cell(i)] = Cell(i * 3)
	}
	return m
}

func at[T any](p unsafe.Pointer, offset uintptr) *T { return (*T)(unsafe.Add(p, offset)) }

func main() {
	how := flag.String("end", "abort", "panic, abort or wait")
	one := flag.String("fault", "", "do only this one")
	flag.Parse()
	say.Hello("damage")
	var said []say.Map
	for i, size := range []int{5, 500, 5000} {
		intact[i] = fill(size)
		said = append(said, describe("intact", "main.intact", intact[i]))
	}
	for _, f := range faults {
		if *one != "" && f.name != *one {
			continue
		}
		damaged = append(damaged, fill(f.size))
	}
	say.DeepStack()
	say.Settle()
	i := 0
	for _, f := range faults {
		if *one != "" && f.name != *one {
			continue
		}
		d := describe(f.name, "main.damaged", damaged[i])
		d.Damage = f.name
		said = append(said, d)
		f.edit(*(*unsafe.Pointer)(unsafe.Pointer(&damaged[i])))
		i++
	}
	say.Line(map[string]any{"maps": said})
	say.End(*how)
}

func describe(name, path string, m map[Cell]Cell) say.Map {
	return say.Map{Name: name, Where: "global", Path: path, Type: "map[main.Cell]main.Cell", Address: say.Hex(say.Header(m)), Len: len(m)}
}
