package p

var table = map[string]int{"a": f()}

var (
	unset map[string]int
	a, b  = pair()
	_     = f()
	hook  = func(k string) { unset[k] = 1 }
)

func f() int
func pair() (map[string]int, error)

func init() {
	table["b"] = 2
	hook("a")
}
