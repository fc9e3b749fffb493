package cps_test

import "testing"

func BenchmarkApplet(b *testing.B) {
	p := purse(b, usualChain, true)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Applet(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProfile is what a SIM does once for each applet that is installed.
func BenchmarkProfile(b *testing.B) {
	a, err := purse(b, usualChain, true).Applet()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Profile(); err != nil {
			b.Fatal(err)
		}
	}
}
