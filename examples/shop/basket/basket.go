// Package basket counts what a customer wants.
package basket

// Line is a line of a basket.
type Line struct {
	Article string
	Pieces  int
	Cents   int
}

// Count returns the number of pieces of each article.
func Count(lines []Line) (pieces map[string]int) {
	for _, line := range lines {
		pieces[line.Article] += line.Pieces
	}
	return pieces
}

// Total returns what each article costs in all.
func Total(lines []Line) (cents map[string]int) {
	cents = make(map[string]int, len(lines))
	for _, line := range lines {
		cents[line.Article] += line.Pieces * line.Cents
	}
	return cents
}
