package p

type point struct {
	x, y int
	m    map[string]int
}

type embeds struct {
	point
	ps *point
}

var global point

func literals() (*point, []*point, map[string]point) {
	a := point{1, 2, nil}
	b := &point{m: map[string]int{"a": 1}}
	c := []*point{{x: 1}, b}
	d := map[string]point{"k": {y: 2}}
	e := [3]point{1: a}
	f := embeds{point: a, ps: new(point)}
	f.m["a"] = 1
	f.ps.m["b"] = 2
	global.m = f.ps.m
	*b = e[0]
	p := &a
	p.m = nil
	q := &b.m
	(*q)["c"] = 3
	(&a).x = 4
	n := new(int)
	*n = max(a.x, 3)
	s := make([]point, 4)
	s[1].m["d"] = 5
	s = append(s[:2], a, *b)
	t := e[1:]
	copy(s, t)
	_ = -a.x
	x := any(a.m)
	_ = x
	r := new(len(s))
	_ = r
	return b, c, d
}
