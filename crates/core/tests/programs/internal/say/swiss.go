//go:build go1.26 || (go1.24 && goexperiment.swissmap)

package say

// Swiss is whether maps are Swiss tables.
const Swiss = true
