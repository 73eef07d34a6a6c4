//go:build go1.27

package main

import _ "unsafe"

//go:linkname runtimeKeys internal/runtime/maps.aeskeysched
var runtimeKeys [128]byte

//go:linkname runtimeHashkey internal/runtime/maps.hashkey
var runtimeHashkey [4]uint64

//go:linkname runtimeUseAES internal/runtime/maps.UseAeshash
var runtimeUseAES bool

func aesKeys() *[128]byte  { return &runtimeKeys }
func hashKeys() *[4]uint64 { return &runtimeHashkey }
func useAES() *bool        { return &runtimeUseAES }
