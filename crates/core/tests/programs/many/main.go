// Many keeps many small maps and one that is very large, for measuring.
package main

import (
	"flag"
	"strconv"

	"example.com/cores/internal/say"
)

type (
	labels  map[string]string
	session struct {
		user, hits uint64
		token      [16]byte
	}
	object struct {
		id     uint64
		labels labels
		ports  map[uint16]bool
	}
)

var (
	objects  []*object
	sessions = map[string]session{}
	payload  [][]byte
)

func main() {
	small := flag.Int("small", 200000, "how many small maps")
	big := flag.Int("big", 5000000, "how many entries the large map has")
	megabytes := flag.Int("payload", 400, "how many MB of other memory")
	how := flag.String("end", "abort", "panic, nil, abort or wait")
	flag.Parse()
	say.Hello("many")
	for i := 0; i < *small; i += 2 {
		id := strconv.Itoa(i)
		o := &object{id: uint64(i), labels: labels{"app": "app-" + id, "zone": "eu-" + id, "tier": "web"}, ports: map[uint16]bool{80: true, uint16(i): false}}
		for j := 0; i%100 == 0 && j < 40; j++ {
			o.labels["extra-"+strconv.Itoa(j)] = id
		}
		objects = append(objects, o)
	}
	for i := 0; i < *big; i++ {
		id := strconv.Itoa(i)
		sessions["session-"+id] = session{user: uint64(i), hits: uint64(i) * 3}
	}
	for i := 0; i < *megabytes; i++ {
		block := make([]byte, 1<<20)
		for j := range block {
			block[j] = byte(i + j*7)
		}
		payload = append(payload, block)
	}
	say.Settle()
	say.Line(map[string]any{"small": len(objects) * 2, "map": say.Map{Name: "sessions", Where: "global", Path: "main.sessions", Type: "map[string]main.session", Address: say.Hex(say.Header(sessions)), Len: len(sessions)}})
	say.End(*how)
	sink = len(objects) + len(payload)
}

var sink int
