// Astdump prints what go/parser makes of Go files, as a reference to compare
// another parser against. It needs nothing but a Go toolchain; the language it
// accepts is that of the toolchain it was compiled with.
//
//	astdump [-nodes] [-errors] [file ...]
//
// Without arguments the names of the files are read from standard input, one a
// line. `tophash debug ast [--nodes] [file ...]` prints the same bytes.
//
// For each file, in the order given, one line with columns parted by a tab:
//
//	PATH	ok	COUNT	HASH
//	PATH	err
//
// err: the file is rejected, with go/parser's ParseComments and
// SkipObjectResolution. COUNT is the number of node lines, in decimal. HASH is
// the 64-bit FNV-1a hash of the bytes of the node lines, line ends included, in
// 16 lower-case hexadecimal digits.
//
// With -nodes the node lines of an accepted file follow its line. A node line is
//
//	KIND START END
//
// with single spaces and a line feed: the name of the node's type in go/ast and
// the byte offsets of its Pos and End, not changed by //line directives. First
// come the nodes in the order of ast.Inspect (preorder) from the File node on,
// the comments attached to nodes left out:
//
//   - File extends from the keyword package to the end of its last declaration,
//     or of the package name if it declares nothing.
//   - The lists without a node of their own (declarations, statements of a
//     clause, arguments) print nothing; FieldList and Field do.
//   - Idents that belong to another node print too: a package name, a selector,
//     a label, the names of a Field or ValueSpec.
//
// Then come all comments of the file, in source order, as
//
//	Comment START END
//
// A // comment ends before its line feed and before one carriage return that
// precedes it; a /* comment ends behind its */. (go/ast's own End is too small
// where a comment holds carriage returns.)
//
// -errors prints the first message of each rejected file to standard error. A
// file that can't be read has no line; the exit status is then 2.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"hash/fnv"
	"log"
	"os"
	"reflect"
	"strconv"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("astdump: ")
	nodes := flag.Bool("nodes", false, "print the nodes")
	errors := flag.Bool("errors", false, "print the first error of rejected files")
	flag.Parse()

	status := 0
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	var lines []byte // reused from file to file
	one := func(path string) {
		src, err := os.ReadFile(path)
		if err != nil {
			log.Print(err)
			status = 2
			return
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			fmt.Fprintf(out, "%s\terr\n", path)
			if *errors {
				log.Print(first(err))
			}
			return
		}
		lines = appendNodes(lines[:0], fset.File(f.FileStart), f)
		lines = appendComments(lines, fset.File(f.FileStart), f, src)
		hash := fnv.New64a()
		hash.Write(lines)
		fmt.Fprintf(out, "%s\tok\t%d\t%016x\n", path, bytes.Count(lines, []byte("\n")), hash.Sum64())
		if *nodes {
			out.Write(lines)
		}
	}
	if flag.NArg() > 0 {
		for _, path := range flag.Args() {
			one(path)
		}
	} else {
		names := bufio.NewScanner(os.Stdin)
		for names.Scan() {
			one(names.Text())
		}
		if err := names.Err(); err != nil {
			log.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
	os.Exit(status)
}

// first gives the first of the messages in a list of errors.
func first(err error) error {
	if list, ok := err.(scanner.ErrorList); ok && len(list) > 0 {
		return list[0]
	}
	return err
}

func appendNodes(lines []byte, file *token.File, f *ast.File) []byte {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n.(type) {
		case nil, *ast.CommentGroup:
			return false
		}
		kind := reflect.TypeOf(n).Elem().Name()
		lines = appendLine(lines, kind, file.Offset(n.Pos()), file.Offset(n.End()))
		return true
	})
	return lines
}

func appendComments(lines []byte, file *token.File, f *ast.File, src []byte) []byte {
	for _, group := range f.Comments {
		for _, c := range group.List {
			start := file.Offset(c.Pos())
			lines = appendLine(lines, "Comment", start, commentEnd(src, start))
		}
	}
	return lines
}

// commentEnd gives the end of the comment that starts at start.
func commentEnd(src []byte, start int) int {
	if src[start+1] == '*' {
		return start + 4 + bytes.Index(src[start+2:], []byte("*/"))
	}
	end := len(src)
	if i := bytes.IndexByte(src[start:], '\n'); i >= 0 {
		end = start + i
	}
	if src[end-1] == '\r' {
		end--
	}
	return end
}

func appendLine(lines []byte, kind string, start, end int) []byte {
	lines = append(lines, kind...)
	lines = append(lines, ' ')
	lines = strconv.AppendInt(lines, int64(start), 10)
	lines = append(lines, ' ')
	lines = strconv.AppendInt(lines, int64(end), 10)
	return append(lines, '\n')
}
