// Leaky is a service that wastes memory on maps in each of the usual ways. Run it and look:
//
//	go run .
//	tophash heap http://127.0.0.1:6060/debug/pprof/heap --src .
//	tophash watch http://127.0.0.1:6060
//
// It makes its own load and stays below a gigabyte.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	_ "net/http/pprof"
	"os"
	"os/signal"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:6060", "where to serve net/http/pprof")
	crash := flag.Duration("crash", 0, "write to one map from two goroutines after this long")
	size := flag.Int("size", 200_000, "entries of the larger maps")
	flag.Parse()

	prices := newPriceList(*size)
	sessions := newSessions()
	jobs := newJobs()
	hits := newHits()
	report := newReport()
	tenants := newTenants()
	positions := newPositions(*size / 5)

	// Once before the first profile can be asked for, so that it shows all of it.
	jobs.burst(*size)
	tenants.connect(60_000)
	prices.rebuild()
	report.monthly(*size)

	go every(2*time.Second, prices.rebuild)
	go every(time.Millisecond, func() { sessions.login(20) })
	go every(time.Millisecond, func() { countWords(requestBody) })
	go every(10*time.Millisecond, report.daily)
	go every(30*time.Second, func() { jobs.burst(*size) })
	go every(time.Second, positions.move)
	hits.serve(32)
	if *crash > 0 {
		time.AfterFunc(*crash, func() { breakMap() })
	}

	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "sessions %d, jobs %d, tenants %d, hits %d\n",
			sessions.len(), jobs.len(), tenants.len(), hits.total())
	})
	go func() { log.Fatal(http.ListenAndServe(*addr, nil)) }()
	log.Printf("serving on http://%s", *addr)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	<-stop
}

func every(interval time.Duration, work func()) {
	for range time.Tick(interval) {
		work()
	}
}
