// Programs that fail, one by name: crashes NAME. What each does is in facts.txt.
package main

import (
	"fmt"
	"os"
	"sort"
	"time"
)

var cases = map[string]func(){}

func main() {
	if len(os.Args) == 2 && cases[os.Args[1]] != nil {
		cases[os.Args[1]]()
		// Races that were not noticed in time: the recorder tries again.
		os.Exit(0)
	}
	var names []string
	for name := range cases {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Println(name)
	}
}

// together runs all functions at once, each for ever.
func together(fs ...func()) {
	for _, f := range fs {
		go forever(f)
	}
	time.Sleep(3 * time.Second)
}

func forever(f func()) {
	for {
		f()
	}
}
