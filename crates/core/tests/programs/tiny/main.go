// Tiny imports nothing, so that its binary and its core are small: they are damaged in tests.
package main

type point struct{ x, y int32 }

var (
	numbers = map[uint64]uint64{}
	names   = map[string]*point{}
	points  = map[point]string{}
	anys    = map[any]int{}
	nested  = []map[string]map[int]bool{}
)

//go:noinline
func wait(m map[int]string, never chan int) {
	<-never
	println(len(m))
}

func main() {
	for i := uint64(0); i < 2000; i++ {
		numbers[i] = i * i
	}
	for i := int32(0); i < 20; i++ {
		name := string(rune('a' + i))
		names[name] = &point{i, -i}
		points[point{i, i}] = name
		anys[i], anys[name] = 1, 2
		nested = append(nested, map[string]map[int]bool{name: {1: true}})
	}
	go wait(map[int]string{1: "one"}, make(chan int))
	onStack := make(map[int32]int32)
	for i := int32(0); i < 6; i++ {
		onStack[i] = i
	}
	for range nested {
		<-after()
	}
	println(len(onStack))
	panic("the end of the program")
}

// after lets other goroutines run.
func after() chan int {
	c := make(chan int)
	go func() { c <- 1 }()
	return c
}
