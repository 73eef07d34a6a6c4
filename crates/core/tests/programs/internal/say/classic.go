//go:build !go1.24 || (!go1.26 && !goexperiment.swissmap)

package say

// Swiss is whether maps are Swiss tables.
const Swiss = false
