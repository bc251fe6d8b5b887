// Package vector undoes what circl's AVX2 code leaves behind. Up to v1.6.5 that
// code returns without VZEROUPPER, so the upper halves of the vector registers
// stay in use, and on Intel CPUs each SSE instruction after it waits: SHA-256
// with the SHA extensions takes 280 µs for 4 kB instead of 3 (measured on a
// Xeon; without this package an exchange spent half of its time there). The
// package is pure; hybrid and kem call it after every call into circl.
package vector

import "bytes"

// zeros are searched in vain. More than 32 bytes, so that the search uses AVX2
// where there is AVX2.
var zeros [64]byte

// Settle makes the registers fit for SSE again, in some 10 ns. It relies on
// bytes.IndexByte, which on amd64 ends with VZEROUPPER; TestSettle would notice
// if it no longer did. Elsewhere it changes nothing.
func Settle() { bytes.IndexByte(zeros[:], 1) }
