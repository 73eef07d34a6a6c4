package p

import "errors"

const debug = false

func tests(m map[string]int, s []int, b bool, err error, n int) int {
	if m == nil {
		return 1
	}
	if nil != m {
		n++
	}
	if len(m) == 0 || len(s) > 0 {
		return 2
	}
	if 1 <= len(m) && !(len(s) < 1) {
		return 3
	}
	if len(m) > 2 {
		return 4
	}
	if len(m) < 5 {
		return 5
	}
	if len(m) > n {
		return 6
	}
	if b == true && !b {
		return 7
	}
	if err != nil {
		return 8
	}
	if v, ok := m["a"]; ok && v == 3 {
		return 9
	}
	if debug {
		return 10
	}
	if errors.Is(err, nil) {
		return 11
	}
	both := m != nil && len(m) != 0
	if both {
		return 12
	} else if n == 3 {
		return 13
	}
	return 0
}
-- errors/errors.go --
package errors

func Is(err, target error) bool
