package main

import (
	"math"
	"math/bits"
	"math/cmplx"
)

// strongest finds the strongest frequency of up to a second of telephone samples, to about 0.2 Hz for a steady
// tone. It is false for less than 100 ms, or silence.
func strongest(samples []int16) (hz float64, ok bool) {
	const size = 8192
	n := min(len(samples), size)
	if n < blockSamples {
		return 0, false
	}
	x := make([]complex128, size)
	for i, v := range samples[:n] {
		window := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(n-1))
		x[i] = complex(float64(v)*window, 0)
	}
	fourier(x)
	bin := func(hz float64) int { return int(hz * size / phoneRate) }
	best, top := 0, 0.0
	for i := bin(60); i <= bin(3900); i++ {
		if a := cmplx.Abs(x[i]); a > top {
			best, top = i, a
		}
	}
	if top == 0 {
		return 0, false
	}
	// The peak of a parabola through the logarithms of the three bins around it.
	a, b, c := cmplx.Abs(x[best-1]), top, cmplx.Abs(x[best+1])
	shift := 0.0
	if a > 0 && c > 0 {
		la, lb, lc := math.Log(a), math.Log(b), math.Log(c)
		if d := la - 2*lb + lc; d != 0 {
			shift = 0.5 * (la - lc) / d
		}
	}
	return (float64(best) + shift) * phoneRate / size, true
}

// fourier is the discrete Fourier transform in place; the length is a power of two.
func fourier(x []complex128) {
	n := len(x)
	shift := 64 - bits.TrailingZeros(uint(n))
	for i := range x {
		if j := int(bits.Reverse64(uint64(i)) >> shift); j > i {
			x[i], x[j] = x[j], x[i]
		}
	}
	for half := 1; half < n; half *= 2 {
		step := cmplx.Rect(1, -math.Pi/float64(half))
		for at := 0; at < n; at += 2 * half {
			w := complex(1, 0)
			for i := at; i < at+half; i++ {
				a, b := x[i], x[i+half]*w
				x[i], x[i+half] = a+b, a-b
				w *= step
			}
		}
	}
}
