package main

import (
	"cmp"
	"math"
	"math/bits"
	"math/cmplx"
	"slices"
)

const (
	spectrumSize = 8192
	tonesMost    = 5
	tonesApart   = 40.0  // Hz; what is nearer belongs to the stronger one
	tonesBelow   = 30.0  // dB below the strongest that still count
	tonesFloor   = -50.0 // dBFS
)

// toneReport is one of `heard.tones`.
type toneReport struct {
	Hz   float64 `json:"hz"`
	DBFS float64 `json:"dbfs"`
}

// spectrum is the windowed spectrum of up to a second of telephone samples, and the factor that makes the peak of a
// sine its effective value. It is nil for less than 100 ms.
func spectrum(samples []int16) ([]float64, float64) {
	n := min(len(samples), spectrumSize)
	if n < blockSamples {
		return nil, 0
	}
	x := make([]complex128, spectrumSize)
	total := 0.0
	for i, v := range samples[:n] {
		window := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(n-1))
		total += window
		x[i] = complex(float64(v)*window, 0)
	}
	fourier(x)
	out := make([]float64, spectrumSize/2)
	for i := range out {
		out[i] = cmplx.Abs(x[i])
	}
	return out, math.Sqrt2 / total
}

func binOf(hz float64) int { return int(hz * spectrumSize / phoneRate) }

// between gives the frequency and the height of a peak: the top of a parabola through the logarithms of the three bins
// around it.
func between(x []float64, at int) (hz, height float64) {
	a, b, c := x[at-1], x[at], x[at+1]
	shift, height := 0.0, b
	if a > 0 && c > 0 {
		la, lb, lc := math.Log(a), math.Log(b), math.Log(c)
		if d := la - 2*lb + lc; d != 0 {
			shift = 0.5 * (la - lc) / d
			height = math.Exp(lb - 0.25*(la-lc)*shift)
		}
	}
	return (float64(at) + shift) * phoneRate / spectrumSize, height
}

// tones finds the strongest frequencies of up to a second of telephone samples, the strongest first. A steady one is
// right to about 0.2 Hz and 0.5 dB.
func tones(samples []int16) []toneReport {
	out := []toneReport{}
	x, scale := spectrum(samples)
	if x == nil {
		return out
	}
	var peaks []int
	for i := binOf(60); i <= binOf(3900); i++ {
		if x[i] > 0 && x[i] >= x[i-1] && x[i] > x[i+1] {
			peaks = append(peaks, i)
		}
	}
	slices.SortFunc(peaks, func(a, b int) int { return cmp.Compare(x[b], x[a]) })
	for _, at := range peaks {
		hz, height := between(x, at)
		t := toneReport{Hz: round(hz, 1), DBFS: round(20*math.Log10(height*scale/32768), 1)}
		first := len(out) == 0
		if !first && (t.DBFS < out[0].DBFS-tonesBelow || t.DBFS < tonesFloor || len(out) == tonesMost) {
			break
		}
		if !slices.ContainsFunc(out, func(o toneReport) bool { return math.Abs(o.Hz-t.Hz) < tonesApart }) {
			out = append(out, t)
		}
	}
	return out
}

// strongest finds the strongest frequency of up to a second of telephone samples. It is false for less than 100 ms, or
// silence.
func strongest(samples []int16) (hz float64, ok bool) {
	t := tones(samples)
	if len(t) == 0 {
		return 0, false
	}
	return t[0].Hz, true
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
