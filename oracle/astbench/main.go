// Astbench measures go/parser, comments kept, on a list of files.
//
//	astbench [-rounds N] < list
//
// All files are read first. A round parses each of them once on one thread and
// drops the tree; the time is the CPU time of the whole process, so the garbage
// collector's share is in it. Prints the fastest round as one line with columns
// parted by a tab, in the form that `tophash debug parse-bench` prints too:
//
//	NAME	FILES	BYTES	CPU_SECONDS	MB_PER_CPU_SECOND
//
// One MB is 1,000,000 bytes.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"log"
	"os"
	"runtime"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("astbench: ")
	rounds := flag.Int("rounds", 3, "number of rounds; the fastest counts")
	flag.Parse()
	runtime.GOMAXPROCS(1)

	var files [][]byte
	total := 0
	names := bufio.NewScanner(os.Stdin)
	for names.Scan() {
		src, err := os.ReadFile(names.Text())
		if err != nil {
			log.Fatal(err)
		}
		files = append(files, src)
		total += len(src)
	}
	if err := names.Err(); err != nil {
		log.Fatal(err)
	}

	var best time.Duration
	for i := 0; i < *rounds; i++ {
		runtime.GC()
		start := cpu()
		for _, src := range files {
			// Rejected files count too: the other parser reads them as well.
			parser.ParseFile(token.NewFileSet(), "", src, parser.ParseComments|parser.SkipObjectResolution)
		}
		if took := cpu() - start; i == 0 || took < best {
			best = took
		}
	}
	fmt.Printf("go/parser\t%d\t%d\t%.3f\t%.1f\n", len(files), total, best.Seconds(), float64(total)/1e6/best.Seconds())
}

// cpu gives the user and system time that the process has taken so far.
func cpu() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		log.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
