// Mapwrites prints where Go files write to map elements, as a reference to
// compare control flow graphs against. It needs nothing but a Go toolchain.
//
//	mapwrites DIR < ROWS
//
// ROWS is what typedump printed in DIR: the expressions that are maps. Output is
// one line for each index expression that is assigned to, by =, op=, ++, -- or a
// range clause, sorted:
//
//	FILE:START-END
//
// START and END are the byte offsets of the index expression.
//
// `tophash debug flow --writes` prints the same lines, but for code that constant
// conditions or calls that never return rule out, which it leaves out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
)

// extent is a stretch of bytes in a file.
type extent struct{ start, end int }

func main() {
	log.SetFlags(0)
	log.SetPrefix("mapwrites: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: mapwrites DIR < ROWS")
	}
	files, err := readMaps(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	var lines []string
	for name, maps := range files {
		writes, err := findWrites(filepath.Join(os.Args[1], name), maps)
		if err != nil {
			log.Fatal(err)
		}
		for _, w := range writes {
			lines = append(lines, fmt.Sprintf("%s:%d-%d", name, w.start, w.end))
		}
	}
	slices.Sort(lines)
	out := bufio.NewWriter(os.Stdout)
	for _, line := range slices.Compact(lines) {
		fmt.Fprintln(out, line)
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

// readMaps reads typedump's rows: of each file, the expressions that are maps.
func readMaps(r io.Reader) (map[string]map[extent]bool, error) {
	files := make(map[string]map[extent]bool)
	rows := json.NewDecoder(bufio.NewReader(r))
	for {
		var row struct {
			File, Kind string
			Start, End int
		}
		if err := rows.Decode(&row); err == io.EOF {
			return files, nil
		} else if err != nil {
			return nil, err
		}
		if row.Kind != "map" {
			continue
		}
		if files[row.File] == nil {
			files[row.File] = make(map[extent]bool)
		}
		files[row.File][extent{row.Start, row.End}] = true
	}
}

// findWrites gives the extents of the index expressions of a file that are
// assigned to and whose operand is one of maps.
func findWrites(name string, maps map[extent]bool) ([]extent, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	extentOf := func(n ast.Node) extent {
		offset := func(p token.Pos) int { return fset.PositionFor(p, false).Offset }
		return extent{offset(n.Pos()), offset(n.End())}
	}
	var writes []extent
	assigned := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			if e == nil {
				continue
			}
			if index, ok := ast.Unparen(e).(*ast.IndexExpr); ok && maps[extentOf(index.X)] {
				writes = append(writes, extentOf(index))
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			assigned(n.Lhs...)
		case *ast.IncDecStmt:
			assigned(n.X)
		case *ast.RangeStmt:
			assigned(n.Key, n.Value)
		}
		return true
	})
	return writes, nil
}
